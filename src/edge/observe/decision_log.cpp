#include "edge/observe/decision_log.h"

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "edge/observe/attribution.h"
#include "edge/observe/clock_text.h"
#include "edge/observe/decision_files.h"
#include "edge/observe/json_writer.h"

namespace forewarm {
namespace {

constexpr Duration kPlanRepeatedAfter = 10min;
constexpr std::size_t kRecordsPerQueueMin = 20;

bool says_the_same(const ScalingPlan& a, const ScalingPlan& b) {
  return a.instances == b.instances && a.warm_floor == b.warm_floor &&
         a.reason.constraint == b.reason.constraint && a.reason.model == b.reason.model;
}

}  // namespace

bool DecisionQuery::matches(const DecisionRecord& record) const {
  return (queue.empty() || record.queue == queue) && record.at >= from && record.at < to &&
         (!kind || record.kind() == *kind);
}

class DecisionLog::State {
 public:
  State(Options options, const Names& names) : options_(std::move(options)), names_(names) {
    if (options_.directory.empty()) return;
    files_ = std::make_unique<DecisionFiles>(DecisionFiles::Options{.directory = options_.directory,
                                                                    .file_bytes = options_.file_bytes,
                                                                    .total_bytes = options_.total_bytes});
  }

  void observe(const TimedEvent& timed, const Actions& actions);
  void record(QueueId id, DecisionRecord record) { add(queue(id), std::move(record)); }
  DecisionFiles* files() { return files_.get(); }
  const DecisionFiles* files() const { return files_.get(); }
  std::vector<DecisionRecord> query(const DecisionQuery& query) const;

 private:
  struct Queue {
    std::string name;
    std::deque<DecisionRecord> records;
    std::optional<ScalingPlan> plan;
    TimePoint plan_recorded;
    std::int64_t second = 0;  ///< in which the retries below were decided
    std::uint32_t retries = 0;
    std::uint32_t skipped_retries = 0;
    std::uint32_t skipped_moves = 0;
    std::int64_t routed_second = -1;  ///< in which the last route was recorded
    std::uint32_t skipped_routes = 0;
  };

  Queue& queue(QueueId id);
  std::string function_name(FunctionId id) const;
  void record_plan(TimePoint at, const ScalingPlan& plan);
  void record_starts(TimePoint at, const Actions& actions);
  void record_stops(TimePoint at, const Actions& actions);
  void record_retry(TimePoint at, QueueId id, const SetVisibility& action);
  void record_move(TimePoint at, const Move& action);
  void record_route(TimePoint at, const Run& run);
  bool may_record_one_by_one(Queue& of, TimePoint at);
  void add(Queue& to, DecisionRecord record);

