#include "edge/observe/control_metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>

#include "base/check.h"
#include "edge/observe/metric_families.h"

namespace forewarm {
namespace {

constexpr std::array kControlMetrics = {
    ControlMetric{"forewarm_control_info", "gauge", "version", "1, with the version"},
    ControlMetric{"forewarm_control_leading", "gauge", "", "1 while this copy leads and acts, else 0"},
    ControlMetric{"forewarm_control_leader_known", "gauge", "", "1 while somebody is known to lead, else 0"},
    ControlMetric{"forewarm_control_leader_info", "gauge", "identity, leader",
                  "1, with the names of this copy and of the one that leads"},
    ControlMetric{"forewarm_control_leader_changes_total", "counter", "",
                  "Times that this copy saw another leader than before"},
    ControlMetric{"forewarm_control_keda_streams", "gauge", "",
                  "Streams by which KEDA waits for the first instance"},
    ControlMetric{"forewarm_control_messages", "gauge", "queue, state", "Messages waiting and in flight"},
    ControlMetric{"forewarm_control_oldest_wait_seconds", "gauge", "queue",
                  "Time that the oldest message has waited"},
    ControlMetric{"forewarm_control_instances", "gauge", "queue, target, state",
                  "Instances planned, set at the target, and ready"},
    ControlMetric{"forewarm_control_forecast_messages", "gauge", "queue, level",
                  "Forecast arrivals in the next step"},
    ControlMetric{"forewarm_control_reading_age_seconds", "gauge", "queue", "Time since the last reading"},
    ControlMetric{"forewarm_control_silent", "gauge", "queue",
                  "1 while nothing is known of the queue: no instance is taken away"},
    ControlMetric{"forewarm_control_readings_total", "counter", "queue, result", "Readings of the queue"},
    ControlMetric{"forewarm_control_target_reading_failures_total", "counter", "queue, target",
                  "Times that the target did not say what it has"},
    ControlMetric{"forewarm_control_directives_total", "counter", "queue, target, outcome",
                  "Directives recommended, sent, refused and rolled back"},
    ControlMetric{"forewarm_control_directives_refused_in_row", "gauge", "queue, target",
                  "Refusals since a directive was taken"},
    ControlMetric{"forewarm_control_fits_total", "counter", "queue, result", "Fits of forecasts"},
};

using PointLabels = std::vector<prometheus::ClientMetric::Label>;

/// Families in the table's order.
class ControlFamilies {
 public:
  ControlFamilies() {
    for (const ControlMetric& metric : kControlMetrics) {
      prometheus::MetricFamily family;
      family.name = metric.name;
      family.help = metric.help;
      family.type =
          metric.type == "counter" ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
      families_.push_back(std::move(family));
    }
  }
  void add(std::string_view name, PointLabels labels, double value) {
    const auto family = std::ranges::find(families_, name, &prometheus::MetricFamily::name);
    check(family != families_.end(), "each series is in the table of control's metrics");
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    (family->type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    family->metric.push_back(std::move(metric));
  }
  template <class Number>
  void add(std::string_view name, PointLabels labels, const std::optional<Number>& value) {
    if (value) add(name, std::move(labels), static_cast<double>(*value));
  }
  const std::vector<prometheus::MetricFamily>& all() const { return families_; }

 private:
  std::vector<prometheus::MetricFamily> families_;
};

void add_sample(ControlFamilies& to, const ControlSample& s) {
  to.add("forewarm_control_messages", {{"queue", s.queue}, {"state", "waiting"}}, s.waiting);
  to.add("forewarm_control_messages", {{"queue", s.queue}, {"state", "in_flight"}}, s.in_flight);
  to.add("forewarm_control_oldest_wait_seconds", {{"queue", s.queue}}, s.oldest_wait_seconds);
  const auto instances = [&](const char* state) -> PointLabels {
    return {{"queue", s.queue}, {"target", s.target}, {"state", state}};
  };
  to.add("forewarm_control_instances", instances("planned"), static_cast<double>(s.instances_planned));
  to.add("forewarm_control_instances", instances("set"), s.instances_set);
  to.add("forewarm_control_instances", instances("ready"), s.instances_ready);
  to.add("forewarm_control_forecast_messages", {{"queue", s.queue}, {"level", "0.5"}}, s.forecast_median);
  to.add("forewarm_control_forecast_messages", {{"queue", s.queue}, {"level", "0.99"}}, s.forecast_high);
  to.add("forewarm_control_reading_age_seconds", {{"queue", s.queue}}, s.reading_age_seconds);
  to.add("forewarm_control_silent", {{"queue", s.queue}}, s.silent ? 1.0 : 0.0);
  const auto good = static_cast<double>(s.readings - s.readings_failed);
  to.add("forewarm_control_readings_total", {{"queue", s.queue}, {"result", "succeeded"}}, good);
  to.add("forewarm_control_readings_total", {{"queue", s.queue}, {"result", "failed"}},
         static_cast<double>(s.readings_failed));
  const PointLabels at{{"queue", s.queue}, {"target", s.target}};
  to.add("forewarm_control_target_reading_failures_total", at, static_cast<double>(s.target_readings_failed));
  for (std::size_t i = 0; i < s.directives.size(); ++i) {
    PointLabels labels = at;
    labels.push_back({"outcome", std::string(word(static_cast<DirectiveOutcome>(i)))});
    to.add("forewarm_control_directives_total", std::move(labels), static_cast<double>(s.directives[i]));
  }
  to.add("forewarm_control_directives_refused_in_row", at, static_cast<double>(s.refused_in_row));
  to.add("forewarm_control_fits_total", {{"queue", s.queue}, {"result", "succeeded"}},
         static_cast<double>(s.fits[0]));
  to.add("forewarm_control_fits_total", {{"queue", s.queue}, {"result", "failed"}},
         static_cast<double>(s.fits[1]));
}

void add_election(ControlFamilies& to, const ElectionSample& e) {
  to.add("forewarm_control_leading", {}, e.leads ? 1.0 : 0.0);
  to.add("forewarm_control_leader_known", {}, e.leader.empty() ? 0.0 : 1.0);
  if (!e.leader.empty())
    to.add("forewarm_control_leader_info", {{"identity", e.identity}, {"leader", e.leader}}, 1.0);
  to.add("forewarm_control_leader_changes_total", {}, static_cast<double>(e.changes));
}

ControlFamilies control_families(std::span<const ControlSample> samples, std::string_view version,
                                 const std::optional<ElectionSample>& election) {
  ControlFamilies families;
  families.add("forewarm_control_info", {{"version", std::string(version)}}, 1.0);
  if (election) add_election(families, *election);
  for (const ControlSample& sample : samples) add_sample(families, sample);
  return families;
}

}  // namespace

std::span<const ControlMetric> control_metrics() {
  return kControlMetrics;
}

std::vector<MetricPoints> control_metric_points(std::span<const ControlSample> samples,
                                                std::string_view version,
                                                const std::optional<ElectionSample>& election) {
  return metric_points(control_families(samples, version, election).all());
}

std::string control_metrics_text(std::span<const ControlSample> samples, std::string_view version,
                                 const std::optional<ElectionSample>& election,
                                 std::optional<double> keda_streams) {
  ControlFamilies families = control_families(samples, version, election);
  if (keda_streams) families.add("forewarm_control_keda_streams", {}, *keda_streams);
  return prometheus::TextSerializer().Serialize(families.all());
}

}  // namespace forewarm
