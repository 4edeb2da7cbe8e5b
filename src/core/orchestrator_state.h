#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/id_map.h"
#include "core/history/signal_series.h"
#include "core/machine.h"
#include "core/orchestrator.h"
#include "core/queue_state.h"
#include "core/retry_book.h"
#include "core/start_line.h"

namespace forewarm {

/// The orchestrator's inside, by its files: messages.cpp (where each message is), runs.cpp (who works on it),
/// retries.cpp (what becomes of a failed message), scaling.cpp (how many instances there are), starts.cpp
/// (which of them there is room for), freezing.cpp (which stand still), signals.cpp (what is known from
/// outside). Each handler leaves everything consistent; what does not fit into a step stays in pending_.
class Orchestrator::State {
 public:
  explicit State(Options options);
  void step(TimePoint now, const Event& event, Actions& actions);
  TimePoint wake_at() const;
  void on(const MessageArrived& event);
  void on(const ReceiveRequested& event);
  void on(const ReceiveCancelled& event);
  void on(const MessageDeleted& event);
  void on(const VisibilityChanged& event);
  void on(const QueueChanged& event);
  void on(const QueuePurged& event);
  void on(const QueueRemoved& event);
  void on(const RedriveRequested& event);
  void on(const ChosenRedriven& event);
  void on(const InstanceReady& event);
  void on(const InstanceLost& event);
  void on(const RunFinished& event);
  void on(const SignalObserved& event);
  void on(const ForecastFitted& event);
  void on(const HistoryRestored& event);
  void on(const QueueRestored& event);
  void on(const RetryRestored& event);
  void on(const FunctionRestored& event);
  void on(const ScalingOrdered& event);
  void on(const ConsumptionPaused& event);
  void on(const ConfigurationChanged& event);
  void on(const TimePassed& event);
  QueueState* find_queue(QueueId id);
  const SignalSeries* find_signal(SignalId id) const;
  FunctionState* find_function(FunctionId id);
  const MessageRecord* find_message(MessageId id) const { return messages_.find(id); }
  std::uint64_t events() const { return events_; }
  TimePoint now() const { return now_; }
  std::vector<double> failure_odds(RunId run) const;
  RetryMemory retry_memory() const;
  std::optional<RerunOdds> rerun_odds(QueueId id, const LastFailure& failure);
  DirectiveCourse directives(QueueId id, const ActuatorModel& actuator,
                             const std::optional<TierPrices>& prices);

