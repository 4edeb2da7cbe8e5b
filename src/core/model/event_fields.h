#pragma once

#include <array>
#include <concepts>
#include <string_view>
#include <type_traits>

#include "core/model/event.h"
#include "core/model/watch_memory.h"

namespace forewarm {

// The fields of everything in an Event, described once: writer, reader and tests walk the same description,
// so that a field added here is written, read and tested at once. `visit(name, field)` returns the visitor.

template <class T, class Described>
concept Like = std::same_as<std::remove_const_t<T>, Described>;

/// Names of an enumeration's values, in their order; of an event's or action's type, one.
template <class T>
inline constexpr std::nullptr_t kNames = nullptr;

template <>
inline constexpr std::array<std::string_view, 3> kNames<Origin> = {"sent", "recovered", "redriven"};
template <>
inline constexpr std::array<std::string_view, 5> kNames<LossReason> = {"stopped", "start_failed",
                                                                       "start_timeout", "crashed", "killed"};
template <>
inline constexpr std::array<std::string_view, kErrorClassCount> kNames<ErrorClass> = {
    "none", "handler", "timeout", "crash", "capacity"};
template <>
inline constexpr auto kNames<ModelId> = kModelNames;
template <>
inline constexpr std::array<std::string_view, 2> kNames<SignalKind> = {"level", "count"};
template <>
inline constexpr std::array<std::string_view, 4> kNames<OrderKind> = {"none", "pause_in", "pause_out",
                                                                      "force"};

void describe(auto& visit, Like<Message> auto& it) {
  visit("id", it.id)("queue", it.queue)("type", it.type)("sent", it.sent)("visible_at", it.visible_at)(
      "deadline", it.deadline)("tenant", it.tenant)("group", it.group)("bytes", it.bytes)(
      "receive_count", it.receive_count)("priority", it.priority)(
      "dead_letter_source", it.dead_letter_source)("received_before", it.received_before);
}
void describe(auto& visit, Like<RedrivePolicy> auto& it) {
  visit("dead_letter_queue", it.dead_letter_queue)("receive_count_max", it.receive_count_max);
}
void describe(auto& visit, Like<QueueSettings> auto& it) {
  visit("visibility_timeout", it.visibility_timeout)("retention", it.retention)("fifo", it.fifo)("redrive",
                                                                                                 it.redrive);
}
void describe(auto& visit, Like<ScalingSettings> auto& it) {
  visit("objective", it.objective)("late_share_max", it.late_share_max)("instances_min", it.instances_min);
  visit("instances_max", it.instances_max)("baseline_threshold", it.baseline_threshold);
  visit("instance_capacity", it.instance_capacity)("idle_cost_per_hour", it.idle_cost_per_hour);
  visit("late_cost", it.late_cost)("budget_per_hour", it.budget_per_hour)("keep_idle_max", it.keep_idle_max);
  visit("predict", it.predict);
}
void describe(auto& visit, Like<ScalingOverride> auto& it) {
  visit("from", it.from)("until", it.until)("at_least", it.at_least)("at_most", it.at_most)("factor",
                                                                                            it.factor);
}
void describe(auto& visit, Like<ScalingOrder> auto& it) {
  visit("kind", it.kind)("instances", it.instances)("until", it.until);
}
void describe(auto& visit, Like<RetrySettings> auto& it) {
  visit("attempts_max", it.attempts_max)("backoff_base", it.backoff_base)("backoff_max", it.backoff_max);
  visit("dead_letter_odds", it.dead_letter_odds)("evidence_min", it.evidence_min);
}
void describe(auto& visit, Like<FunctionVariant> auto& it) {
  visit("memory_bytes", it.memory_bytes)("concurrency_max", it.concurrency_max);
}
void describe(auto& visit, Like<FunctionSettings> auto& it) {
  visit("id", it.id)("version", it.version)("timeout", it.timeout)("concurrency_max", it.concurrency_max);
  visit("start_time_guess", it.start_time_guess)("variants", it.variants);
  visit("freeze_after", it.freeze_after)("group_affinity", it.group_affinity);
}
void describe(auto& visit, Like<MappingSettings> auto& it) {
  visit("queue", it.queue)("function", it.function)("batch_size", it.batch_size)("batch_window",
                                                                                 it.batch_window);
  visit("shared_consumers", it.shared_consumers)("scaling", it.scaling)("overrides", it.overrides);
  visit("retry", it.retry);
}
void describe(auto& visit, Like<ForecastSettings> auto& it) {
  visit("step", it.step)("horizon", it.horizon)("history", it.history)("refit_every", it.refit_every);
  visit("seasons", it.seasons);
}
void describe(auto& visit, Like<SignalSettings> auto& it) {
  visit("id", it.id)("kind", it.kind)("future_known", it.future_known)("holds", it.holds);
  visit("queues", it.queues)("upstream", it.upstream);
}
void describe(auto& visit, Like<Configuration> auto& it) {
  visit("functions", it.functions)("mappings", it.mappings)("forecast", it.forecast);
  visit("signals", it.signals)("instances_max", it.instances_max);
  visit("memory_max_bytes", it.memory_max_bytes)("starts_per_second", it.starts_per_second);
  visit("starts_burst", it.starts_burst);
}
void describe(auto& visit, Like<WeightedValue> auto& it) {
  visit("value", it.value)("weight", it.weight);
}
void describe(auto& visit, Like<GapMemory> auto& it) {
  visit("idle", it.idle)("after_start", it.after_start);
}
void describe(auto& visit, Like<ScalerMemory> auto& it) {
  visit("settings", it.settings)("lead", it.lead)("start_seconds", it.start_seconds)("in_time", it.in_time);
  visit("messages", it.messages)("watched_seconds", it.watched_seconds);
  visit("service_seconds", it.service_seconds)("idle_seconds", it.idle_seconds);
  visit("since_start_seconds", it.since_start_seconds)("started", it.started)("gaps", it.gaps);
  visit("instance_seconds", it.instance_seconds)("cold", it.cold)("chosen", it.chosen);
  visit("chosen_starts", it.chosen_starts)("chosen_cold", it.chosen_cold);
  visit("chosen_expected", it.chosen_expected)("chosen_late", it.chosen_late);
}
void describe(auto& visit, Like<OutageMemory> auto& it) {
  visit("function", it.function)("has_succeeded", it.has_succeeded)("observed", it.observed);
  visit("count", it.count)("mean", it.mean)("squares", it.squares);
}
void describe(auto& visit, Like<RetryMemory> auto& it) {
  visit("learnt", it.learnt)("buckets", it.buckets)("z", it.z)("n", it.n)("predicted", it.predicted);
  visit("failed", it.failed)("weight", it.weight)("outages", it.outages);
}
void describe(auto& visit, Like<MeansMemory> auto& it) {
  visit("mean", it.mean)("weight", it.weight);
}
void describe(auto& visit, Like<PooledMemory> auto& it) {
  visit("overall", it.overall)("variants", it.variants)("variant_sizes", it.variant_sizes);
  visit("types", it.types)("typed", it.typed)("variance", it.variance);
  visit("variance_weight", it.variance_weight)("variances", it.variances);
}
void describe(auto& visit, Like<SketchMemory> auto& it) {
  visit("first_bucket", it.first_bucket)("buckets", it.buckets)("zeros", it.zeros);
  visit("sum_seconds", it.sum_seconds);
}
void describe(auto& visit, Like<FunctionMemory> auto& it) {
  visit("learnt", it.learnt)("variant_bytes", it.variant_bytes)("starts", it.starts);
  visit("service", it.service)("need", it.need)("need_classes", it.need_classes);
  visit("need_measured", it.need_measured)("crashes", it.crashes)("work_seconds", it.work_seconds);
}
void describe(auto& visit, Like<ModelScore> auto& it) {
  visit("model", it.model)("loss_sum", it.loss_sum)("weight", it.weight);
}
void describe(auto& visit, Like<ChoiceMemory> auto& it) {
  visit("step", it.step)("models", it.models)("naive_sum", it.naive_sum)("naive_weight", it.naive_weight);
  visit("covered", it.covered)("covered_weight", it.covered_weight)("scored", it.scored);
}
void describe(auto& visit, Like<QueueMemory> auto& it) {
  visit("scaler", it.scaler)("choice", it.choice);
}
void describe(auto& visit, Like<WatchMemory> auto& it) {
  visit("learnt", it.learnt)("scaler", it.scaler)("starts", it.starts)("service", it.service);
  visit("choice", it.choice);
}
void describe(auto& visit, Like<Forecast> auto& it) {
  visit("start", it.start)("step", it.step)("values", it.values);
}
void describe(auto& visit, Like<ModelForecast> auto& it) {
  visit("model", it.model)("forecast", it.forecast);
}

template <>
inline constexpr std::string_view kNames<MessageArrived> = "message_arrived";
void describe(auto& visit, Like<MessageArrived> auto& it) {
  visit("message", it.message)("origin", it.origin);
}
template <>
inline constexpr std::string_view kNames<ReceiveRequested> = "receive_requested";
void describe(auto& visit, Like<ReceiveRequested> auto& it) {
  visit("receiver", it.receiver)("queue", it.queue)("messages_max", it.messages_max);
  visit("visibility_timeout", it.visibility_timeout)("wait_until", it.wait_until);
}
template <>
inline constexpr std::string_view kNames<ReceiveCancelled> = "receive_cancelled";
void describe(auto& visit, Like<ReceiveCancelled> auto& it) {
  visit("receiver", it.receiver);
}
template <>
inline constexpr std::string_view kNames<MessageDeleted> = "message_deleted";
void describe(auto& visit, Like<MessageDeleted> auto& it) {
  visit("message", it.message)("receive_count", it.receive_count);
}
template <>
inline constexpr std::string_view kNames<VisibilityChanged> = "visibility_changed";
void describe(auto& visit, Like<VisibilityChanged> auto& it) {
  visit("message", it.message)("receive_count", it.receive_count)("timeout", it.timeout);
}
template <>
inline constexpr std::string_view kNames<QueueChanged> = "queue_changed";
void describe(auto& visit, Like<QueueChanged> auto& it) {
  visit("queue", it.queue)("settings", it.settings);
}
template <>
inline constexpr std::string_view kNames<QueuePurged> = "queue_purged";
void describe(auto& visit, Like<QueuePurged> auto& it) {
  visit("queue", it.queue);
}
template <>
inline constexpr std::string_view kNames<QueueRemoved> = "queue_removed";
void describe(auto& visit, Like<QueueRemoved> auto& it) {
  visit("queue", it.queue);
}
template <>
inline constexpr std::string_view kNames<RedriveRequested> = "redrive_requested";
void describe(auto& visit, Like<RedriveRequested> auto& it) {
  visit("from", it.from)("to", it.to)("messages_max", it.messages_max);
}
template <>
inline constexpr std::string_view kNames<ChosenRedriven> = "chosen_redriven";
void describe(auto& visit, Like<ChosenRedriven> auto& it) {
  visit("from", it.from)("to", it.to)("messages", it.messages);
}
template <>
inline constexpr std::string_view kNames<InstanceReady> = "instance_ready";
void describe(auto& visit, Like<InstanceReady> auto& it) {
  visit("instance", it.instance)("start_time", it.start_time);
}
template <>
inline constexpr std::string_view kNames<InstanceLost> = "instance_lost";
void describe(auto& visit, Like<InstanceLost> auto& it) {
  visit("instance", it.instance)("reason", it.reason);
}
template <>
inline constexpr std::string_view kNames<RunFinished> = "run_finished";
void describe(auto& visit, Like<RunFinished> auto& it) {
  visit("run", it.run)("error", it.error)("error_key", it.error_key)("service_time", it.service_time);
  visit("failed", it.failed)("memory_bytes", it.memory_bytes);
}
template <>
inline constexpr std::string_view kNames<SignalObserved> = "signal_observed";
void describe(auto& visit, Like<SignalObserved> auto& it) {
  visit("signal", it.signal)("at", it.at)("value", it.value);
}
template <>
inline constexpr std::string_view kNames<ForecastFitted> = "forecast_fitted";
void describe(auto& visit, Like<ForecastFitted> auto& it) {
  visit("queue", it.queue)("serial", it.serial)("forecasts", it.forecasts);
}
template <>
inline constexpr std::string_view kNames<HistoryRestored> = "history_restored";
void describe(auto& visit, Like<HistoryRestored> auto& it) {
  visit("queue", it.queue)("start", it.start)("arrivals", it.arrivals)("bytes", it.bytes);
  visit("work_seconds", it.work_seconds)("service_seconds", it.service_seconds);
}
template <>
inline constexpr std::string_view kNames<QueueRestored> = "queue_restored";
void describe(auto& visit, Like<QueueRestored> auto& it) {
  visit("queue", it.queue)("memory", it.memory);
}
template <>
inline constexpr std::string_view kNames<RetryRestored> = "retry_restored";
void describe(auto& visit, Like<RetryRestored> auto& it) {
  visit("memory", it.memory);
}
template <>
inline constexpr std::string_view kNames<FunctionRestored> = "function_restored";
void describe(auto& visit, Like<FunctionRestored> auto& it) {
  visit("function", it.function)("memory", it.memory);
}
template <>
inline constexpr std::string_view kNames<WatchRestored> = "watch_restored";
void describe(auto& visit, Like<WatchRestored> auto& it) {
  visit("queue", it.queue)("memory", it.memory);
}
template <>
inline constexpr std::string_view kNames<ConsumptionPaused> = "consumption_paused";
void describe(auto& visit, Like<ConsumptionPaused> auto& it) {
  visit("queue", it.queue)("paused", it.paused);
}
template <>
inline constexpr std::string_view kNames<ScalingOrdered> = "scaling_ordered";
void describe(auto& visit, Like<ScalingOrdered> auto& it) {
  visit("queue", it.queue)("order", it.order);
}
template <>
inline constexpr std::string_view kNames<ConfigurationChanged> = "configuration_changed";
void describe(auto& visit, Like<ConfigurationChanged> auto& it) {
  visit("configuration", it.configuration);
}
template <>
inline constexpr std::string_view kNames<TimePassed> = "time_passed";
void describe(auto&, Like<TimePassed> auto&) {}

}  // namespace forewarm
