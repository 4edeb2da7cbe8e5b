#include "sim/baselines/holt_winters.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "sim/baselines/rule.h"

namespace forewarm {
namespace {

class HoltWintersScaler final : public Scaler {
 public:
  explicit HoltWintersScaler(const HoltWintersOptions& options)
      : options_(options),
        hpa_(options.hpa),
        period_(static_cast<std::size_t>(std::max<std::int64_t>(2, options.season / options.every))),
        replicas_(std::max(1U, options.hpa.min)) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    const std::uint32_t reactive =
        hpa_.recommend(messages_there(inputs), options_.target, replicas_, ready_instances(inputs));
    if (inputs.now >= next_value_) {
      next_value_ = inputs.now + options_.every;
      forecast(reactive);
    }
    replicas_ = hpa_.next(inputs.now, replicas_, std::max(reactive, predicted_));
    ScalingPlan plan = rule_plan(inputs, options_.sync, replicas_);
    plan.warm_floor = std::min(std::max(1U, options_.hpa.min), plan.instances);
    return plan;
  }

  std::uint32_t start_now(const ScalingInputs&) override { return 0; }
  void observe_start(TimePoint, Duration) override {}
  bool plans_without_messages() const override { return true; }
  Duration period() const override { return options_.sync; }

 private:
  void forecast(std::uint32_t reactive) {
    values_.push_back(reactive);
    if (values_.size() > period_ * std::max(1U, options_.stored_seasons)) values_.pop_front();
    const std::optional<double> next = holt_winters_next(values_, period_, options_.smoothing);
    // What the sums round up is no replica.
    predicted_ = static_cast<std::uint32_t>(std::clamp(std::ceil(next.value_or(0) - 1e-9), 0.0, 1e9));
  }

  HoltWintersOptions options_;
  HpaRule hpa_;
  std::size_t period_;
  std::uint32_t replicas_;
  std::uint32_t predicted_ = 0;
  TimePoint next_value_ = TimePoint::min();
  std::deque<double> values_;  ///< what the HPA would have set
};

}  // namespace

std::optional<double> holt_winters_next(const std::deque<double>& series, std::size_t period,
                                        const HoltWintersSmoothing& smoothing) {
  if (series.size() < std::max(2 * period, 10 + 2 * (period / 2))) return std::nullopt;
  double first = 0, second = 0;
  for (std::size_t t = 0; t < period; ++t) {
    first += series[t] / static_cast<double>(period);
    second += series[period + t] / static_cast<double>(period);
  }
  double level = first;
  double trend = (second - first) / static_cast<double>(period);
  std::vector<double> season(period);
  for (std::size_t t = 0; t < period; ++t) season[t] = series[t] - first;
  for (std::size_t t = 0; t < series.size(); ++t) {
    double& seasonal = season[t % period];
    const double expected = level + trend;
    const double raised = smoothing.level * (series[t] - seasonal) + (1 - smoothing.level) * expected;
    trend = smoothing.trend * (raised - level) + (1 - smoothing.trend) * trend;
    seasonal = smoothing.season * (series[t] - expected) + (1 - smoothing.season) * seasonal;
    level = raised;
  }
  const double next = level + trend + season[series.size() % period];
  return std::isfinite(next) ? std::optional(next) : std::nullopt;
}

std::unique_ptr<Scaler> make_holt_winters_scaler(const HoltWintersOptions& options) {
  return std::make_unique<HoltWintersScaler>(options);
}

}  // namespace forewarm
