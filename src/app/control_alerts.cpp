#include "app/control_alerts.h"

#include "app/alert_keeper.h"

namespace forewarm {

std::unique_ptr<AlertService> make_control_alerts(const ControlWatched& watched, const ControlFile& config) {
  const auto metrics = [samples = watched.samples, lead = watched.lead](const MetricFilter& wanted) {
    std::vector<MetricPoints> points = control_metric_points(samples(), FOREWARM_VERSION, lead->sample());
    std::erase_if(points, [&](const MetricPoints& each) { return !wanted(each.name); });
    return points;
  };
  const auto sender = [admin = watched.admin, now = watched.now] {
    return NotificationSender{.receiver = {},
                              .instance = instance_label(admin().port),
                              .url = "http://" + to_string(admin()),
                              .now = now()};
  };
  // Whoever leads tells; where nobody does each copy tells.
  const auto quiet = [lead = watched.lead] {
    const std::optional<ElectionSample> election = lead->sample();
    return election && !election->leads && !election->leader.empty();
  };
  return std::make_unique<AlertService>(
      AlertService::Server{
          .loop = watched.loop,
          .log = watched.log,
          .now = watched.now,
          .metrics = metrics,
          .sender = sender,
          .quiet = quiet,
          .keep = keep_alerts_in(*watched.history, watched.now),
          .recall = recall_alerts_of(*watched.history, *watched.loop, !config.history.empty())},
      config.alerts, config.notify);
}

}  // namespace forewarm
