#pragma once

#include <deque>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "edge/observe/metric_points.h"
#include "edge/observe/notify/alert.h"

namespace forewarm {

/// Says which rules hold, from looks at the metrics at growing times.
///
/// What a counter grew by in a window comes from samples of its own, about 40 a window, so that three days
/// cost no more than five minutes do. A counter begins at 0 with this, as the program's do; one that falls
/// has begun anew.
class AlertEvaluator {
 public:
  /// `rules` outlive this.
  explicit AlertEvaluator(std::span<const AlertRule> rules = alert_rules()) : rules_(rules) {}

  /// `metrics` has all of alert_metrics() that there are; what it lacks holds for nobody.
  std::vector<AlertHold> evaluate(TimePoint now, std::span<const MetricPoints> metrics);

 private:
  using Subject = std::vector<std::string>;
  using Values = std::map<Subject, double>;
  struct Sample {
    TimePoint at;
    double grown;
  };
  struct Growth {
    double last = 0;   ///< what the counter was
    double grown = 0;  ///< in all
    std::deque<Sample> samples{};
    bool seen = false;
  };
  struct Look {
    TimePoint now;
    std::map<std::string_view, const MetricPoints*> metrics;
    std::map<std::string, Values> known;  ///< of terms, by their PromQL
  };

  const Values& values(Look& look, const AlertTerm& term, const std::vector<std::string_view>& by);
  Values measure(Look& look, const AlertTerm& term, const std::string& name,
                 const std::vector<std::string_view>& by);
  Values grown(TimePoint now, const std::string& name, const Values& totals, Duration window);
  void hold(Look& look, const AlertRule& rule, std::vector<AlertHold>& found);

  std::span<const AlertRule> rules_;
  std::map<std::string, std::map<Subject, Growth>> growths_;  ///< by the term's PromQL
};

}  // namespace forewarm
