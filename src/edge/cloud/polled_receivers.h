#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "edge/cloud/polled_engine.h"
#include "edge/net/reconnect_backoff.h"

namespace forewarm {

/// The calls that wait for messages: how many at a time, and for how many messages each.
class PolledReceivers {
 public:
  using Clock = std::chrono::steady_clock;

  /// `received` is called for each answer.
  PolledReceivers(PolledEngine& engine, PolledEngine::Received received);

  void set_window(std::uint32_t unsettled_max) { window_ = unsettled_max; }
  /// Begins what there is room for beside what is lent.
  void poll(Clock::time_point now, std::size_t lent);
  /// When poll() has something to do, if nothing else happens.
  Clock::time_point due() const { return due_; }
  /// How long calls fail by now, without one between that did not. A call whose answer is overdue fails since
  /// then.
  Clock::duration failing_for(Clock::time_point now) const {
    return failing_since_ ? now - *failing_since_ : Clock::duration(0);
  }
  std::uint32_t wanted() const { return wanted_; }

 private:
  void answered(std::uint32_t asked, Clock::time_point begun, Result<std::vector<PolledMessage>> received);

  PolledEngine& engine_;
  const PolledEngine::Received received_;
  ReconnectBackoff backoff_;
  std::uint32_t window_ = 0;
  std::uint32_t wanted_ = 1;    ///< calls that are worth their price
  std::uint32_t waiting_ = 0;   ///< calls under way
  std::uint32_t reserved_ = 0;  ///< messages they may bring
  std::optional<Clock::time_point> failing_since_{};
  Clock::time_point not_before_{};
  Clock::time_point room_since_ = Clock::time_point::max();
  Clock::time_point due_ = Clock::time_point::max();
};

}  // namespace forewarm
