#include "sim/baselines/keep_alive.h"

#include <algorithm>

namespace forewarm {
namespace {

class KeepAliveScaler final : public Scaler {
 public:
  explicit KeepAliveScaler(const KeepAliveOptions& options) : options_(options) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    ScalingPlan plan;
    plan.queue = inputs.queue;
    plan.at = inputs.now;
    plan.until = saturating_add(inputs.now, inputs.step);
    plan.keep_idle = options_.ski_rental ? inputs.start_time.mean + options_.cold_start : options_.idle;
    plan.reason.constraint = Constraint::Rule;
    return plan;
  }

  std::uint32_t start_now(const ScalingInputs& inputs) override {
    const std::uint32_t max = std::min(options_.max, inputs.instances_limit);
    const std::uint32_t usable = inputs.instances.usable();
    // A waiting message has either an idle instance or the one that was started for it.
    const std::uint32_t provided = inputs.instances.idle + inputs.instances.starting;
    if (usable >= max || provided >= inputs.backlog.ready) return 0;
    return std::min(inputs.backlog.ready - provided, max - usable);
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
