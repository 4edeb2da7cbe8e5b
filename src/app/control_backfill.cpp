#include "app/control_backfill.h"

#include <algorithm>
#include <fstream>
#include <map>

#include "app/history_remote.h"

namespace forewarm {
namespace {

constexpr int kBackfillTries = 5;

/// As they were counted, or as many as must have come for those that wait to be as many as they are.
std::optional<double> arrivals_of(const MetricPeriod* before, const MetricPeriod& period) {
  if (period.arrived) return period.arrived;
  if (before == nullptr || before->end() != period.start || !before->waiting || !period.waiting ||
      !period.done)
    return std::nullopt;
  return std::max(0.0, *period.waiting - *before->waiting + *period.done);
}

}  // namespace

ImportedSeries arrivals_of_counter(const ImportedSeries& readings) {
  ImportedSeries arrivals{.kind = SeriesKind::Queue, .name = readings.name, .step = readings.step};
  for (std::size_t i = 1; i < readings.signal.size(); ++i) {
    const Measured<SignalMeasures>& before = readings.signal[i - 1];
    const Measured<SignalMeasures>& now = readings.signal[i];
    if (now.start - before.start != readings.step) continue;
    const double grown = now.measures.last - before.measures.last;
    QueueMeasures measures;
    measures.arrivals = grown >= 0 ? grown : now.measures.last;
    measures.bytes = measures.runs = measures.service_seconds = kNotMeasured;
    measures.by_priority.fill(kNotMeasured);
    arrivals.queue.push_back({before.start, readings.step, std::move(measures)});
  }
  arrivals.settle();
  return arrivals;
}

std::vector<ImportedSeries> arrivals_of_periods(const std::vector<MetricPeriod>& periods,
                                                const std::string& queue) {
  std::map<Duration, ImportedSeries> by_length;
  const MetricPeriod* before = nullptr;
  for (const MetricPeriod& period : periods) {
    const std::optional<double> arrived = arrivals_of(before, period);
    before = &period;
    if (!arrived) continue;
    ImportedSeries& series = by_length[period.length];
    QueueMeasures measures;
    measures.arrivals = *arrived;
    measures.bytes = measures.runs = measures.service_seconds = kNotMeasured;
    measures.by_priority.fill(kNotMeasured);
    series.queue.push_back({period.start, period.length, std::move(measures)});
  }
  std::vector<ImportedSeries> all;
  for (auto& [length, series] : by_length) {
    series.kind = SeriesKind::Queue;
    series.name = queue;
    series.step = length;
    series.settle();
    all.push_back(std::move(series));
  }
  return all;
}

namespace {

Result<std::vector<ImportedSeries>> fetch_periods(const ControlConfig& control, TimePoint now,
                                                  const std::stop_token& stop) {
  const ControlMetrics& metrics = control.metrics;
  auto source = make_metric_source(metrics, control.queue);
  if (!source) return std::unexpected(source.error());
  const auto whole_minute = [](TimePoint at) { return at - at.time_since_epoch() % Duration(1min); };
  const auto periods = (*source)->read({.from = whole_minute(now - metrics.backfill),
                                        .to = whole_minute(now),
                                        .arrivals_only = true,
                                        .tries = kBackfillTries},
                                       stop);
  if (!periods) return std::unexpected(periods.error());
  return arrivals_of_periods(settled_periods(*periods, now, settled_of(metrics, false)), control.queue);
}

}  // namespace

Result<std::vector<ImportedSeries>> fetch_backfill(const ControlConfig& control, Duration step, TimePoint now,
                                                   const std::stop_token& stop) {
  std::vector<ImportedSeries> arrivals;
  const ControlMetrics& metrics = control.metrics;
  if (cloud_metrics_of(metrics) && metrics.backfill >= step) return fetch_periods(control, now, stop);
  if (metrics.kind != "prometheus" || metrics.arrived_total.empty() || metrics.backfill < step)
    return arrivals;
  PrometheusImport request{.url = metrics.url,
                           .query = metrics.arrived_total,
                           .as = control.queue,
                           .from = now - metrics.backfill,
                           .to = now,
                           .step = step};
  request.signal = true;
  request.fetch = {.ca_file = metrics.ca_file, .stop = stop};
  if (!metrics.bearer_token_file.empty()) {
    std::ifstream file(metrics.bearer_token_file);
    if (!std::getline(file, request.bearer_token) || request.bearer_token.empty())
      return error(ErrorCode::NotFound, metrics.bearer_token_file + ": there is no token in it");
  }
  const auto readings = fetch_prometheus(request, [](double) {});
  if (!readings) return std::unexpected(readings.error());
  for (const ImportedSeries& each : *readings) {
    ImportedSeries counted = arrivals_of_counter(each);
    if (!counted.covered.empty()) arrivals.push_back(std::move(counted));
  }
  return arrivals;
}

}  // namespace forewarm
