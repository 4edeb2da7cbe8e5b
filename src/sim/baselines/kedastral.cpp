#include "sim/baselines/kedastral.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "sim/baselines/minute_series.h"
#include "sim/baselines/rule.h"

namespace forewarm {
namespace {

constexpr std::size_t kTrendPoints = 10;
constexpr std::size_t kMomentumPoints = 6;  // fewer have none

/// A minute's slope of the last points of [from, to), by least squares, in units a second.
double trend_of(const std::deque<double>& values, std::size_t from, std::size_t to) {
  const std::size_t points = std::min(kTrendPoints, to - from);
  if (points < 2) return 0;
  const double middle = static_cast<double>(points - 1) / 2;
  double product = 0, square = 0;
  for (std::size_t i = 0; i < points; ++i) {
    const double x = static_cast<double>(i) - middle;
    product += x * values[to - points + i];
    square += x * x;
  }
  return product / square / 60;
}

/// What came at this place of a season before: the mean, towards the largest while the metric gathers speed.
std::optional<double> seasonal(const std::vector<double>& before, double momentum) {
  if (before.size() < 2) return std::nullopt;
  double sum = 0;
  for (const double value : before) sum += value;
  const double mean = sum / static_cast<double>(before.size());
  return momentum > 0 ? 0.7 * mean + 0.3 * std::ranges::max(before) : mean;
}

class KedastralScaler final : public Scaler {
 public:
  explicit KedastralScaler(const KedastralOptions& options)
      : options_(options),
        loads_(static_cast<std::size_t>(std::max<std::int64_t>(2, options.window / Duration(60s)))),
        loops_(options.keda),
        planned_(options.keda.min) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    if (loads_.add(inputs.now, offered_load(inputs))) planned_ = planned();
    const std::uint32_t replicas = loops_.update(inputs.now, planned_, ready_instances(inputs));
    ScalingPlan plan = rule_plan(inputs, period(), replicas);
    plan.until = loops_.next_at();
    plan.warm_floor = std::min(options_.keda.min, plan.instances);
    return plan;
  }

  std::uint32_t start_now(const ScalingInputs&) override { return 0; }
  void observe_start(TimePoint, Duration) override {}
  bool plans_without_messages() const override { return options_.keda.min > 0; }
  Duration period() const override { return loops_.period(); }

 private:
  /// docs/planner/MATH.md, for the step that begins now.
  std::uint32_t planned() const {
    const auto steps = static_cast<std::int64_t>(std::ceil(seconds(options_.lead) / 60));
    // The first value of the forecast is a minute ahead.
    const double load = kedastral_forecast(loads_.means(), loads_.open_minute() - 1, steps + 1);
    const double before = planned_;
    const double most = std::max(1.0, std::ceil(before * options_.up_factor));
    const double least = std::floor(before * (1 - options_.down_percent / 100));
    double replicas = bounded(std::ceil(options_.headroom * load / options_.target));
    replicas = bounded(std::max(std::min(replicas, most), least));
    return static_cast<std::uint32_t>(replicas);
  }
  double bounded(double replicas) const {
    return std::clamp<double>(replicas, options_.keda.min, std::max(options_.keda.min, options_.keda.max));
  }

  KedastralOptions options_;
  MinuteSeries loads_;
  KedaLoops loops_;
  std::uint32_t planned_;
};

}  // namespace

double kedastral_forecast(const std::deque<double>& history, std::int64_t minute, std::int64_t minutes) {
  const std::size_t length = history.size();
  const double trend = trend_of(history, 0, length);
  double momentum = 0;
  if (length >= kMomentumPoints)
    momentum = trend_of(history, length / 2, length) - trend_of(history, 0, length / 2);
  const double ahead = 60 * static_cast<double>(minutes);
  const double base = history.back() + trend * ahead + 0.5 * momentum * ahead * ahead / 60;
  std::vector<double> of_minute, of_hour;
  const std::int64_t target = minute + minutes;
  // The product adds whole hours to the hour that is: 10:59 and two minutes are still of hour 10.
  const std::int64_t hour = (minute / 60 + minutes / 60) % 24;
  for (std::size_t i = 0; i < length; ++i) {
    const std::int64_t at = minute - static_cast<std::int64_t>(length - 1 - i);
    if ((target - at) % 60 == 0) of_minute.push_back(history[i]);
    if (at / 60 % 24 == hour) of_hour.push_back(history[i]);
  }
  std::optional<double> season = seasonal(of_minute, momentum);
  if (!season) season = seasonal(of_hour, momentum);
  if (!season) return std::max(0.0, base);
  const double ratio = *season / (base + 1);
  const double weight = ratio > 1.5 ? 0.8 : ratio > 1.2 ? 0.7 : ratio < 0.8 ? 0.6 : 0.5;
  return std::max(0.0, (1 - weight) * base + weight * *season);
}

std::unique_ptr<Scaler> make_kedastral_scaler(const KedastralOptions& options) {
  return std::make_unique<KedastralScaler>(options);
}

}  // namespace forewarm
