#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

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
  /// Answers that were failures since the last that was none.
  std::uint32_t failures() const { return failures_; }
  std::uint32_t wanted() const { return wanted_; }

 private:
  void answered(std::uint32_t asked, Result<std::vector<PolledMessage>> received);

  PolledEngine& engine_;
  const PolledEngine::Received received_;
  ReconnectBackoff backoff_;
  std::uint32_t window_ = 0;
  std::uint32_t wanted_ = 1;    ///< calls that are worth their price
  std::uint32_t waiting_ = 0;   ///< calls under way
  std::uint32_t reserved_ = 0;  ///< messages they may bring
  std::uint32_t failures_ = 0;
  Clock::time_point not_before_{};
  Clock::time_point room_since_ = Clock::time_point::max();
  Clock::time_point due_ = Clock::time_point::max();
};

}  // namespace forewarm
