#pragma once

#include <cstdint>
#include <vector>

#include "core/model/ids.h"

namespace forewarm {

/// Rises when a member of RetryMemory, or what the odds are hashed from, comes, goes or changes its meaning:
/// what another version wrote is not taken.
inline constexpr std::int64_t kRetryMemoryVersion = 2;

/// How long a function's outages lasted, and whether it has ever worked.
struct OutageMemory {
  FunctionId function;
  bool has_succeeded = false;
  std::uint64_t observed = 0;
  double count = 0;    ///< of those that are remembered
  double mean = 0;     ///< of the logarithms of seconds
  double squares = 0;  ///< sum of squared deviations

  friend bool operator==(const OutageMemory&, const OutageMemory&) = default;
};

/// What has been learnt of failures and is true for longer than a restart takes: the weights of the odds,
/// their calibration, and outages. Not the outcomes of the last minutes, nor which breakers are open: the
/// first messages tell. The three vectors of weights have one size, those of the calibration another.
struct RetryMemory {
  std::uint64_t learnt = 0;            ///< attempts
  std::vector<std::uint32_t> buckets;  ///< that features have fallen into, ascending
  std::vector<float> z;                ///< of each: FTRL-proximal's sum of gradients
  std::vector<float> n;                ///< and of their squares
  std::vector<float> predicted;        ///< by bin of the calibration: sum of odds
  std::vector<float> failed;
  std::vector<float> weight;
  std::vector<OutageMemory> outages;

  friend bool operator==(const RetryMemory&, const RetryMemory&) = default;
};

}  // namespace forewarm
