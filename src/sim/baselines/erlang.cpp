#include "sim/baselines/erlang.h"

#include <algorithm>

#include "core/scale/queueing.h"

namespace forewarm {
namespace {

class ErlangScaler final : public Scaler {
 public:
  explicit ErlangScaler(const ErlangOptions& options) : options_(options) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    const double rate = static_cast<double>(inputs.arrivals_last_step) / std::max(1e-3, seconds(inputs.step));
    if (rate == rate) rate_ = first_ ? rate : options_.weight * rate + (1 - options_.weight) * rate_;
    first_ = false;
    const double service = std::max(1e-6, seconds(inputs.service_time.mean));
    const SteadyLoad load{.offered = rate_ * service,
                          .slack_in_services = seconds(options_.objective) / service};
    const std::uint32_t most = std::min(options_.max, inputs.instances_limit);
    ScalingPlan plan;
    plan.queue = inputs.queue;
    plan.at = inputs.now;
    plan.until = saturating_add(inputs.now, options_.every);
    // A rate that is as good as none keeps nothing.
    plan.instances = load.offered < kNothing ? 0 : slots_for_late_share(load, options_.late_share, most);
    plan.instances = std::min(plan.instances, most);
    plan.keep_idle = options_.idle;
    plan.reason.constraint = Constraint::Rule;
    return plan;
  }

  std::uint32_t start_now(const ScalingInputs& inputs) override {
    return inputs.instances.usable() == 0 && inputs.instances_limit > 0 ? 1 : 0;
  }

  void observe_start(TimePoint, Duration) override {}
  Duration period() const override { return options_.every; }

 private:
  static constexpr double kNothing = 1e-3;  // slots busy in the mean

  ErlangOptions options_;
  double rate_ = 0;
  bool first_ = true;
};

}  // namespace

std::unique_ptr<Scaler> make_erlang_scaler(const ErlangOptions& options) {
  return std::make_unique<ErlangScaler>(options);
}

}  // namespace forewarm
