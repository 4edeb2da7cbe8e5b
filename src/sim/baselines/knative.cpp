#include "sim/baselines/knative.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "sim/baselines/windowed_mean.h"

namespace forewarm {
namespace {

constexpr Duration kScrape = 1s;

class KnativeScaler final : public Scaler {
 public:
  explicit KnativeScaler(const KnativeOptions& options)
      : options_(options),
        stable_(options.stable_window),
        panicking_(from_seconds(seconds(options.stable_window) * options.panic_window)),
        pods_(options.min) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    const double concurrency = static_cast<double>(inputs.backlog.ready) + inputs.backlog.in_flight;
    stable_.add(inputs.now, concurrency);
    panicking_.add(inputs.now, concurrency);
    if (inputs.now >= next_tick_) {
      next_tick_ = saturating_add(inputs.now, options_.tick);
      pods_ = delayed(inputs.now, decide(inputs));
    }
    ScalingPlan plan;
    plan.queue = inputs.queue;
    plan.at = inputs.now;
    plan.until = saturating_add(inputs.now, kScrape);
    plan.instances = std::min({pods_, options_.max, inputs.instances_limit});
    plan.warm_floor = std::min(options_.min, plan.instances);
    plan.reason.constraint = Constraint::Rule;
    return plan;
  }

  /// The activator's poke: without a pod the autoscaler does not wait for its tick.
  std::uint32_t start_now(const ScalingInputs& inputs) override {
    if (inputs.instances.usable() > 0) return 0;
    const double pods = std::ceil(inputs.backlog.ready / target());
    return static_cast<std::uint32_t>(std::min({std::max(1.0, pods), static_cast<double>(options_.max),
                                                static_cast<double>(inputs.instances_limit)}));
  }

  void observe_start(TimePoint, Duration) override {}
  Duration period() const override { return std::min(kScrape, options_.tick); }

 private:
  double target() const { return std::max(0.01, options_.concurrency * options_.utilisation); }

  /// Autoscaler.Scale, step by step.
  std::uint32_t decide(const ScalingInputs& inputs) {
    const double ready = std::max(1.0, static_cast<double>(inputs.instances.idle) + inputs.instances.busy);
    const double up = std::ceil(options_.scale_up_max * ready);
    const double down = std::floor(ready / options_.scale_down_max);
    const double wanted_panic = std::ceil(panicking_.mean() / target());
    const double stable = std::clamp(std::ceil(stable_.mean() / target()), down, up);
    const double panic = std::clamp(wanted_panic, down, up);
    if (wanted_panic / ready >= options_.panic_threshold) {
      if (panic_since_ == kNever) most_in_panic_ = 0;
      panic_since_ = inputs.now;
    } else if (panic_since_ != kNever && panic_since_ + options_.stable_window < inputs.now) {
      panic_since_ = kNever;
    }
    double pods = stable;
    if (panic_since_ != kNever) {
      most_in_panic_ = std::max({most_in_panic_, stable, panic});  // never down in panic
      pods = most_in_panic_;
    }
    if (pods > 0) {
      zero_since_ = kNever;
    } else {
      // The last pod stays until the activator has been in the way for the grace period.
      if (zero_since_ == kNever) zero_since_ = inputs.now;
      if (inputs.now < zero_since_ + options_.to_zero_grace && inputs.instances.usable() > 0) pods = 1;
    }
    return static_cast<std::uint32_t>(std::clamp(pods, static_cast<double>(options_.min), 1e9));
  }

  /// The most of the last scale_down_delay.
  std::uint32_t delayed(TimePoint now, std::uint32_t pods) {
    while (!decided_.empty() && decided_.front().at < now - options_.scale_down_delay) decided_.pop_front();
    decided_.push_back({now, pods});
    return std::ranges::max_element(decided_, {}, &Decided::pods)->pods;
  }

  struct Decided {
    TimePoint at;
    std::uint32_t pods = 0;
  };

  KnativeOptions options_;
  WindowedMean stable_, panicking_;
  std::uint32_t pods_;
  TimePoint next_tick_ = TimePoint::min();
  TimePoint panic_since_ = kNever;
  TimePoint zero_since_ = kNever;
  double most_in_panic_ = 0;
  std::deque<Decided> decided_;
};

}  // namespace

std::unique_ptr<Scaler> make_knative_scaler(const KnativeOptions& options) {
  return std::make_unique<KnativeScaler>(options);
}

}  // namespace forewarm
