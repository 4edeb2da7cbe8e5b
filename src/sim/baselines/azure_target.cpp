#include "sim/baselines/azure_target.h"

#include <algorithm>
#include <cmath>

#include "sim/baselines/rule.h"

namespace forewarm {
namespace {

class AzureTargetScaler final : public Scaler {
 public:
  explicit AzureTargetScaler(const AzureTargetOptions& options) : options_(options) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    const double wanted = std::ceil(messages_there(inputs) / options_.target);
    const double reachable = static_cast<double>(inputs.instances.usable()) + options_.up;
    ScalingPlan plan =
        rule_plan(inputs, options_.every, std::min({wanted, reachable, static_cast<double>(options_.max)}));
    plan.keep_idle = options_.idle;
    return plan;
  }

  std::uint32_t start_now(const ScalingInputs&) override { return 0; }
  void observe_start(TimePoint, Duration) override {}
  Duration period() const override { return options_.every; }

 private:
  AzureTargetOptions options_;
};

}  // namespace

std::unique_ptr<Scaler> make_azure_target_scaler(const AzureTargetOptions& options) {
  return std::make_unique<AzureTargetScaler>(options);
}

}  // namespace forewarm
