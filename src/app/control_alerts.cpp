#include "app/control_alerts.h"

namespace forewarm {

std::unique_ptr<AlertService> make_control_alerts(ControlWatched watched, const ControlFile& config) {
  const auto metrics = [samples = watched.samples](const MetricFilter& wanted) {
    std::vector<MetricPoints> points = control_metric_points(samples(), FOREWARM_VERSION);
    std::erase_if(points, [&](const MetricPoints& each) { return !wanted(each.name); });
    return points;
  };
  const auto sender = [admin = watched.admin, now = watched.now] {
    return NotificationSender{.receiver = {},
                              .instance = instance_label(admin().port),
                              .url = "http://" + to_string(admin()),
                              .now = now()};
  };
  return std::make_unique<AlertService>(
      AlertService::Server{
          .loop = watched.loop, .log = watched.log, .now = watched.now, .metrics = metrics, .sender = sender},
      config.alerts, config.notify);
}

}  // namespace forewarm
