#pragma once

#include <chrono>
#include <cstdint>

#include "base/random.h"

namespace forewarm {

/// How many invocations may be under way at a function that says when it has no room. Nobody tells us its
/// limit (reserved concurrency, the account's share, maximum instances), and it moves; so it is found as TCP
/// finds a path's: what was under way when one was refused is the limit, which grows by one for each round of
/// answers (RFC 5681 section 3.1, congestion avoidance) once it has held for a while. Where nothing is under
/// way at all and one is refused, there is a pause, longer each time.
///
/// Without it every free slot would be refused as fast as the network allows.
class InvokeGate {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::milliseconds kPauseFirst{100};
  static constexpr std::chrono::milliseconds kPauseLongest{10'000};
  static constexpr std::chrono::seconds kHolds{2};  ///< after a refusal, before the limit grows

  explicit InvokeGate(std::uint64_t seed) : random_(seed) {}

  bool is_open(Time now) const;
  /// When a pause is over; in the past where there is none.
  Time closed_until() const { return closed_until_; }
  std::uint32_t under_way() const { return under_way_; }
  std::uint32_t limit() const { return limit_; }

  void begin() { ++under_way_; }
  /// One that was begun at `begun` was not taken; `asked`: for how long the platform asks to be left alone.
  void refused(Time now, Time begun, std::chrono::milliseconds asked);
  /// One has been run, whatever it answered.
  void answered(Time now);
  /// One ended, and nothing is known of room.
  void ended() { --under_way_; }

 private:
  static constexpr std::uint32_t kUnlimited = 1'000'000;

  Random random_;
  std::uint32_t under_way_ = 0;
  std::uint32_t limit_ = kUnlimited;
  std::uint32_t grown_ = 0;     ///< answers since the limit grew last
  std::uint32_t refusals_ = 0;  ///< in a row, those of one moment counted once
  Time refused_at_{};
  Time closed_until_{};
};

}  // namespace forewarm
