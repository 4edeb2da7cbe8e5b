#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "edge/net/http.h"
#include "edge/trace/trace.h"

namespace forewarm {

/// Sends a trace's messages to an SQS endpoint at the times of the trace, from a thread and connections of
/// its own: to the server it is a client like any other. The body says how long to work: {"work_us": n}.
class TracePlayer {
 public:
  TracePlayer(const Trace& trace, Endpoint server);  ///< `trace` must outlive it; begins at once
  ~TracePlayer();                                    ///< stops

  double share() const {
    return static_cast<double>(played_) / static_cast<double>(total_ == 0 ? 1 : total_);
  }
  bool finished() const { return finished_; }
  std::uint64_t sent() const { return sent_; }
  std::uint64_t failed() const { return failed_; }

 private:
  void play();

  const Trace& trace_;
  Endpoint server_;
  std::uint64_t total_;
  std::atomic<std::uint64_t> played_{0};
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<bool> finished_{false};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace forewarm
