#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/source_config.h"
#include "base/time.h"
#include "edge/net/http.h"
#include "edge/trace/trace.h"

namespace forewarm {

/// Where a trace's messages are sent to. Used by one thread, on which `done` is called, from run_for().
class TraceSender {
 public:
  virtual ~TraceSender() = default;
  /// The message numbered so, to the trace's queue with this index. `done` tells whether it is safely there.
  virtual void send(std::size_t queue, std::uint64_t number, std::string body,
                    std::function<void(bool taken)> done) = 0;
  virtual void run_for(Duration time) = 0;
  /// Messages that wait where the server does not see them; none: not known now.
  virtual std::optional<std::uint64_t> waiting() = 0;
  /// How long after the trace's end answers are waited for.
  virtual Duration patience() const = 0;
};

/// To the server's own queues, as an SQS client like any other.
std::unique_ptr<TraceSender> sqs_trace_sender(const std::vector<TraceQueue>& queues, const Endpoint& server);
/// To queues of another engine, in the trace's order. They have to be there, and `sources` to be such as
/// make_source() takes.
std::unique_ptr<TraceSender> engine_trace_sender(const std::vector<SourceConfig>& sources);

}  // namespace forewarm
