#include "sim/baselines/static.h"

#include <algorithm>

namespace forewarm {
namespace {

class StaticScaler final : public Scaler {
 public:
  explicit StaticScaler(std::uint32_t instances) : instances_(instances) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    ScalingPlan plan;
    plan.queue = inputs.queue;
    plan.at = inputs.now;
    plan.until = saturating_add(inputs.now, inputs.step);
    plan.instances = std::min(instances_, inputs.instances_limit);
    plan.warm_floor = plan.instances;
    plan.reason.constraint = Constraint::Rule;
    return plan;
  }
  std::uint32_t start_now(const ScalingInputs&) override { return 0; }
  void observe_start(TimePoint, Duration) override {}
  bool plans_without_messages() const override { return true; }

 private:
  std::uint32_t instances_;
};

}  // namespace

std::unique_ptr<Scaler> make_static_scaler(std::uint32_t instances) {
  return std::make_unique<StaticScaler>(instances);
}

}  // namespace forewarm
