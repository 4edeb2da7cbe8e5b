#include "sim/baselines/cloud_run.h"

#include <algorithm>
#include <cmath>

#include "sim/baselines/windowed_mean.h"

namespace forewarm {
namespace {

class CloudRunScaler final : public Scaler {
 public:
  explicit CloudRunScaler(const CloudRunOptions& options) : options_(options), used_(options.window) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    used_.add(inputs.now, static_cast<double>(inputs.backlog.ready) + inputs.backlog.in_flight);
    const double wanted = std::ceil(used_.mean() / (options_.concurrency * options_.utilisation));
    ScalingPlan plan;
    plan.queue = inputs.queue;
    plan.at = inputs.now;
    plan.until = saturating_add(inputs.now, period());
    plan.instances = static_cast<std::uint32_t>(
        std::min({std::max(wanted, static_cast<double>(options_.min)), static_cast<double>(options_.max),
                  static_cast<double>(inputs.instances_limit)}));
    plan.warm_floor = std::min(options_.min, plan.instances);
    plan.keep_idle = options_.idle;
    plan.reason.constraint = Constraint::Rule;
    return plan;
  }

  std::uint32_t start_now(const ScalingInputs& inputs) override {
    const double slots =
        (static_cast<double>(inputs.instances.idle) + inputs.instances.starting) * options_.concurrency;
    const double missing = std::ceil((inputs.backlog.ready - slots) / options_.concurrency);
    const double room = std::min<double>(options_.max, inputs.instances_limit) - inputs.instances.usable();
    return static_cast<std::uint32_t>(std::max(0.0, std::min(missing, room)));
  }

  void observe_start(TimePoint, Duration) override {}
  bool plans_without_messages() const override { return options_.min > 0; }
  Duration period() const override { return 1s; }

 private:
  CloudRunOptions options_;
  WindowedMean used_;
};

}  // namespace

std::unique_ptr<Scaler> make_cloud_run_scaler(const CloudRunOptions& options) {
  return std::make_unique<CloudRunScaler>(options);
}

}  // namespace forewarm
