#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <optional>
#include <stop_token>
#include <thread>

#include "base/result.h"
#include "edge/cloud/command_queue.h"

namespace forewarm {

/// The thread of a source whose client library blocks: connects, serves the connection until it ends, says
/// why, waits (longer each time, by chance) and connects again.
class EngineThread {
 public:
  /// All but `interrupt` are called on the thread.
  struct Connection {
    std::function<Result<void>()> connect;
    /// Until the connection ends, which is what is returned, or a stop is asked for.
    std::function<Error(const std::stop_token&)> serve;
    std::function<void(const Result<void>&)> state;
    std::function<void()> close;      ///< at the end of all, if it is connected
    std::function<void()> interrupt;  ///< ends what the thread blocks in, when a stop lasts too long
  };

  EngineThread() = default;
  EngineThread(const EngineThread&) = delete;
  EngineThread& operator=(const EngineThread&) = delete;

  /// Any thread, also before start(): it runs on the thread, between what comes from the connection.
  void post(std::function<void()> command) { commands_.post(std::move(command)); }
  void start(Connection connection);
  /// Commands that were posted before are run; then the connection ends. Within seconds.
  void stop();

  /// For the serving function.
  CommandQueue& commands() { return commands_; }

 private:
  void run(const std::stop_token& stop);
  void pause(const std::stop_token& stop, std::chrono::milliseconds time);

  CommandQueue commands_{};
  Connection connection_{};
  std::promise<void> finished_{};
  std::jthread thread_{};
};

}  // namespace forewarm
