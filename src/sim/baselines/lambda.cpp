#include "sim/baselines/lambda.h"

#include <algorithm>
#include <cmath>

namespace forewarm {
namespace {

constexpr double kStartsBurst = 1000;  // of 10 s

class LambdaScaler final : public Scaler {
 public:
  explicit LambdaScaler(const LambdaOptions& options) : options_(options), allowed_(options.at_first) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    pass(inputs);
    ScalingPlan plan;
    plan.queue = inputs.queue;
    plan.at = inputs.now;
    plan.until = saturating_add(inputs.now, period());
    plan.keep_idle = options_.idle;
    plan.reason.constraint = Constraint::Rule;
    return plan;
  }

  std::uint32_t start_now(const ScalingInputs& inputs) override {
    pass(inputs);
    const double limit = std::min(allowed_, static_cast<double>(inputs.instances_limit));
    const double room = std::floor(limit) - inputs.instances.usable();
    const double provided = static_cast<double>(inputs.instances.idle) + inputs.instances.starting;
    const double missing = inputs.backlog.ready - provided;
    const double starts = std::floor(std::min({missing, room, starts_left_}));
    if (starts <= 0) return 0;
    starts_left_ -= starts;
    return static_cast<std::uint32_t>(starts);
  }

  void observe_start(TimePoint, Duration) override {}
  /// What the pollers could not take is looked at again.
  Duration period() const override { return 1s; }

 private:
  void pass(const ScalingInputs& inputs) {
    const double passed = last_ == kNever ? 0 : seconds(inputs.now - last_);
    last_ = inputs.now;
    starts_left_ = std::min(kStartsBurst, starts_left_ + passed * options_.starts_per_second);
    const bool none = inputs.backlog.ready == 0 && inputs.backlog.in_flight == 0;
    if (none)
      allowed_ = options_.at_first;
    else if (waited_)
      allowed_ = std::min(options_.max, allowed_ + passed * options_.more_per_minute / 60);
    waited_ = inputs.backlog.ready > 0;
  }

  LambdaOptions options_;
  double allowed_;
  double starts_left_ = kStartsBurst;
  bool waited_ = false;  ///< messages waited when it was last looked at
  TimePoint last_ = kNever;
};

}  // namespace

LambdaOptions provisioned_lambda(std::uint32_t pollers) {
  return {.at_first = 10.0 * pollers, .more_per_minute = 1000, .max = 20'000};
}

std::unique_ptr<Scaler> make_lambda_scaler(const LambdaOptions& options) {
  return std::make_unique<LambdaScaler>(options);
}

}  // namespace forewarm