 private:
  // messages.cpp: where each message is
  MessageRecord& admit(QueueState& queue, const Message& message);
  void forget(MessageRecord& record);
  void unlink(QueueState& queue, MessageRecord& record);
  void take_from_holder(QueueState& queue, MessageRecord& record);
  void make_ready(QueueState& queue, MessageRecord& record);
  void hold_until(QueueState& queue, MessageRecord& record, TimePoint when);
  void keep_lease(QueueState& queue, MessageRecord& record);
  void lease(QueueState& queue, MessageRecord& record, Holder holder);
  void expire(MessageRecord& record);
  void move(MessageRecord& record, QueueState& to, MoveReason reason, const RetryDecision& decision);
  bool deliver(QueueState& queue, ReceiverRecord& receiver);
  void answer_empty(ReceiverId receiver);
  void message_due(MessageRecord& record);
  void apply_to_waiting(QueueState& queue, const QueueSettings& before);
  void sweep(QueueState& queue);
  QueueState* redrive_target(const QueueState& queue, const MessageRecord& record);
  void redrive(QueueState& queue);
  void count_first_start(QueueState& queue, MessageRecord& record);
  void release(QueueState& queue, const MessageRecord& record);
  // runs.cpp: who works on it
  void serve(QueueState& queue);
  bool serve_receiver(QueueState& queue);
  bool serve_function(QueueState& queue);
  void begin_run(QueueState& queue, FunctionState& function, const RouteChoice& route,
                 const std::vector<MessageId>& passed);
  void finish_run(const RunRecord& run, ErrorClass error, std::uint64_t error_key,
                  const std::vector<MessageId>& failed);
  void instance_free(FunctionState& function);
  // retries.cpp: what becomes of it when it failed
  void finish_message(QueueState& queue, FunctionState& function, MessageRecord& record, const RunRecord& run,
                      std::size_t place, const Failure& failure);
  Surroundings surroundings(const QueueState& queue) const;
  void conclude(QueueState& queue, FunctionState& function, MessageRecord& record);
  bool keep_held(QueueState& queue, MessageRecord& record);
  void advance_breakers(FunctionState& function);
  void breakers_due();
  void wake_breakers(const FunctionState& function);
  // starts.cpp: which of them the machine has room for
  std::uint32_t start(QueueState& queue, FunctionState& function, std::uint32_t count, ScaleReason reason);
  void start_one(QueueState& queue, FunctionState& function, std::uint16_t variant, ScaleReason reason);
  bool make_room(QueueState& queue, FunctionState& function, std::uint64_t bytes, std::uint32_t count,
                 bool need);
  std::vector<Evictable> evictable(const FunctionState& but, bool young_too);
  double idle_value(const FunctionState& function, const IdleInstance& instance);
  void evict(const Evictable& evictable);
  void stop(FunctionState& function, InstanceId instance, ScaleReason reason);
  void stop_unfit(FunctionState& function);
  void exchange_variant(QueueState& queue, FunctionState& function);
  bool start_fitting(QueueState& queue, FunctionState& function, InstanceId in_place_of);
  void wait_for_start(QueueState& queue, bool need);
  void ask_waiting();
  // scaling.cpp: how many instances there are
  ScalingInputs inputs(QueueState& queue, FunctionState& function);
  void tick(QueueState& queue);
  void schedule_tick(QueueState& queue);
  std::size_t close_steps(QueueState& queue);
  void ask_for_fit(QueueState& queue);
  ScalingPlan plan_as_ordered(QueueState& queue);
  std::uint32_t held(const QueueState& queue, const FunctionState& function);
  bool stops_paused(const FunctionState& function);
  void apply_plan(QueueState& queue, FunctionState& function);
  void react(QueueState& queue);
  std::uint32_t wanted(const FunctionState& function);
  Duration keep_idle(const FunctionState& function);
  void attach_mapping(QueueState& queue);
  void drop_if_unused(FunctionState& function);
  // freezing.cpp, signals.cpp: which idle ones stand still; what is known from outside
  void freeze_later(FunctionState& function, InstanceId id);
  void freeze(const InstanceRecord& record);
  void thaw(FunctionState& function, InstanceId id);
  void refresh_freezing(FunctionState& function);
  void configure_signals();
  void spread_signal_news();
  void add_regressors(FitRequest& request);
  void leave_pending(QueueState& queue);
  void continue_pending();
  Options options_;
  Configuration configuration_;
  TimePoint now_;
  MessageId newest_message_;
  Actions* actions_ = nullptr;  ///< of the step that is running
  std::uint64_t events_ = 0, next_instance_ = 1, next_run_ = 1;
  IdMap<MessageId, MessageRecord> messages_;
  IdMap<ReceiverId, ReceiverRecord> receivers_;
  IdMap<RunId, RunRecord> runs_;
  IdMap<InstanceId, InstanceRecord> instances_;
  std::map<QueueId, std::unique_ptr<QueueState>> queues_;
  IdMap<QueueId, QueueState*> queue_index_;
  std::map<FunctionId, FunctionState> functions_;
  IdMap<FunctionId, FunctionState*> function_index_;
  TimerHeap timers_;
  std::deque<QueueId> pending_;
  Machine machine_;
  StartLine start_line_;
  Timed ask_timer_{TimerKind::Starts}, breaker_timer_{TimerKind::Breakers};
  TimePoint search_again_at_;  ///< when nobody was found who would make room
  RetryBook retry_book_;
  std::map<SignalId, SignalSeries> signals_;
  Timed signal_news_{TimerKind::SignalNews};
  std::vector<SignalId> signals_with_news_;  ///< of times to come, not yet passed on to queues
};

}  // namespace forewarm
