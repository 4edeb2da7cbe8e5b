#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/id_map.h"
#include "core/drive.h"
#include "core/model/action.h"
#include "core/model/event.h"
#include "sim/arrivals.h"
#include "sim/clients.h"
#include "sim/faults.h"
#include "sim/simulation_options.h"
#include "sim/watcher.h"

namespace forewarm {

/// A world in virtual time for the core: arrivals, instances that take time to start and to work, clients,
/// and faults, all from one seed. The same options give the same events, byte for byte.
///
/// It is an event heap beside the list of arrivals: what is to come is a small record, made into an Event
/// only when its time has come and it still applies. It decides nothing and checks nothing; that is for the
/// watchers.
class SimulatedWorld {
 public:
  SimulatedWorld(SimulationOptions options, ArrivalSource& arrivals);

  /// Not owned; told everything from now on, in the order of being added.
  void add_watcher(Watcher& watcher) { watchers_.push_back(&watcher); }

  // World, for drive()
  std::optional<TimedEvent> next(TimePoint wake_at);
  void perform(const TimedEvent& event, const Actions& actions);

  TimePoint now() const { return now_; }
  TimePoint end() const { return end_; }
  /// 0..1, of the simulated time.
  double progress() const;

 private:
  enum class Kind : std::uint8_t { Ready, Lost, RunEnds, IdleCrash, Fitted, Client, Jump };
  struct Pending {
    TimePoint at;
    std::uint64_t order = 0;  ///< first come first served at the same time
    std::uint64_t id = 0;
    Kind kind = Kind::Ready;
    LossReason reason = LossReason::Stopped;

    bool operator>(const Pending& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  struct Stored {
    std::uint32_t queue = 0;  ///< index
    Duration service_time = Duration(0);
    std::uint32_t bytes = 0;
    MessageTypeId type = {};
    bool poison = false;
  };
  struct Instance {
    TimePoint asked = {};
    std::uint16_t variant = 0;
    RunId run = {};
    bool ready = false;
    bool frozen = false;
    bool going = false;  ///< its InstanceLost is on the way: it works no more
  };

  void push(TimePoint at, Kind kind, std::uint64_t id, LossReason reason = LossReason::Stopped);
  void push(const std::vector<ClientStep>& steps);
  Pending pop();
  std::optional<Event> make_event(const Pending& pending);
  std::optional<Event> ready(InstanceId id);
  std::optional<Event> lost(InstanceId id, LossReason reason);
  std::optional<Event> run_ends(RunId id);
  std::optional<Event> fitted(std::uint64_t id);
  Event arrive(const Arrival& arrival);
  Duration start_time(const StartInstance& action);
  void on(const Deliver& action);
  void on(const StartInstance& action);
  void on(const StopInstance& action);
  void on(const FreezeInstance& action);
  void on(const ThawInstance& action);
  void on(const Run& action);
  void on(const Delete& action) { stored_.erase(action.message); }
  void on(const Move&) {}
  void on(const SetVisibility&) {}
  void on(const Purge&) {}
  void on(const FitForecast& action);
  void on(const PublishPlan&) {}
  RunFinished outcome(const Run& run, std::uint16_t variant) const;
  void schedule_jump();
  void set_functions(const Configuration& configuration);
  const FunctionSettings* function(FunctionId id) const;
  void limit(const Run& run, std::uint16_t variant, RunFinished& outcome) const;

  SimulationOptions options_;
  ArrivalSource& arrivals_;
  Faults faults_;
  Clients clients_;
  Random times_;
  std::vector<Watcher*> watchers_;
  TimePoint now_;
  TimePoint end_;
  std::optional<Arrival> next_arrival_;
  std::size_t next_scripted_ = 0;
  std::vector<TimedEvent> script_;
  std::vector<Pending> heap_;
  std::uint64_t order_ = 0;
  std::uint64_t next_message_ = 1;
  std::vector<std::size_t> started_;  ///< instances, by index of their queue
  std::uint64_t next_fit_ = 1;
  std::uint64_t next_client_step_ = 1;
  std::uint64_t jumps_ = 0;
  std::uint32_t idle_wakes_ = 0;  ///< in a row without time passing
  IdMap<MessageId, Stored> stored_;
  IdMap<InstanceId, Instance> instances_;
  struct RunState {
    InstanceId instance;
    RunFinished outcome;
  };
  IdMap<RunId, RunState> runs_;
  using FitId = Id<struct FitTag>;
  IdMap<FitId, FitRequest> fits_;
  using ClientStepId = Id<struct ClientStepTag>;
  IdMap<ClientStepId, ClientStep> client_steps_;
  std::vector<ClientStep> scratch_;
  std::vector<FunctionSettings> functions_;  ///< ascending by id
};

}  // namespace forewarm
