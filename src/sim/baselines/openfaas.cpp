#include "sim/baselines/openfaas.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "sim/baselines/rule.h"

namespace forewarm {
namespace {

class OpenFaasScaler final : public Scaler {
 public:
  explicit OpenFaasScaler(const OpenFaasOptions& options)
      : options_(options), replicas_(options.to_zero ? 0 : options.min) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    if (messages_there(inputs) > 0 || inputs.arrivals_per_second > 0 || last_request_ == kNever)
      last_request_ = inputs.now;
    replicas_ = decide(inputs);
    ScalingPlan plan = rule_plan(inputs, options_.every, replicas_);
    plan.warm_floor = options_.to_zero ? 0 : std::min(options_.min, plan.instances);
    return plan;
  }

  std::uint32_t start_now(const ScalingInputs& inputs) override {
    if (replicas_ > 0 || inputs.instances.usable() > 0) return 0;
    replicas_ = std::max(1U, options_.min);
    return std::min(replicas_, inputs.instances_limit);
  }

  void observe_start(TimePoint, Duration) override {}
  bool plans_without_messages() const override { return !options_.to_zero; }
  Duration period() const override { return options_.every; }

 private:
  struct Recommended {
    TimePoint at;
    double replicas = 0;
  };

  std::uint32_t decide(const ScalingInputs& inputs) {
    if (options_.to_zero) {
      if (replicas_ == 0) return 0;  // the gateway wakes it
      if (inputs.now >= last_request_ + options_.zero_duration) {
        recommended_.clear();
        return 0;
      }
    }
    if (ready_instances(inputs) == 0) return replicas_;
    const double load =
        options_.load == OpenFaasLoad::Capacity ? messages_there(inputs) : inputs.arrivals_per_second;
    // Ready replicas times the mean load of one is the load.
    double desired = std::ceil(load / (options_.target * options_.proportion));
    desired = std::clamp<double>(desired, std::max(1U, options_.min), std::max(1U, options_.max));
    return static_cast<std::uint32_t>(smoothed(inputs.now, desired));
  }

  /// Down only to the largest recommendation of the window; up at once.
  double smoothed(TimePoint now, double desired) {
    while (!recommended_.empty() && recommended_.front().at <= now - options_.down_window)
      recommended_.pop_front();
    recommended_.push_back({now, desired});
    if (desired >= replicas_) return desired;
    const double largest = std::ranges::max_element(recommended_, {}, &Recommended::replicas)->replicas;
    return std::min<double>(largest, replicas_);
  }

  OpenFaasOptions options_;
  std::uint32_t replicas_;
  TimePoint last_request_ = kNever;
  std::deque<Recommended> recommended_;
};

}  // namespace

std::unique_ptr<Scaler> make_openfaas_scaler(const OpenFaasOptions& options) {
  return std::make_unique<OpenFaasScaler>(options);
}

}  // namespace forewarm
