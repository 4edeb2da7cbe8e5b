#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "core/model/settings.h"

namespace forewarm {

/// Rises when a member of ScalerMemory comes, goes or changes its meaning: what another version wrote is not
/// taken.
inline constexpr std::int64_t kScalerMemoryVersion = 1;

/// How long a group of instances was not needed, counted by length; the bins are the scaler's.
struct GapMemory {
  std::vector<float> idle;         ///< from idle to needed again
  std::vector<float> after_start;  ///< from ready, had it been started at a need, to needed again

  friend bool operator==(const GapMemory&, const GapMemory&) = default;
};

/// All that forewarm's own scaler of a queue has learnt and that is worth more than what it would learn of
/// the next messages: core/scale/memory.h. Times count back from the moment at which it was taken, so that
/// time in which nobody watched is left out, however long it was.
struct ScalerMemory {
  ScalingSettings settings;  ///< what was learnt under others does not hold
  Duration lead = Duration(0);
  double start_seconds = 0;
  bool in_time = false;
  double messages = 0;
  double watched_seconds = 0;
  std::vector<float> service_seconds = {};      ///< of the last messages
  std::vector<float> idle_seconds = {};         ///< by level: since it was needed last, 0 while it works
  std::vector<float> since_start_seconds = {};  ///< by level: since a need that would have started it
  std::vector<std::uint16_t> started = {};      ///< by level: the prices at which it was there, one bit each
  std::vector<GapMemory> gaps = {};             ///< by group of levels
  std::vector<float> instance_seconds = {};     ///< by candidate: what it would have had
  std::vector<float> cold = {};                 ///< and missed
  std::optional<std::uint16_t> chosen = {};     ///< the candidate that decides
  std::uint32_t chosen_starts = 1;              ///< instances started for a message that has none
  double chosen_cold = 0;                       ///< cold messages with those that decided
  double chosen_expected = 0;                   ///< of them expected to be late
  double chosen_late = 0;                       ///< and late ones

  friend bool operator==(const ScalerMemory&, const ScalerMemory&) = default;
};

}  // namespace forewarm
