#include "sim/baselines/keep_alive.h"

#include "sim/baselines/rule.h"

namespace forewarm {
namespace {

class KeepAliveScaler final : public Scaler {
 public:
  explicit KeepAliveScaler(const KeepAliveOptions& options) : options_(options) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    ScalingPlan plan = rule_plan(inputs, inputs.step, 0);
    plan.keep_idle = options_.ski_rental ? inputs.start_time.mean + options_.cold_start : options_.idle;
    return plan;
  }

  std::uint32_t start_now(const ScalingInputs& inputs) override {
    return start_one_each(inputs, options_.max);
  }

  void observe_start(TimePoint, Duration) override {}

 private:
  KeepAliveOptions options_;
};

}  // namespace

std::unique_ptr<Scaler> make_keep_alive_scaler(const KeepAliveOptions& options) {
  return std::make_unique<KeepAliveScaler>(options);
}

}  // namespace forewarm
