#include "sim/baselines/openwhisk.h"

#include <algorithm>
#include <cmath>

#include "sim/baselines/rule.h"

namespace forewarm {
namespace {

constexpr Duration kCheckAtRest = 1s;

class OpenWhiskScaler final : public Scaler {
 public:
  explicit OpenWhiskScaler(const OpenWhiskOptions& options) : options_(options) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    const std::uint32_t more = check(inputs);
    const BacklogState& backlog = inputs.backlog;
    at_rest_ = backlog.ready == 0 && backlog.in_flight == 0 && inputs.instances.starting == 0;
    ScalingPlan plan = rule_plan(inputs, period(), more > 0 ? inputs.instances.usable() + more : 0);
    plan.keep_idle = options_.idle;
    return plan;
  }

  std::uint32_t start_now(const ScalingInputs& inputs) override {
    const bool none = inputs.instances.usable() == 0;
    if (!none && inputs.now < checked_at_ + options_.check) return 0;
    return check(inputs);
  }

  void observe_start(TimePoint, Duration) override {}
  Duration period() const override {
    return at_rest_ ? std::max(kCheckAtRest, options_.check) : options_.check;
  }

 private:
  /// Containers to start now.
  std::uint32_t check(const ScalingInputs& inputs) {
    const double stale = stale_messages(inputs.backlog);
    checked_at_ = inputs.now;
    waiting_at_check_ = inputs.backlog.ready;
    const std::uint32_t most = std::min(options_.max, inputs.instances_limit);
    const std::uint32_t usable = inputs.instances.usable();
    if (usable >= most) return 0;
    const double more = decide(inputs, stale);
    return static_cast<std::uint32_t>(std::clamp(more, 0.0, static_cast<double>(most - usable)));
  }

  double stale_messages(const BacklogState& backlog) const {
    if (backlog.ready == 0 || backlog.oldest_wait < options_.stale) return 0;
    return std::max(1U, std::min(backlog.ready, waiting_at_check_));
  }

  /// SchedulingDecisionMaker.decide in its state Running.
  double decide(const ScalingInputs& inputs, double stale) const {
    const double waiting = inputs.backlog.ready;
    const double starting = inputs.instances.starting;
    const double containers = inputs.instances.usable();
    if (containers == 0) return waiting > 0 ? 1 : 0;
    if (inputs.service_time.observed == 0) return stale > 0 ? std::min(waiting, stale - starting) : 0;
    // Messages that one container does before the next becomes stale.
    const double throughput =
        static_cast<double>(options_.stale.count()) /
        static_cast<double>(std::max<std::int64_t>(1, inputs.service_time.mean.count()));
    const double for_stale = stale > 0 ? std::min(stale, std::ceil(stale / throughput)) - starting : 0;
    const double fresh = waiting - stale;
    if (fresh >= throughput * containers && containers < fresh)
      return std::min(std::ceil(fresh / throughput - containers), fresh - containers) + for_stale;
    return for_stale;
  }

  OpenWhiskOptions options_;
  TimePoint checked_at_ = TimePoint(Duration(0));
  std::uint32_t waiting_at_check_ = 0;
  bool at_rest_ = true;
};

}  // namespace

std::unique_ptr<Scaler> make_openwhisk_scaler(const OpenWhiskOptions& options) {
  return std::make_unique<OpenWhiskScaler>(options);
}

}  // namespace forewarm
