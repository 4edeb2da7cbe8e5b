#include "sim/baselines/hybrid_histogram.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

#include "sim/baselines/rule.h"

namespace forewarm {
namespace {

constexpr std::size_t kIdleTimesKept = 1000;
constexpr std::size_t kIdleTimesToFit = 4;
constexpr Duration kLookEvery = 1s;

/// After the application fell idle: it is loaded after `prewarm` and kept for `keep_alive` from then.
struct IdleWindows {
  Duration prewarm = Duration(0);
  Duration keep_alive = Duration(0);
};

/// The next of a series by x[t] = a + b x[t-1], by least squares.
double next_by_autoregression(const std::deque<double>& series) {
  double sum = 0;
  for (const double value : series) sum += value;
  const double mean = sum / static_cast<double>(series.size());
  if (series.size() < kIdleTimesToFit) return mean;
  const auto pairs = static_cast<double>(series.size() - 1);
  const double mean_before = (sum - series.back()) / pairs, mean_after = (sum - series.front()) / pairs;
  double product = 0, square = 0;
  for (std::size_t t = 1; t < series.size(); ++t) {
    product += (series[t - 1] - mean_before) * (series[t] - mean_after);
    square += (series[t - 1] - mean_before) * (series[t - 1] - mean_before);
  }
  const double slope = square > 0 ? std::clamp(product / square, -1.0, 1.0) : 0;
  return std::max(0.0, mean_after + slope * (series.back() - mean_before));
}

class IdleHistogram {
 public:
  explicit IdleHistogram(const HybridHistogramOptions& options)
      : options_(options),
        bins_(static_cast<std::size_t>(std::max<std::int64_t>(1, options.range / options.bin))) {}

  void add(Duration idle) {
    newest_.push_back(seconds(idle));
    if (newest_.size() > kIdleTimesKept) newest_.pop_front();
    const auto bin = static_cast<std::size_t>(idle / options_.bin);
    if (bin >= bins_.size()) {
      ++out_of_bounds_;
      return;
    }
    squares_ += 2 * bins_[bin] + 1;
    ++bins_[bin];
    ++within_;
  }

  IdleWindows windows() const {
    const double all = within_ + out_of_bounds_;
    if (all > 0 && out_of_bounds_ / all >= options_.out_of_bounds) {
      const double next = next_by_autoregression(newest_);
      return {from_seconds(next * (1 - options_.forecast_margin)),
              from_seconds(next * 2 * options_.forecast_margin)};
    }
    if (variation() < options_.variation) return {Duration(0), options_.range};
    const double width = seconds(options_.bin);
    return {from_seconds(bin_at(options_.head) * width * (1 - options_.margin)),
            from_seconds((bin_at(options_.tail) + 1) * width * (1 + options_.margin))};
  }

 private:
  /// Standard deviation of the bins' counts over their mean.
  double variation() const {
    const auto bins = static_cast<double>(bins_.size());
    if (within_ == 0 || bins < 2) return 0;
    const double mean = within_ / bins;
    return std::sqrt(std::max(0.0, squares_ - bins * mean * mean) / (bins - 1)) / mean;
  }
  /// The first bin up to which this share is.
  double bin_at(double share) const {
    double sum = 0;
    for (std::size_t bin = 0; bin < bins_.size(); ++bin) {
      sum += bins_[bin];
      if (sum / within_ >= share) return static_cast<double>(bin);
    }
    return static_cast<double>(bins_.size() - 1);
  }

  HybridHistogramOptions options_;
  std::vector<double> bins_;
  double within_ = 0, out_of_bounds_ = 0, squares_ = 0;  ///< counts, and the sum of the bins' squares
  std::deque<double> newest_;
};

class HybridHistogramScaler final : public Scaler {
 public:
  explicit HybridHistogramScaler(const HybridHistogramOptions& options)
      : options_(options), histogram_(options), windows_(histogram_.windows()) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    if (messages_there(inputs) > 0) {
      begin(inputs.now);
    } else if (active_) {
      active_ = false;
      idle_since_ = inputs.now;
      windows_ = histogram_.windows();
    }
    const bool loaded_again = !active_ && windows_.prewarm > Duration(0) && idle_since_ != kNever &&
                              inputs.now >= idle_since_ + windows_.prewarm &&
                              inputs.now < idle_since_ + windows_.prewarm + windows_.keep_alive;
    ScalingPlan plan = rule_plan(inputs, kLookEvery, active_ || loaded_again ? 1 : 0);
    // With a time to load it again, it is unloaded as soon as it has run.
    plan.keep_idle = windows_.prewarm > Duration(0) ? Duration(0) : windows_.keep_alive;
    return plan;
  }

  std::uint32_t start_now(const ScalingInputs& inputs) override {
    begin(inputs.now);
    return start_one_each(inputs, options_.max);
  }

  void observe_start(TimePoint at, Duration) override {
    begin(at);
    if (seen_) histogram_.add(idle_time_);
    seen_ = true;
    idle_time_ = Duration(0);
  }

  Duration period() const override { return kLookEvery; }

 private:
  /// A message came: the idle time before it belongs to it, those that come while it runs have none.
  void begin(TimePoint at) {
    if (active_) return;
    active_ = true;
    if (idle_since_ != kNever) idle_time_ = at - idle_since_;
  }

  HybridHistogramOptions options_;
  IdleHistogram histogram_;
  IdleWindows windows_;
  bool active_ = false;
  bool seen_ = false;  ///< a message has run before
  TimePoint idle_since_ = kNever;
  Duration idle_time_ = Duration(0);
};

}  // namespace

std::unique_ptr<Scaler> make_hybrid_histogram_scaler(const HybridHistogramOptions& options) {
  return std::make_unique<HybridHistogramScaler>(options);
}

}  // namespace forewarm
