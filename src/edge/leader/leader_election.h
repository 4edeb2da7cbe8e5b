#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "base/time.h"

namespace forewarm {

/// Time that passes while the machine sleeps too (CLOCK_BOOTTIME), and that nobody sets: a lease runs out by
/// it. std::chrono::steady_clock stands still in a suspended machine, whose copy would wake up as leader.
struct LeaseClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<LeaseClock, Duration>;
  static constexpr bool is_steady = true;
  static time_point now();
};
using LeaseTime = LeaseClock::time_point;

/// What is known of who leads.
struct Leadership {
  bool leads = false;         ///< this copy
  std::string leader{};       ///< whoever does; empty: nobody, or nobody knows
  std::string problem{};      ///< why the last attempt to find out came to nothing; empty: it did not
  std::uint64_t changes = 0;  ///< times that this copy saw another leader than before

  friend bool operator==(const Leadership&, const Leadership&) = default;
};

/// Of several copies that watch the same, one acts. A copy that cannot prove that it still leads does not,
/// before another one can.
///
/// A promise, not a fence: what was sent in the last moment of leading may arrive after it.
class LeaderElection {
 public:
  using Changed = std::function<void(const Leadership&)>;

  /// Gives the lead up, so that another copy need not wait; whoever leads has stopped acting before.
  virtual ~LeaderElection() = default;
  /// Now; any thread. To be asked right before each act.
  virtual bool leads() const = 0;
  /// Any thread.
  virtual Leadership standing() const = 0;
};

}  // namespace forewarm
