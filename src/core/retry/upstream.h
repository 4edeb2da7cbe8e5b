#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "core/model/ids.h"

namespace forewarm {

/// Of a queue's external series, so many tell retries how things are that its function needs.
inline constexpr std::size_t kUpstreamMax = 8;
/// What each of them says; 0: nothing is known.
using UpstreamLevels = std::array<std::uint32_t, kUpstreamMax>;

/// What a signal says, coarsely enough to be learnt: one number for each signal, sign and power of two of its
/// value. Never 0.
std::uint32_t upstream_level(SignalId signal, double value);

/// Whether it was worth asking when a signal came to a level while messages waited: beta-binomial by level,
/// optimistic, so that each is tried a few times. Bounded; for one function.
class UpstreamNews {
 public:
  bool promising(std::uint32_t level) const;
  /// Somebody was asked because of it, and the function worked again, or not; or it worked again anyway.
  void observe(std::uint32_t level, bool works);

 private:
  struct Asked {
    double worked = 0;
    double failed = 0;
  };
  std::map<std::uint32_t, Asked> asked_;
};

}  // namespace forewarm