  Options options_;
  const Names& names_;
  Attribution attribution_;
  std::unordered_map<std::uint32_t, Queue> queues_;
  std::unique_ptr<DecisionFiles> files_;
};

void DecisionLog::State::observe(const TimedEvent& timed, const Actions& actions) {
  bool starts = false, stops = false;
  for (const Action& action : actions) {
    if (const auto* plan = std::get_if<PublishPlan>(&action)) {
      record_plan(timed.time, plan->plan);
    } else if (const auto* retry = std::get_if<SetVisibility>(&action)) {
      if (retry->decision.error == ErrorClass::None) continue;
      record_retry(timed.time, attribution_.ended_run_queue(timed.event), *retry);
    } else if (const auto* move = std::get_if<Move>(&action)) {
      record_move(timed.time, *move);
    } else if (const auto* run = std::get_if<Run>(&action)) {
      record_route(timed.time, *run);
    } else {
      starts = starts || std::holds_alternative<StartInstance>(action);
      stops = stops || std::holds_alternative<StopInstance>(action);
    }
  }
  if (starts) record_starts(timed.time, actions);
  if (stops) record_stops(timed.time, actions);
  if (const auto* removed = std::get_if<QueueRemoved>(&timed.event)) queues_.erase(removed->queue.value());
  attribution_.remember(timed.event, actions);
}

DecisionLog::State::Queue& DecisionLog::State::queue(QueueId id) {
  Queue& found = queues_[id.value()];
  if (found.name.empty()) {
    found.name = names_.queue(id);
    if (found.name.empty()) found.name = "queue-" + std::to_string(id.value());
  }
  return found;
}

std::string DecisionLog::State::function_name(FunctionId id) const {
  std::string name = names_.function(id);
  return name.empty() ? "function-" + std::to_string(id.value()) : name;
}

void DecisionLog::State::record_plan(TimePoint at, const ScalingPlan& plan) {
  Queue& of = queue(plan.queue);
  const std::uint32_t before = of.plan ? of.plan->instances : 0;
  const bool known = of.plan && says_the_same(*of.plan, plan) && at - of.plan_recorded < kPlanRepeatedAfter;
  of.plan = plan;
  if (known) return;
  of.plan_recorded = at;
  ScalingPlan kept = plan;
  kept.queue = QueueId();  // the record has the name; a number would not survive a restart
  kept.at = at;
  add(of, {at, of.name, PlanDecision{kept, before}});
}

void DecisionLog::State::record_starts(TimePoint at, const Actions& actions) {
  struct Group {
    QueueId queue;
    FunctionId function;
    StartDecision decision;
  };
  std::vector<Group> groups;
  for (const Action& action : actions) {
    const auto* start = std::get_if<StartInstance>(&action);
    if (!start) continue;
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
      return group.queue == start->queue && group.function == start->function &&
             group.decision.version == start->version && group.decision.variant == start->variant &&
             group.decision.reason == start->reason;
    });
    if (same != groups.end()) {
      ++same->decision.instances;
    } else {
      groups.push_back({start->queue,
                        start->function,
                        {function_name(start->function), start->version, 1, start->reason, start->variant}});
    }
  }
  for (Group& group : groups) {
    Queue& of = queue(group.queue);
    add(of, {at, of.name, std::move(group.decision)});
  }
}

void DecisionLog::State::record_stops(TimePoint at, const Actions& actions) {
  struct Group {
    QueueId queue;
    FunctionId function;
    StopDecision decision;
  };
  std::vector<Group> groups;
  for (const Action& action : actions) {
    const auto* stop = std::get_if<StopInstance>(&action);
    const auto* instance = stop ? attribution_.instance(stop->instance) : nullptr;
    if (!instance) continue;
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
      return group.queue == instance->queue && group.function == instance->function &&
             group.decision.reason == stop->reason;
    });
    if (same != groups.end()) {
      ++same->decision.instances;
    } else {
      groups.push_back(
          {instance->queue, instance->function, {function_name(instance->function), 1, stop->reason}});
    }
  }
  for (Group& group : groups) {
    Queue& of = queue(group.queue);
    add(of, {at, of.name, std::move(group.decision)});
  }
}

bool DecisionLog::State::may_record_one_by_one(Queue& of, TimePoint at) {
  const std::int64_t second = count_us(at) / 1'000'000;
  if (second != of.second) {
    of.second = second;
    of.retries = 0;
  }
  return ++of.retries <= options_.retries_per_second;
}

void DecisionLog::State::record_retry(TimePoint at, QueueId id, const SetVisibility& action) {
  Queue& of = queue(id);
  if (!may_record_one_by_one(of, at)) {
    ++of.skipped_retries;
    return;
  }
  add(of, {at, of.name, RetryRecord{action.message, action.decision, std::exchange(of.skipped_retries, 0)}});
}

void DecisionLog::State::record_move(TimePoint at, const Move& action) {
  Queue& of = queue(action.from);
  if (!may_record_one_by_one(of, at)) {
    ++of.skipped_moves;
    return;
  }
  const std::string to = queue(action.to).name;
  Queue& from = queue(action.from);  // the line above may have moved it
  add(from,
      {at, from.name,
       MoveRecord{action.message, to, action.reason, action.decision, std::exchange(from.skipped_moves, 0)}});
}

