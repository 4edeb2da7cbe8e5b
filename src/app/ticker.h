#pragma once

#include <functional>
#include <memory>

#include "edge/net/loop.h"

namespace forewarm {

/// Calls a function every tenth of a second while it says that there is more to do. Sleeps otherwise.
class Ticker {
 public:
  Ticker(Loop& loop, std::function<bool()> tick) : loop_(loop), tick_(std::move(tick)) {}

  void wake() {
    if (!timer_) timer_ = loop_.call_after(std::chrono::milliseconds(100), [this] { run(); });
  }

 private:
  void run() {
    const std::unique_ptr<Loop::Timer> over = std::move(timer_);  // alive until this call of its own is over
    if (tick_()) wake();
  }

  Loop& loop_;
  std::function<bool()> tick_;
  std::unique_ptr<Loop::Timer> timer_;
};

}  // namespace forewarm
