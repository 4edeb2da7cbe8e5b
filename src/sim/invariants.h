#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/model/settings.h"
#include "core/orchestrator.h"
#include "sim/watcher.h"

namespace forewarm {

/// An oracle beside the core: from events and actions alone it keeps its own account of every message and
/// instance and says where an action breaks a promise of docs/invariants.md. It shares no code with the
/// core, uses plain maps, and never corrects itself from what the core says.
class Invariants : public Watcher {
 public:
  struct Options {
    /// A mapped queue with more waiting messages than its baseline threshold has an instance after this.
    Duration no_instance_max = 5min;
    std::size_t violations_max = 20;  ///< no more are kept
  };
  explicit Invariants(const Options& options);

  void observe(const TimedEvent& event, const Actions& actions) override;
  /// I7 and I1 at a quiet moment: every message that this oracle has is one that the core has, and the other
  /// way round.
  void check_balance(const Orchestrator& core);
  /// I1: nothing that could have been run is still waiting: call when the world has been quiet for long.
  void check_nothing_stuck(TimePoint now, Duration waited_max);

  const std::vector<std::string>& violations() const { return violations_; }
  std::uint64_t live_messages() const { return messages_.size(); }

 private:
  template <class Tag, class Number>
  static std::string name(const char* kind, Id<Tag, Number> id) {
    return std::string(kind) + " " + std::to_string(id.value());
  }

  enum class Place : std::uint8_t {
    Waiting,
    Receiver,
    Run,
    Ended
  };  // Ended: its run is over, its fate not yet said
  struct Stored {
    QueueId queue;
    GroupId group;
    TimePoint sent;
    TimePoint visible_at;
    std::uint16_t receive_count = 0;
    Place place = Place::Waiting;
    InstanceId failed_on;
    bool dead_lettered = false;
  };
  enum class InstanceState : std::uint8_t { Starting, Idle, Frozen, Busy, Broken, Stopping };
  struct Instance {
    FunctionId function;
    std::uint32_t version = 0;
    InstanceState state = InstanceState::Starting;
    RunId run;
    TimePoint idle_since;
    std::uint64_t memory_bytes = 0;  ///< declared
  };
  struct Working {
    InstanceId instance;
    QueueId queue;
    std::vector<MessageId> messages;
  };
  struct Asking {
    QueueId queue;
    std::uint16_t messages_max = 0;
    Duration visibility_timeout = Duration(0);
  };
  using Group = std::pair<QueueId, GroupId>;

  void fail(const char* invariant, const std::string& what);
  void end_run(RunId id, ErrorClass error, const std::vector<MessageId>& failed);
  void lease(const Lease& given, QueueId queue, Place place);
  void check_order(MessageId id, const Stored& message);
  void check_instance_choice(const Run& action);
  void check_limits(FunctionId function_id);
  void check_memory();
  void check_start_rate();
  void check_fates();
  void check_staffing();
  void forget(MessageId id);

  void on(const MessageArrived& event);
  void on(const ReceiveRequested& event);
  void on(const ReceiveCancelled& event);
  void on(const MessageDeleted& event);
  void on(const VisibilityChanged&) {}
  void on(const QueueChanged& event);
  void on(const QueuePurged&) {}
  void on(const QueueRemoved&) {}
  void on(const RedriveRequested&) {}
  void on(const ChosenRedriven&) {}
  void on(const InstanceReady& event);
  void on(const InstanceLost& event);
  void on(const RunFinished& event);
  void on(const SignalObserved&) {}
  void on(const ForecastFitted&) {}
  void on(const HistoryRestored&) {}
  void on(const QueueRestored&) {}
  void on(const RetryRestored&) {}
  void on(const FunctionRestored&) {}
  void on(const ScalingOrdered&) {}
  void on(const ConsumptionPaused&) {}
  void on(const ConfigurationChanged& event);
  void on(const TimePassed&) {}

  void on(const Deliver& action);
  void on(const StartInstance& action);
  void on(const StopInstance& action);
  void on(const FreezeInstance& action);
  void on(const ThawInstance& action);
  void on(const Run& action);
  void on(const Delete& action);
  void on(const Move& action);
  void on(const SetVisibility& action);
  void on(const Purge& action);
  void on(const FitForecast&) {}
  void on(const PublishPlan& action);

  Options options_;
  TimePoint now_;
  std::uint64_t step_ = 0;
  Configuration configuration_;
  std::map<QueueId, QueueSettings> queues_;
  std::map<MessageId, Stored> messages_;
  std::set<MessageId> same_delivery_;            ///< of the Deliver that is looked at
  std::map<Group, std::set<MessageId>> groups_;  ///< FIFO: in the order of sending, which a redrive keeps
  std::map<ReceiverId, Asking> receivers_;
  std::map<InstanceId, Instance> instances_;
  std::map<RunId, Working> runs_;
  std::set<MessageId> undecided_;    ///< their run ended in this step
  std::set<MessageId> succeeded_;    ///< of them, those that must go
  std::set<MessageId> must_delete_;  ///< a client deleted them with the latest handle in this step
  std::map<FunctionId, Duration> without_instance_;  ///< for how long, while messages wait
  TimePoint checked_;
  double start_tokens_ = 0;
  TimePoint start_tokens_at_;
  std::map<QueueId, TimePoint> last_lease_;
  std::map<QueueId, std::uint64_t> waiting_;  ///< visible or delayed, not leased
  std::vector<std::string> violations_;
};

}  // namespace forewarm
