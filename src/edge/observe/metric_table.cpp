#include "edge/observe/metric_table.h"

#include <array>

namespace forewarm {
namespace {

constexpr MetricType kCounter = MetricType::Counter;
constexpr MetricType kGauge = MetricType::Gauge;
constexpr MetricType kHistogram = MetricType::Histogram;

constexpr std::string_view kScaleReasons =
    "plan, reactive, minimum, surplus, outdated, failing, shutdown, room, slow, variant";

constexpr auto kTable = std::to_array<MetricDescription>({
    {"forewarm_build_info", kGauge, "Always 1; the label says which version runs.", "version", ""},
    {"forewarm_events_total", kCounter, "Events that the core has taken.", "", ""},
    {"forewarm_ready", kGauge, "1 when recovery is complete and requests are taken, else 0.", "", ""},
    {"forewarm_uptime_seconds", kGauge, "Time since the server started.", "", ""},

    {"forewarm_messages_arrived_total", kCounter,
     "Messages that appeared in the queue. Only those sent are demand.", "queue, reason",
     "sent, recovered, redriven"},
    {"forewarm_messages_arrived_bytes_total", kCounter, "Bytes of the messages sent to the queue.", "queue",
     ""},
    {"forewarm_messages_started_total", kCounter,
     "Messages handed out for the first time, to a function or a receiver.", "queue", ""},
    {"forewarm_messages_late_total", kCounter, "First starts that came after the message's deadline.",
     "queue", ""},
    {"forewarm_message_wait_seconds", kHistogram,
     "Time from a message being visible to its first start. Messages taken over from an earlier run of the "
     "server are "
     "left out.",
     "queue", ""},
    {"forewarm_message_lateness_seconds", kHistogram, "How far past the deadline the late first starts were.",
     "queue", ""},
    {"forewarm_message_waits_unmeasured_total", kCounter,
     "Messages whose wait and lateness are not measured because too many were waiting.", "", ""},
    {"forewarm_messages_delivered_total", kCounter,
     "Messages leased to receivers, repeated deliveries included.", "queue", ""},
    {"forewarm_runs_total", kCounter,
     "Runs that ended. \"capacity\" is no fault of the messages and costs them no attempt.",
     "queue, function, reason", "none, handler, timeout, crash, capacity"},
    {"forewarm_run_duration_seconds", kHistogram, "Service time of the runs that ended.", "function", ""},
    {"forewarm_messages_deleted_total", kCounter, "Messages that are gone for good.", "reason",
     "client, run_succeeded, expired"},
    {"forewarm_messages_moved_total", kCounter,
     "Messages moved out of the queue: dead-lettered, or redriven.", "queue, reason",
     "receive_count, failure_odds, attempts_used, redrive"},
    {"forewarm_retries_total", kCounter, "Failed messages that are tried again, by when.", "queue, reason",
     "now, later, park"},
    {"forewarm_queue_messages", kGauge, "Messages in the queue.", "queue, state",
     "ready, delayed, in_flight"},
    {"forewarm_queue_oldest_wait_seconds", kGauge,
     "How long the message that is next in order has been ready.", "queue", ""},

    {"forewarm_instance_starts_total", kCounter, "Instances that were asked to start.", "function, reason",
     kScaleReasons},
    {"forewarm_instance_stops_total", kCounter, "Instances that were asked to stop.", "function, reason",
     kScaleReasons},
    {"forewarm_instance_thaws_total", kCounter, "Frozen instances that were woken.", "function", ""},
    {"forewarm_instance_losses_total", kCounter, "Instances that ended.", "function, reason",
     "stopped, start_failed, start_timeout, crashed, killed"},
    {"forewarm_invocations_not_taken_total", kCounter,
     "Invocations of a function elsewhere that its platform did not take; their messages wait.",
     "function, reason", "throttled, unavailable, refused"},
    {"forewarm_function_memory_declared_bytes", kGauge,
     "Declared memory of an instance, of the largest variant; 0 where the function runs elsewhere.",
     "function", ""},
    {"forewarm_function_memory_need_bytes", kGauge,
     "Memory that 99 of 100 messages of the class that needs most need at most, as learned from measured "
     "runs; 0: not known.",
     "function", ""},
    {"forewarm_instance_start_seconds", kHistogram,
     "Time from a start being asked for to the instance being ready.", "function", ""},
    {"forewarm_instances", kGauge, "Instances of the function.", "function, state",
     "starting, idle, busy, frozen, stopping"},
    {"forewarm_instances_wanted", kGauge,
     "Instances that the function is to have, those that are started counted in: for who scales its workers.",
     "function", ""},
    {"forewarm_workers", kGauge, "Workers elsewhere that are connected.", "function, state", "used, unused"},
    {"forewarm_cold_starts_avoided_total", kCounter,
     "First runs that an instance took up which had been started ahead of need.", "", ""},
    {"forewarm_instance_seconds_total", kCounter, "Time that instances have existed, summed.", "", ""},

    {"forewarm_forecast_fits_total", kCounter, "Fits of forecasting models.", "queue, reason",
     "succeeded, failed"},
    {"forewarm_plans_total", kCounter, "Scaling plans, by what bound the number of instances.",
     "queue, reason",
     "cost, backlog, minimum, maximum, budget, baseline, no_forecast, trust, no_lead, hazard, rule, "
     "override, "
     "forced, paused, silence"},
    {"forewarm_forecast_median_messages", kGauge, "Forecast of the arrivals in the next step: median.",
     "queue", ""},
    {"forewarm_forecast_high_messages", kGauge, "Forecast of the arrivals in the next step: 95 % quantile.",
     "queue", ""},
    {"forewarm_forecast_step_seconds", kGauge, "Width of the forecast's step.", "queue", ""},
    {"forewarm_forecast_loss_ratio", kGauge,
     "Loss of the forecast in use lately, beside always saying what the last step was; 1 and more: it does "
     "not help.",
     "queue", ""},
    {"forewarm_forecast_coverage_ratio", kGauge,
     "Share of steps lately that stayed at or below their forecast's 95 % quantile.", "queue", ""},
    {"forewarm_plan_instances", kGauge, "Instances that the current plan wants.", "queue", ""},
    {"forewarm_plan_warm_floor_instances", kGauge, "Instances that the current plan keeps whatever comes.",
     "queue", ""},
    {"forewarm_objective_seconds", kGauge, "Within this a message is to start; 0 without a function.",
     "queue", ""},
    {"forewarm_late_share_max_ratio", kGauge,
     "Share of messages that may start later than the objective; 0 without a function.", "queue", ""},

    {"forewarm_signal_values_total", kCounter,
     "Values that came for the signal, by what became of them. The first three are taken.", "signal, reason",
     "in_order, out_of_order, revised, duplicate, late, future, not_a_number, out_of_range, full, malformed"},
    {"forewarm_signal_readings_total", kCounter,
     "Looks at the signal's source, or requests that pushed values.", "signal", ""},
    {"forewarm_signal_failures_total", kCounter, "Looks at the signal's source that gave nothing.", "signal",
     ""},
    {"forewarm_signal_value", kGauge, "The signal's newest value.", "signal", ""},
    {"forewarm_signal_age_seconds", kGauge, "Time since the signal's newest value.", "signal", ""},
    {"forewarm_signals_unknown_total", kCounter, "Requests that pushed values of a signal that is none.", "",
     ""},

    {"forewarm_notifications_total", kCounter,
     "Messages about alerts to a receiver, by what became of them. What was not delivered is sent again.",
     "receiver, reason", "delivered, failed, refused"},
    {"forewarm_otlp_items_total", kCounter,
     "Spans and points of metrics for the OpenTelemetry collector, by what became of them.", "kind, reason",
     "sent, rejected, dropped"},

    {"forewarm_store_commits_total", kCounter, "Commits of the message store; one may hold many writes.", "",
     ""},
    {"forewarm_store_writes_total", kCounter, "Writes to the message store.", "", ""},
    {"forewarm_store_syncs_total", kCounter, "Syncs of the message store to the disk.", "", ""},
    {"forewarm_store_commit_max_seconds", kGauge, "Longest commit in the last second.", "", ""},
    {"forewarm_store_file_bytes", kGauge, "Size of the message store's files.", "", ""},
    {"forewarm_store_pending_bytes", kGauge, "Writes that are not committed yet.", "", ""},
    {"forewarm_store_full", kGauge, "1 while messages are refused because the disk is full.", "", ""},

    {"forewarm_process_memory_bytes", kGauge, "Resident memory of the server itself.", "", ""},
    {"forewarm_functions_memory_bytes", kGauge, "Resident memory of all instances' process trees.", "", ""},
    {"forewarm_process_cpu_seconds_total", kCounter, "CPU time of the server itself, user and system.", "",
     ""},
    {"forewarm_process_open_descriptors", kGauge, "Open file descriptors of the server.", "", ""},
});
static_assert(kTable.size() == static_cast<std::size_t>(MetricId::ProcessDescriptors) + 1);

std::string_view type_word(MetricType type) {
  switch (type) {
    case MetricType::Counter:
      return "counter";
    case MetricType::Gauge:
      return "gauge";
    case MetricType::Histogram:
      return "histogram";
  }
  return "";
}

}  // namespace

std::span<const MetricDescription> metric_table() {
  return kTable;
}

std::string metrics_document() {
  std::string text =
      "# Metrics\n\n"
      "`GET /metrics` on the admin port gives these in the Prometheus text format. Counters run since the "
      "server's\n"
      "start. Every series of a known queue or function is there from the start, with 0. At most 100 queues "
      "have series\n"
      "of their own; further ones share those with `queue=\"(other)\"`.\n\n"
      "This page is written by the table in `src/edge/observe/metric_table.cpp`; a test compares the two\n"
      "(`FOREWARM_UPDATE=1` rewrites the page).\n\n"
      "| metric | type | labels | meaning |\n|---|---|---|---|\n";
  for (const MetricDescription& metric : kTable) {
    text += "| `";
    text += metric.name;
    text += "` | ";
    text += type_word(metric.type);
    text += " | ";
    text += metric.labels;
    if (!metric.values.empty()) {
      text += " (";
      text += metric.values;
      text += ")";
    }
    text += " | ";
    text += metric.help;
    text += " |\n";
  }
  return text;
}

}  // namespace forewarm
