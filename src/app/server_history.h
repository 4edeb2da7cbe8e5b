#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "app/function_directory.h"
#include "app/history_keeper.h"
#include "app/interval_collector.h"
#include "app/learnt_keeper.h"
#include "app/queue_directory.h"
#include "app/retry_keeper.h"
#include "app/signal_history.h"
#include "core/model/demand.h"
#include "core/model/event.h"

namespace forewarm {

/// What a running server has to do with its history: measures every interval, has it written, and gives the
/// core back what it had learnt before it was started.
class ServerHistory {
 public:
  struct Surroundings {
    const QueueDirectory* queues = nullptr;
    const FunctionDirectory* functions = nullptr;
    LearntKeeper<QueueRestored>::Learnt learnt_of_queues;
    LearntKeeper<FunctionRestored>::Learnt learnt_of_functions;
    RetryKeeper::Learnt learnt_of_failures;
    std::function<std::vector<RecordedSignal>()> signals;
    std::function<void(Event)> report;  ///< to the core, on the loop's thread
    std::function<void(const std::string&)> warn;
  };
  static Result<std::unique_ptr<ServerHistory>> open(Loop& loop, const ServerConfig& config, TimePoint now,
                                                     Surroundings surroundings);

  /// The past of the queues that are there, what their scalers had learnt, and what was learnt of functions
  /// and of failures; the core has to know queues and functions when it gets them.
  std::vector<Event> restored(TimePoint now);
  /// The past of the signals that are there, of as much time as a fit looks back. Before the first write().
  std::vector<SignalPast> restored_signals(TimePoint now);
  /// Every event with its actions. A queue that is new here gets its past reported.
  void observe(const TimedEvent& event, const Actions& actions);
  /// About once a second, with what the functions' instances use now.
  void write(TimePoint now, const std::vector<InstanceUsage>& usage);
  /// The server ends: what has been learnt since it was written last.
  void finish(TimePoint now);
  HistoryKeeper& keeper() { return *keeper_; }
  /// What a queue's forecast needs, from what its messages cost before; later, on the loop's thread.
  /// `before`: as demand_forecast() takes it. Nothing of what was not measured or cannot be read.
  void demand(std::string_view queue, Forecast forecast, std::vector<float> before,
              const std::function<void(DemandForecast)>& done);

 private:
  void restore_retries(std::vector<Event>& events);
  void keep(std::optional<RetryMemory> memory, TimePoint now);

  ServerHistory(Loop& loop, const ServerConfig& config, std::unique_ptr<HistoryKeeper> keeper,
                IntervalCollector collector, Surroundings surroundings)
      : loop_(loop),
        step_(config.forecast_step),
        steps_(config.forecast_history),
        surroundings_(std::move(surroundings)),
        keeper_(std::move(keeper)),
        collector_(std::move(collector)),
        signals_(config.forecast_step),
        scalers_(subjects_of(*surroundings_.queues), surroundings_.learnt_of_queues),
        routers_(subjects_of(*surroundings_.functions), surroundings_.learnt_of_functions),
        retries_(surroundings_.learnt_of_failures) {}

  Loop& loop_;
  Duration step_;
  std::int64_t steps_;  ///< that a fit looks back
  Surroundings surroundings_;
  std::unique_ptr<HistoryKeeper> keeper_;
  IntervalCollector collector_;
  SignalHistory signals_;
  LearntKeeper<QueueRestored> scalers_;
  LearntKeeper<FunctionRestored> routers_;
  RetryKeeper retries_;
  std::set<QueueId> seen_;
};

}  // namespace forewarm
