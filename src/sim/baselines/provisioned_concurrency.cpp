#include "sim/baselines/provisioned_concurrency.h"

#include <algorithm>

#include "sim/baselines/rule.h"
#include "sim/baselines/target_tracking.h"

namespace forewarm {
namespace {

class ProvisionedConcurrencyScaler final : public Scaler {
 public:
  explicit ProvisionedConcurrencyScaler(const ProvisionedConcurrencyOptions& options)
      : options_(options),
        tracking_({.target = options.target, .min = options.min, .max = options.max}),
        provisioned_(options.min),
        ordered_(options.min) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    if (inputs.now >= allocated_at_) provisioned_ = ordered_;
    const double used = std::min(inputs.instances.busy, provisioned_);
    const bool minute_ended = tracking_.add(inputs.now, provisioned_ > 0 ? used / provisioned_ : 0);
    if (minute_ended && ordered_ == provisioned_) {
      ordered_ = tracking_.capacity_after(provisioned_);
      if (ordered_ > provisioned_)
        allocated_at_ = inputs.now + options_.allocation;
      else
        provisioned_ = ordered_;
    }
    ScalingPlan plan = rule_plan(inputs, period(), provisioned_);
    plan.warm_floor = plan.instances;
    plan.keep_idle = options_.idle;
    return plan;
  }

  std::uint32_t start_now(const ScalingInputs& inputs) override {
    return start_one_each(inputs, options_.max);
  }

  void observe_start(TimePoint, Duration) override {}
  bool plans_without_messages() const override { return options_.min > 0; }
  Duration period() const override { return 1s; }

 private:
  ProvisionedConcurrencyOptions options_;
  TargetTracking tracking_;
  std::uint32_t provisioned_;  ///< in force
  std::uint32_t ordered_;      ///< in force from allocated_at_ on
  TimePoint allocated_at_ = TimePoint(Duration(0));
};

}  // namespace

std::unique_ptr<Scaler> make_provisioned_concurrency_scaler(const ProvisionedConcurrencyOptions& options) {
  return std::make_unique<ProvisionedConcurrencyScaler>(options);
}

}  // namespace forewarm
