#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/random.h"
#include "core/model/action.h"
#include "core/model/event.h"
#include "edge/observe/names.h"
#include "edge/observe/otlp/trace_span.h"

namespace forewarm {

/// Makes spans of messages' lives, read off the core's stream: one for the message from being sent to its
/// end, below it one for each wait and each run. A message that says which trace it belongs to is sampled if
/// its sender's span is; of the others a share. A run of several messages is a trace of its own with a link
/// to each. Source: OpenTelemetry semantic conventions for messaging spans.
///
/// What is known is bounded, and the bound is counted; nothing is kept across a restart. One thread.
class MessageTraces {
 public:
  struct Options {
    double ratio = 0.01;                ///< of messages whose senders do not say
    std::size_t messages_max = 50'000;  ///< followed at a time
    std::uint64_t seed = 1;
  };
  struct Surroundings {
    const Names* names = nullptr;
    std::function<std::string(MessageId)> id_text{};  ///< as clients know a message
    std::function<void(TraceSpan)> ended{};
  };
  MessageTraces(const Options& options, Surroundings surroundings)
      : options_(options), surroundings_(std::move(surroundings)), random_(options.seed) {}

  /// What the sender of a message said, before the message arrives.
  void sent(MessageId message, TraceContext context);
  void observe(const TimedEvent& event, const Actions& actions);
  /// What a function is to take for its parent; nothing where the run is not sampled.
  std::optional<TraceContext> of_run(RunId run) const;
  /// Messages that should have been followed, while too many were.
  std::uint64_t left_out() const { return left_out_; }

 private:
  struct Followed {
    TraceSpan span;
    QueueId queue;
    TimePoint waits_since;
    bool waits = true;
    std::uint32_t runs = 0;
  };
  struct UnderWay {
    TraceSpan span;
    InstanceId instance;
  };

  std::uint64_t new_span();
  void note(TimePoint, const Event&);
  void note(TimePoint, const Action&);
  void arrive(const MessageArrived& event);
  void run(TimePoint now, const Run& action);
  void deliver(TimePoint now, const Deliver& action);
  void end_wait(TimePoint now, Followed& message);
  void end_run(TimePoint now, RunId run, const std::string& failure);
  void end_runs_of(TimePoint now, InstanceId instance, LossReason reason);
  void end_message(TimePoint now, MessageId message, std::string_view outcome, bool failed);
  void purge(TimePoint now, const Purge& action);
  std::string queue_name(QueueId queue) const;

  Options options_;
  Surroundings surroundings_;
  Random random_;
  std::map<MessageId, TraceContext> said_;  ///< of messages that are not known to the core yet
  std::map<MessageId, Followed> messages_;
  std::map<RunId, UnderWay> runs_;
  std::uint64_t left_out_ = 0;
};

}  // namespace forewarm
