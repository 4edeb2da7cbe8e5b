#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "edge/net/loop.h"
#include "edge/observe/log.h"

namespace forewarm {

/// The end of a server that was asked to stop: nothing more is handed out, runs under way may finish until a
/// deadline, then the loop stops. Asked again, it stops at once.
///
/// Functions that were invoked by hand are runs too; whoever waits for one that is not done by then is told.
/// Sends and deletes are taken to the end: what is sent now waits for the next start, as it would for a slow
/// consumer.
class Shutdown {
 public:
  struct Server {
    Loop* loop = nullptr;
    Log* log = nullptr;
    std::function<void()> begin;             ///< hand out nothing more, be ready no more
    std::function<std::size_t()> under_way;  ///< what is still waited for
    std::function<void()> abandon;           ///< answer whoever waits for that
  };
  explicit Shutdown(Server server) : server_(std::move(server)) {}

  void ask(std::chrono::microseconds timeout);

 private:
  void look();
  void give_up(std::size_t left);

  Server server_;
  Loop::Clock::time_point deadline_;
  std::unique_ptr<Loop::Timer> timer_;
  bool asked_ = false;
};

}  // namespace forewarm
