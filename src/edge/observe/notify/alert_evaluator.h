#pragma once

#include <deque>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "edge/observe/metric_points.h"
#include "edge/observe/notify/alert.h"

namespace forewarm {

/// What a counter of one subject grew by, as it is kept over a restart.
struct AlertGrowth {
  std::string term;  ///< in PromQL
  std::vector<std::string> subject{};
  double grown = 0;  ///< in all
  std::vector<std::pair<TimePoint, double>>
      samples{};  ///< what it had grown by then, from before the window on

  friend bool operator==(const AlertGrowth&, const AlertGrowth&) = default;
};

/// Says which rules hold, from looks at the metrics at growing times.
///
/// What a counter grew by in a window comes from samples of its own, about 40 a window, so that three days
/// cost no more than five minutes do. A counter begins at 0 with this, as the program's do; one that falls
/// has begun anew.
class AlertEvaluator {
 public:
  /// `rules` outlive this.
  explicit AlertEvaluator(std::span<const AlertRule> rules = alert_rules());

  /// `metrics` has all of alert_metrics() that there are; what it lacks holds for nobody.
  std::vector<AlertHold> evaluate(TimePoint now, std::span<const MetricPoints> metrics);

  /// What `alerts` rest on of what counters grew by.
  std::vector<AlertGrowth> growths(std::span<const Alert> alerts) const;
  /// Goes on from what grew before a restart, or where another copy looked that is gone: its counters are not
  /// this program's, so what grows here comes on top of it. Until a window is over it counts for a subject
  /// that the metrics do not have, since most counters are there only once something was counted.
  void remember(TimePoint now, std::span<const AlertGrowth> before);

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
    TimePoint kept_until{};  ///< whether the metrics have it or not
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
  Values grown(TimePoint now, const std::string& name, Values totals, Duration window);
  void hold(Look& look, const AlertRule& rule, std::vector<AlertHold>& found);

  std::span<const AlertRule> rules_;
  std::map<std::string, Duration> windows_{};                 ///< of all increases, by the term's PromQL
  std::map<std::string, std::map<Subject, Growth>> growths_;  ///< by the term's PromQL
};

}  // namespace forewarm
