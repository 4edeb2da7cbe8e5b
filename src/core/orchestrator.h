#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/time.h"
#include "core/forecast/ensemble/model_choice.h"
#include "core/model/action.h"
#include "core/model/directive.h"
#include "core/model/event.h"
#include "core/retry/circuit_breaker.h"
#include "core/scale/scaler.h"

namespace forewarm {

class IntervalCounts;
class SignalSeries;
struct RetryInputs;

/// A redrive of a queue's messages, under way or the last one.
struct RedriveWork {
  QueueId to;                   ///< none: each to the queue whose dead letter it is
  std::uint32_t remaining = 0;  ///< messages that it may still take
  MessageId stuck;              ///< it ended at this one, which has no such queue
};

/// What a message failed with when it was given up.
struct LastFailure {
  ErrorClass error = ErrorClass::Handler;
  std::uint64_t fingerprint = 0;
  std::uint16_t attempts = 1;
  TimePoint at{};
};
/// How it would fare, were it run again now, by what its function has shown since the start.
struct RerunOdds {
  double failure = 0;            ///< probability that the attempt fails
  double evidence = 0;           ///< attempts after such a failure behind it; they fade
  double function_attempts = 0;  ///< newest attempts of the function, whatever they failed with before
  double function_failures = 0;  ///< of these
  BreakerView breaker;           ///< of such failures
};

/// What one queue holds, for attributes, metrics and the dashboard.
struct QueueView {
  std::uint64_t ready = 0;
  std::uint64_t delayed = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t messages = 0;      ///< whatever their state
  std::uint64_t bytes = 0;         ///< of these, as Message::bytes
  bool paused = false;             ///< see ConsumptionPaused
  TimePoint oldest_sent = kNever;  ///< of the ready ones' next in order
  std::uint64_t arrived = 0;       ///< sent, since the start
  std::uint64_t arrived_bytes = 0;
  std::uint64_t started = 0;       ///< first starts
  std::uint64_t late = 0;          ///< first starts past the deadline
  std::uint64_t retries = 0;       ///< failed runs' messages that stayed
  std::uint64_t dead_letters = 0;  ///< moved to the dead-letter queue
  TimePoint step_start;            ///< of the newest closed step
  float arrivals_last_step = 0;
  const ModelForecast* forecast = nullptr;
  const ModelChoice* choice = nullptr;
  const IntervalCounts* history = nullptr;  ///< as long as the queue is there; null when it is not
  ScalingPlan plan;
  ScalingOrder order;  ///< the operator's, while it is in force
  RedriveWork redrive;
};

/// Who has a message, for people.
enum class MessageState : std::uint8_t { Ready, Delayed, InFlight, Running };

struct MessageView {
  Message message;
  MessageState state = MessageState::Ready;
};

struct FunctionView {
  InstanceCounts instances;
  std::uint64_t cold_starts = 0;  ///< instances started because messages already waited
  std::uint64_t warm_starts = 0;  ///< instances started ahead of need
  DurationSummary start_time;
  DurationSummary service_time;
  double memory_need_bytes = 0;       ///< what 99 of 100 messages of the class that needs most need at most
  std::uint64_t memory_measured = 0;  ///< runs that it is known from
};

/// The core: decides everything that forewarm decides, and does nothing. Feed it events in the order of time,
/// perform the actions it appends, in order, before the next step.
///
/// It is one object and not a set of communicating actors because every decision looks at several of its
/// parts (a run needs the ready order, the pool, the plan), and because a step that is a plain function call
/// can be recorded, replayed and simulated byte for byte. It holds no clock, file, lock or thread; a
/// recording of its events is a complete recording of a run.
///
/// Owned and called by one thread.
class Orchestrator {
 public:
  struct Options {
    std::uint64_t seed = 1;
    /// Makes the scaler of each mapped queue; the replay lab puts other autoscalers here.
    std::function<std::unique_ptr<Scaler>(const MappingSettings&)> make_scaler;
    /// Decides about failed messages in place of decide_retry and the circuit breakers; for comparisons.
    std::function<RetryDecision(const RetryInputs&)> decide_retry = {};
  };

  explicit Orchestrator(Options options);
  ~Orchestrator();

  /// `now` never goes back. Work that does not fit into one bounded step is left for wake_at() == now.
  void step(TimePoint now, const Event& event, Actions& actions);
  /// When to call step with TimePassed if nothing happens first; kNever if there is nothing to wait for.
  TimePoint wake_at() const;

  QueueView queue(QueueId id) const;
  FunctionView function(FunctionId id) const;
  /// What to set at a target for a queue over the forecast's horizon, beginning with the plan in force. Empty
  /// for a queue without a function, and where nothing is to be changed. With prices also which of the
  /// instances to commit to.
  DirectiveCourse directives(QueueId id, const ActuatorModel& actuator,
                             const std::optional<TierPrices>& prices = {}) const;
  /// What has been learnt of a queue, to be given back as QueueRestored after a restart.
  std::optional<QueueMemory> queue_memory(QueueId id) const;
  /// What has been learnt of how a function runs, to be given back as FunctionRestored after a restart.
  std::optional<FunctionMemory> function_memory(FunctionId id) const;
  /// What has been learnt of failures, to be given back as RetryRestored after a restart.
  RetryMemory retry_memory() const;
  /// What was said of a signal; null for one that is not configured. Until the next step.
  const SignalSeries* signal(SignalId id) const;
  /// True if the delivery numbered `receive_count` is the message's latest and it still exists.
  bool is_current(MessageId message, std::uint16_t receive_count) const;
  /// False when the message no longer exists here.
  bool exists(MessageId message) const;
  /// Null when it no longer exists here. Until the next step.
  const Message* message(MessageId message) const;
  /// Where the message is now; none when it no longer exists. A receipt from another queue is no receipt.
  QueueId queue_of(MessageId message) const;
  /// The first `limit` messages of a queue, in the order in which they came to it.
  std::vector<MessageView> messages(QueueId id, std::size_t limit) const;
  /// Those of a queue that wait for their delay and were never handed out, in the order in which they came;
  /// at most `limit`, the first.
  std::vector<MessageId> delayed(QueueId id, std::size_t limit) const;
  /// The odds of failure with which the messages of a run that goes on were begun, in the run's order.
  std::vector<double> failure_odds(RunId run) const;
  /// The odds of a message that failed so, on the function of this queue; nothing for a queue without one.
  std::optional<RerunOdds> rerun_odds(QueueId queue, const LastFailure& failure) const;
  /// What a function's circuit breakers say, and whom they hold; for the admin API.
  std::vector<CircuitBreakers::Row> breakers(FunctionId id) const;
  /// True while a run or receiver holds the message.
  bool in_flight(MessageId message) const;
  std::uint64_t events() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace forewarm
