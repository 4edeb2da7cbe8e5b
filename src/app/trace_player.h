#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "app/trace_sender.h"
#include "edge/trace/trace.h"

namespace forewarm {

/// Sends a trace's messages at the times of the trace, from a thread of its own. What is not taken is sent
/// again until it is. The body says how long to work, and which message of the trace it is:
/// {"work_us": microseconds, "n": from 0}.
class TracePlayer {
 public:
  using MakeSender = std::function<std::unique_ptr<TraceSender>()>;

  TracePlayer(const Trace& trace, MakeSender make);  ///< `trace` must outlive it; begins at once
  ~TracePlayer();                                    ///< stops

  double share() const {
    return static_cast<double>(played_) / static_cast<double>(total_ == 0 ? 1 : total_);
  }
  bool finished() const { return finished_; }
  std::uint64_t sent() const { return sent_; }
  /// That were not taken to the end; known when it is finished.
  std::uint64_t failed() const { return finished_ ? played_ - sent_ : 0; }
  /// Once finished: nothing that was sent waits where the server does not see it.
  bool drained() const { return drained_; }

 private:
  void play();
  void send(TraceSender& sender, std::size_t number);
  void send_again(TraceSender& sender);

  const Trace& trace_;
  MakeSender make_;
  std::uint64_t total_;
  std::vector<std::size_t> again_;  ///< not taken; of the thread
  std::atomic<std::uint64_t> played_{0};
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<bool> finished_{false};
  std::atomic<bool> drained_{false};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace forewarm