/// One a second and queue: how runs are spread repeats itself, and must not push out what is rare.
void DecisionLog::State::record_route(TimePoint at, const Run& run) {
  const RouteReason reason = run.routing.reason;
  if (run.leases.empty() || reason == RouteReason::Only || reason == RouteReason::Warmest) return;
  Queue& of = queue(run.queue);
  const std::int64_t second = count_us(at) / 1'000'000;
  if (second == of.routed_second) {
    ++of.skipped_routes;
    return;
  }
  of.routed_second = second;
  add(of, {at, of.name,
           RouteRecord{run.leases.front().message, run.instance, run.routing,
                       std::exchange(of.skipped_routes, 0)}});
}

void DecisionLog::State::add(Queue& to, DecisionRecord record) {
  if (files_) files_->append(to_json(record));
  to.records.push_back(std::move(record));
  const std::size_t share = options_.records_max / std::max<std::size_t>(queues_.size(), 1);
  const std::size_t limit = std::min(options_.records_per_queue_max, std::max(kRecordsPerQueueMin, share));
  while (to.records.size() > limit) to.records.pop_front();
}

std::vector<DecisionRecord> DecisionLog::State::query(const DecisionQuery& query) const {
  std::vector<DecisionRecord> found;
  for (const auto& [id, of] : queues_) {
    if (!query.queue.empty() && of.name != query.queue) continue;
    std::copy_if(of.records.begin(), of.records.end(), std::back_inserter(found),
                 [&](const DecisionRecord& record) { return query.matches(record); });
  }
  std::stable_sort(found.begin(), found.end(), [](const DecisionRecord& a, const DecisionRecord& b) {
    return a.at != b.at ? a.at < b.at : a.queue < b.queue;
  });
  if (found.size() > query.limit)
    found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(query.limit));
  return found;
}

DecisionLog::DecisionLog(Options options, const Names& names)
    : state_(std::make_unique<State>(std::move(options), names)) {}
DecisionLog::~DecisionLog() = default;

void DecisionLog::observe(const TimedEvent& event, const Actions& actions) {
  state_->observe(event, actions);
}

void DecisionLog::record(QueueId queue, DecisionRecord record) {
  state_->record(queue, std::move(record));
}

std::optional<std::string> DecisionLog::flush() {
  if (!state_->files()) return std::nullopt;
  state_->files()->flush();
  std::string notice = state_->files()->take_notice();
  if (notice.empty()) return std::nullopt;
  return notice;
}

std::uint64_t DecisionLog::lines_lost() const {
  return state_->files() ? state_->files()->lines_lost() : 0;
}

std::vector<DecisionRecord> DecisionLog::query(const DecisionQuery& query) const {
  return state_->query(query);
}

Result<std::vector<DecisionRecord>> read_decisions(const std::string& directory, const DecisionQuery& query,
                                                   std::uint64_t* unread) {
  std::deque<DecisionRecord> newest;
  const Result<std::uint64_t> damaged = read_decision_files(directory, [&](DecisionRecord record) {
    if (!query.matches(record)) return true;
    newest.push_back(std::move(record));
    if (newest.size() > query.limit) newest.pop_front();
    return true;
  });
  if (!damaged) return std::unexpected(damaged.error());
  if (unread) *unread = *damaged;
  return std::vector<DecisionRecord>(std::make_move_iterator(newest.begin()),
                                     std::make_move_iterator(newest.end()));
}

std::string decisions_json(const std::vector<DecisionRecord>& records) {
  std::string text;
  JsonWriter json(text);
  json.open_array();
  for (const DecisionRecord& record : records) {
    std::string object = to_json(record);
    object.pop_back();
    object += ",\"explanation\":";
    write_json_string(explain(record), object);
    object += '}';
    json.raw(object);
  }
  json.close_array();
  return text;
}

std::string decisions_text(const std::vector<DecisionRecord>& records, std::string_view queue) {
  if (records.empty()) {
    return "No decisions are recorded for " + std::string(queue) +
           ". A plan is recorded when it changes, starts, stops, retries and moves when they happen.\n";
  }
  std::string text;
  for (const DecisionRecord& record : records) {
    text += utc_text(record.at) + "  " + explain(record) + "\n";
  }
  return text;
}

}  // namespace forewarm
