#include "sim/baselines/aws_predictive.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>

#include "sim/baselines/minute_series.h"
#include "sim/baselines/rule.h"
#include "sim/baselines/target_tracking.h"

namespace forewarm {
namespace {

constexpr std::int64_t kDay = 24, kWeek = 7 * kDay;  // hours
constexpr std::size_t kHistoryMost = 2 * kWeek;
constexpr std::int64_t kForecastEach = 6;
constexpr std::size_t kForecastAhead = 48;

std::int64_t hour_of(TimePoint at) {
  return at.time_since_epoch() / Duration(1h);
}

/// Peaks of the load by the hour, and what they let expect.
class HourlyForecast {
 public:
  /// Load at a moment, moments in order.
  void add(TimePoint at, double load) {
    const std::int64_t hour = hour_of(at);
    if (hour_ == kNone) hour_ = hour;
    // A minute that ends with the hour is of the hour that ends.
    if (minutes_.add(at, load)) peak_ = std::max(peak_, minutes_.means().back());
    while (hour_ < hour) close_hour();
  }
  /// Expected peak of the hour; none known: 0.
  double at(std::int64_t hour) const {
    const std::int64_t ahead = hour - made_at_;
    return made_at_ == kNone || ahead < 0 || ahead >= static_cast<std::int64_t>(kForecastAhead)
               ? 0
               : forecast_[static_cast<std::size_t>(ahead)];
  }

 private:
  static constexpr std::int64_t kNone = INT64_MIN;

  void close_hour() {
    peaks_.push_back(peak_);
    if (peaks_.size() > kHistoryMost) peaks_.pop_front();
    peak_ = 0;
    ++hour_;
    const bool due = made_at_ == kNone || hour_ - made_at_ >= kForecastEach;
    if (due && peaks_.size() >= static_cast<std::size_t>(kDay)) make();
  }

  void make() {
    made_at_ = hour_;
    const std::int64_t season = peaks_.size() >= static_cast<std::size_t>(kWeek) ? kWeek : kDay;
    const auto known = static_cast<std::int64_t>(peaks_.size());
    for (std::int64_t ahead = 0; ahead < static_cast<std::int64_t>(kForecastAhead); ++ahead) {
      double sum = 0, count = 0;
      // The hour to be forecast is `known + ahead` where the oldest peak's is 0.
      for (std::int64_t past = (known + ahead) % season; past < known; past += season) {
        sum += peaks_[static_cast<std::size_t>(past)];
        ++count;
      }
      forecast_[static_cast<std::size_t>(ahead)] = count > 0 ? sum / count : 0;
    }
  }

  MinuteSeries minutes_{1};
  std::deque<double> peaks_;  ///< of whole hours; the newest is the one before hour_
  std::int64_t hour_ = kNone;
  double peak_ = 0;
  std::int64_t made_at_ = kNone;
  std::array<double, kForecastAhead> forecast_{};
};

class AwsPredictiveScaler final : public Scaler {
 public:
  explicit AwsPredictiveScaler(const AwsPredictiveOptions& options)
      : options_(options),
        tracking_({.target = options.target, .min = options.min, .max = options.max}),
        capacity_(options.min) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    forecast_.add(inputs.now, offered_load(inputs));
    const double running = std::max(1U, ready_instances(inputs));
    const bool minute_ended = tracking_.add(inputs.now, inputs.instances.busy / running);
    if (minute_ended && (changed_at_ == kNever || inputs.now >= changed_at_ + options_.cooldown)) {
      const std::uint32_t tracked = tracking_.capacity_after(capacity_);
      if (tracked != capacity_) changed_at_ = inputs.now;
      capacity_ = tracked;
    }
    capacity_ = std::max(capacity_, forecast_capacity(inputs.now));
    ScalingPlan plan = rule_plan(inputs, period(), capacity_);
    plan.warm_floor = std::min(options_.min, plan.instances);
    return plan;
  }

  std::uint32_t start_now(const ScalingInputs&) override { return 0; }
  void observe_start(TimePoint, Duration) override {}
  bool plans_without_messages() const override { return options_.min > 0; }
  Duration period() const override { return 1s; }

 private:
  /// That of the hour that is, or that begins within the buffer.
  std::uint32_t forecast_capacity(TimePoint now) const {
    const double peak = std::max(forecast_.at(hour_of(now)), forecast_.at(hour_of(now + options_.buffer)));
    return static_cast<std::uint32_t>(
        std::clamp<double>(std::ceil(peak / options_.target), options_.min, options_.max));
  }

  AwsPredictiveOptions options_;
  HourlyForecast forecast_;
  TargetTracking tracking_;
  std::uint32_t capacity_;
  TimePoint changed_at_ = kNever;
};

}  // namespace

std::unique_ptr<Scaler> make_aws_predictive_scaler(const AwsPredictiveOptions& options) {
  return std::make_unique<AwsPredictiveScaler>(options);
}

}  // namespace forewarm
