#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/random.h"

namespace forewarm {

/// How long to wait before a connection is tried again: twice as long each time, up to a limit, of which a
/// random half, so that those who lost the same server do not come back at the same moment.
class ReconnectBackoff {
 public:
  struct Options {
    std::chrono::milliseconds first{200};
    std::chrono::milliseconds longest{10'000};
  };
  explicit ReconnectBackoff(std::uint64_t seed) : ReconnectBackoff(seed, Options()) {}
  ReconnectBackoff(std::uint64_t seed, const Options& options)
      : options_(options), random_(seed), next_(options.first) {}

  std::chrono::milliseconds next() {
    const auto half = next_.count() / 2;
    const auto wait =
        half + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(next_.count() - half) + 1));
    next_ = std::min(next_ * 2, options_.longest);
    return std::chrono::milliseconds(wait);
  }
  /// The connection has proved good.
  void reset() { next_ = options_.first; }

 private:
  Options options_;
  Random random_;
  std::chrono::milliseconds next_;
};

}  // namespace forewarm
