#include "app/server_history.h"

#include <algorithm>
#include <utility>

#include "app/history_tiers.h"
#include "app/work_profile.h"
#include "core/forecast/demand/demand_forecast.h"

namespace forewarm {
namespace {

/// Over all signals: each is looked up, and the server is not ready before.
constexpr std::int64_t kSignalStepsMax = 1'000'000;

HistoryRestored restored_event(QueueId queue, RecentQueue series) {
  return {queue,
          series.start,
          std::move(series.arrivals),
          std::move(series.bytes),
          std::move(series.work_seconds),
          series.service_times.sample()};
}

WorkQuestion work_question(std::string_view queue, const FunctionDirectory& functions) {
  WorkQuestion question{.queue = std::string(queue), .function = {}, .function_queues = {}};
  const FunctionEntry* function = functions.of_queue(queue);
  if (function == nullptr) return question;
  question.function = function->config.name;
  for (const MappingConfig& mapping : function->mappings) {
    question.function_queues.push_back(mapping.queue);
    if (mapping.queue == queue) question.messages_per_instance = mapping.settings.scaling.instance_capacity;
  }
  return question;
}

}  // namespace

Result<std::unique_ptr<ServerHistory>> ServerHistory::open(Loop& loop, const ServerConfig& config,
                                                           TimePoint now, Surroundings surroundings) {
  HistoryKeeper::Options options{.directory = config.data,
                                 .tiers = history_tiers(config),
                                 .restored = config.forecast_step * config.forecast_history,
                                 .warn = surroundings.warn};
  auto keeper = HistoryKeeper::open(loop, std::move(options));
  if (!keeper) return std::unexpected(keeper.error());
  const auto name_of = [queues = surroundings.queues](QueueId id) {
    const QueueEntry* entry = queues->find(id);
    return entry != nullptr ? entry->name : std::string();
  };
  IntervalCollector collector(now, config.forecast_step, name_of);
  return std::unique_ptr<ServerHistory>(
      new ServerHistory(loop, config, std::move(*keeper), std::move(collector), std::move(surroundings)));
}

std::vector<Event> ServerHistory::restored(TimePoint now) {
  std::vector<Event> events;
  surroundings_.queues->visit({}, [this](const QueueEntry& queue) {
    seen_.insert(queue.id);
    return true;
  });
  Result<std::vector<RecentQueue>> recent = keeper_->recent(now);
  if (!recent) {
    surroundings_.warn(recent.error().message + " The forecasts begin without a past.");
    return events;
  }
  for (RecentQueue& series : *recent) {
    const QueueEntry* queue = surroundings_.queues->find(series.name);
    if (queue == nullptr) continue;
    collector_.know(queue->id);
    events.push_back(restored_event(queue->id, std::move(series)));
  }
  for (QueueRestored& learnt : recall_learnt(*keeper_, scalers_, now, surroundings_.warn))
    events.push_back(std::move(learnt));
  for (FunctionRestored& learnt : recall_learnt(*keeper_, routers_, now, surroundings_.warn))
    events.push_back(std::move(learnt));
  restore_retries(events);
  return events;
}

std::vector<SignalPast> ServerHistory::restored_signals(TimePoint now) {
  const std::vector<RecordedSignal> signals = surroundings_.signals();
  std::vector<SignalPast> pasts;
  const auto read = [&](HistoryDatabase& database) -> Result<void> {
    const auto each_most =
        kSignalStepsMax / static_cast<std::int64_t>(std::max<std::size_t>(1, signals.size()));
    const TimePoint from = now - step_ * std::min(steps_, each_most);
    for (const RecordedSignal& signal : signals) {
      Result<SignalPast> past = read_signal_past(database, signal, from, now, step_);
      if (!past) return std::unexpected(past.error());
      if (past->until == TimePoint()) continue;
      signals_.know(signal.name, past->until);
      pasts.push_back(std::move(*past));
    }
    return {};
  };
  if (const Result<void> done = keeper_->now(read); !done)
    surroundings_.warn(done.error().message + " The signals begin without a past.");
  return pasts;
}

void ServerHistory::restore_retries(std::vector<Event>& events) {
  std::optional<SavedMemory> saved;
  const auto read = [&](HistoryDatabase& database) -> Result<void> {
    Result<std::optional<SavedMemory>> kept = database.memory(RetryKeeper::kName);
    if (!kept) return std::unexpected(kept.error());
    saved = std::move(*kept);
    return {};
  };
  if (const Result<void> done = keeper_->now(read); !done)
    surroundings_.warn(done.error().message + " The odds of failures begin anew.");
  if (std::optional<RetryRestored> learnt = retries_.restored(saved, surroundings_.warn))
    events.push_back(std::move(*learnt));
}

void ServerHistory::observe(const TimedEvent& event, const Actions& actions) {
  collector_.observe(event, actions);
  if (const auto* said = std::get_if<SignalObserved>(&event.event)) signals_.observe(*said);
  if (const auto* removed = std::get_if<QueueRemoved>(&event.event)) seen_.erase(removed->queue);
  const auto* changed = std::get_if<QueueChanged>(&event.event);
  if (changed == nullptr || !seen_.insert(changed->queue).second) return;
  const QueueEntry* queue = surroundings_.queues->find(changed->queue);
  if (queue == nullptr) return;
  keeper_->bring_back(queue->name, event.time, [this, id = queue->id](RecentQueue series) {
    if (surroundings_.queues->find(id) == nullptr) return;
    collector_.know(id);
    surroundings_.report(restored_event(id, std::move(series)));
  });
}

void ServerHistory::write(TimePoint now, const std::vector<InstanceUsage>& usage) {
  collector_.observe(now, usage);
  for (HistoryBatch& batch : collector_.take(now)) keeper_->write(std::move(batch));
  keep_learnt(*keeper_, scalers_, now, false);
  keep_learnt(*keeper_, routers_, now, false);
  keep(retries_.take(now), now);
  // What is given back at the start comes before any of them is recorded, and so is not recorded again.
  signals_.configure(surroundings_.signals(), now);
  std::vector<SignalBatch> said = signals_.take(now);
  if (said.empty()) return;
  keeper_->give([said = std::move(said), now](HistoryDatabase& database) {
    return write_signals(database, said, now);
  });
}

void ServerHistory::keep(std::optional<RetryMemory> memory, TimePoint now) {
  if (!memory) return;
  keeper_->give([memory = std::move(*memory), now](HistoryDatabase& database) {
    return database.keep_memory(RetryKeeper::kName, RetryKeeper::text_of(memory, now), now);
  });
}

void ServerHistory::finish(TimePoint now) {
  keep_learnt(*keeper_, scalers_, now, true);
  keep_learnt(*keeper_, routers_, now, true);
  keep(retries_.take(now, true), now);
}

void ServerHistory::demand(std::string_view queue, Forecast forecast, std::vector<float> before,
                           const std::function<void(DemandForecast)>& done) {
  WorkQuestion question = work_question(queue, *surroundings_.functions);
  // On the history's thread to the end: there are many numbers to draw together.
  auto work = [this, question = std::move(question), forecast = std::move(forecast),
               before = std::move(before), done](HistoryDatabase& database) -> Result<void> {
    const Result<WorkProfile> profile = read_work_profile(database, question, forecast.start);
    DemandForecast demand = demand_forecast(forecast, before, profile ? *profile : WorkProfile{});
    loop_.post([done, demand = std::move(demand)]() mutable { done(std::move(demand)); });
    return profile ? Result<void>() : std::unexpected(profile.error());
  };
  if (!keeper_->give(std::move(work))) done({});
}

}  // namespace forewarm
