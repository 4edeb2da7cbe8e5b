#include "edge/observe/snapshot_json.h"

#include <algorithm>

#include "edge/observe/decision_record.h"
#include "edge/observe/words.h"

namespace forewarm {
namespace {

constexpr std::size_t kSparklineSeconds = 60;

void write_instances(const InstanceCounts& counts, JsonWriter& json) {
  json.key("instances").open_object();
  json.member("starting", counts.starting).member("idle", counts.idle).member("busy", counts.busy);
  json.member("frozen", counts.frozen).member("stopping", counts.stopping).close_object();
}

void write_forecast(const ForecastBand& band, JsonWriter& json) {
  json.key("forecast");
  if (band.empty()) {
    json.null();
    return;
  }
  json.open_object().member("start", epoch_seconds(band.start)).member("step_seconds", seconds(band.step));
  json.member("model", word(band.model));
  json.key("p5").values(band.p5).key("p25").values(band.p25).key("p50").values(band.p50);
  json.key("p75").values(band.p75).key("p95").values(band.p95).close_object();
}

void write_plan(const QueueSnapshot& queue, JsonWriter& json) {
  json.key("plan");
  if (queue.plan.until == TimePoint()) {
    json.null();
    return;
  }
  const ScalingPlan& plan = queue.plan;
  json.open_object().member("at", epoch_seconds(plan.at)).member("until", epoch_seconds(plan.until));
  json.member("instances", plan.instances).member("warm_floor", plan.warm_floor);
  json.member("keep_idle_seconds", seconds(plan.keep_idle))
      .member("constraint", word(plan.reason.constraint));
  json.member("level", plan.reason.level).member("lead_seconds", seconds(plan.reason.lead));
  json.member("explanation", explain({plan.at, queue.name, PlanDecision{plan, plan.instances}}))
      .close_object();
}

void write_order(const ScalingOrder& order, JsonWriter& json) {
  json.key("scaling");
  if (order.kind == OrderKind::None) {
    json.null();
    return;
  }
  json.open_object().member("order", word(order.kind)).member("instances", order.instances);
  json.key("until");
  if (order.until == kNever)
    json.null();
  else
    json.value(epoch_seconds(order.until));
  json.close_object();
}

template <class T, class Get>
void write_column(std::string_view name, const std::deque<T>& rows, JsonWriter& json, Get get) {
  json.key(name).open_array();
  for (const T& row : rows) json.value(get(row));
  json.close_array();
}

void write_history(const SnapshotHistory::Queue* history, JsonWriter& json) {
  static const SnapshotHistory::Queue kNothing;
  const auto& samples = (history ? *history : kNothing).samples;
  const auto& steps = (history ? *history : kNothing).steps;
  using Sample = HistorySample;
  using Step = HistoryStep;
  json.key("history").open_object();
  write_column("at", samples, json, [](const Sample& s) { return epoch_seconds(s.at); });
  write_column("ready", samples, json, [](const Sample& s) { return s.ready; });
  write_column("in_flight", samples, json, [](const Sample& s) { return s.in_flight; });
  write_column("arrived", samples, json, [](const Sample& s) { return s.arrived; });
  write_column("late", samples, json, [](const Sample& s) { return s.late; });
  write_column("starting", samples, json, [](const Sample& s) { return s.starting; });
  write_column("idle", samples, json, [](const Sample& s) { return s.idle; });
  write_column("busy", samples, json, [](const Sample& s) { return s.busy; });
  write_column("frozen", samples, json, [](const Sample& s) { return s.frozen; });
  write_column("planned", samples, json, [](const Sample& s) { return s.planned; });
  json.key("steps").open_object();
  write_column("start", steps, json, [](const Step& s) { return epoch_seconds(s.start); });
  write_column("step_seconds", steps, json, [](const Step& s) { return seconds(s.step); });
  write_column("arrivals", steps, json, [](const Step& s) { return s.arrivals; });
  write_column("p5", steps, json, [](const Step& s) { return s.p5; });
  write_column("p25", steps, json, [](const Step& s) { return s.p25; });
  write_column("p50", steps, json, [](const Step& s) { return s.p50; });
  write_column("p75", steps, json, [](const Step& s) { return s.p75; });
  write_column("p95", steps, json, [](const Step& s) { return s.p95; });
  json.close_object().close_object();
}

void write_totals(const Totals& totals, JsonWriter& json) {
  json.key("totals").open_object();
  json.member("arrived", totals.arrived).member("started", totals.started).member("late", totals.late);
  json.member("retries", totals.retries).member("dead_letters", totals.dead_letters);
  json.member("cold_starts", totals.cold_starts).member("warm_starts", totals.warm_starts);
  json.member("cold_starts_avoided", totals.cold_starts_avoided);
  json.member("instance_seconds", totals.instance_seconds);
  write_instances(totals.instances, json);
  json.close_object();
}

}  // namespace

double epoch_seconds(TimePoint at) {
  // Milliseconds are enough for people and halve the digits.
  const std::int64_t ms = count_us(at) / 1000;
  return static_cast<double>(ms) / 1e3;
}

void write_queue(const QueueSnapshot& queue, JsonWriter& json) {
  json.member("name", queue.name).member("function", queue.function);
  json.member("ready", queue.ready).member("delayed", queue.delayed).member("in_flight", queue.in_flight);
  json.member("oldest_wait_seconds", seconds(queue.oldest_wait));
  json.member("step_start", epoch_seconds(queue.step_start))
      .member("step_seconds", seconds(queue.forecast.step));
  json.member("arrivals_last_step", queue.arrivals_last_step);
  json.member("arrived", queue.arrived).member("started", queue.started).member("late", queue.late);
  json.member("retries", queue.retries).member("dead_letters", queue.dead_letters);
  json.member("paused", queue.paused).member("dead_letter_errors", queue.dead_letter_errors);
  json.member("objective_seconds", seconds(queue.objective));
  json.member("planned", queue.plan.instances);
  write_order(queue.order, json);
  write_instances(queue.instances, json);
}

void write_queue_detail(const QueueSnapshot& queue, const SnapshotHistory::Queue* history, JsonWriter& json) {
  write_queue(queue, json);
  write_forecast(queue.forecast, json);
  write_plan(queue, json);
  write_history(history, json);
}

void write_function(const FunctionSnapshot& function, JsonWriter& json) {
  json.member("name", function.name).member("version", function.version);
  write_instances(function.instances, json);
  json.member("instances_wanted", function.instances.usable());
  json.key("workers").open_object();
  json.member("used", function.workers[0]).member("unused", function.workers[1]).close_object();
  json.member("cold_starts", function.cold_starts).member("warm_starts", function.warm_starts);
  json.member("runs", function.runs);
  json.member("start_time_mean_seconds", seconds(function.start_time_mean));
  json.member("start_time_p95_seconds", seconds(function.start_time_p95));
  json.member("service_time_mean_seconds", seconds(function.service_time_mean));
  json.member("service_time_p95_seconds", seconds(function.service_time_p95));
  json.key("memory_bytes").open_array();
  for (const std::uint64_t bytes : function.memory_bytes) json.value(bytes);
  json.close_array().key("memory_need_p99_bytes");
  if (function.memory_measured == 0)
    json.null();
  else
    json.value(function.memory_need_bytes);
  json.member("memory_measured_runs", function.memory_measured);
}

void write_server(const Snapshot& snapshot, const std::string& version, bool ready, JsonWriter& json) {
  json.key("server").open_object();
  json.member("version", version).member("at", epoch_seconds(snapshot.at)).member("ready", ready);
  json.member("uptime_seconds", seconds(snapshot.uptime)).member("events", snapshot.events);
  json.member("memory_bytes", snapshot.process.memory_bytes);
  json.member("functions_memory_bytes", snapshot.process.functions_memory_bytes);
  json.member("store_bytes", snapshot.store.file_bytes).close_object();
  write_totals(snapshot.totals, json);
  json.key("progress");
  if (!snapshot.progress) {
    json.null();
    return;
  }
  json.open_object().member("title", snapshot.progress->title).member("share", snapshot.progress->share);
  json.member("left_seconds", seconds(snapshot.progress->left)).close_object();
}

void write_sparkline(const SnapshotHistory::Queue* history, JsonWriter& json) {
  json.key("sparkline").open_array();
  if (history) {
    const auto& samples = history->samples;
    for (std::size_t i = samples.size() - std::min(samples.size(), kSparklineSeconds); i < samples.size();
         ++i)
      json.value(samples[i].arrived);
  }
  json.close_array();
}

}  // namespace forewarm
