#include "sim/baselines/worker_pod_autoscaler.h"

#include <algorithm>
#include <cmath>

#include "sim/baselines/rule.h"

namespace forewarm {
namespace {

class WorkerPodScaler final : public Scaler {
 public:
  explicit WorkerPodScaler(const WorkerPodOptions& options) : options_(options), workers_(options.min) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    const std::uint32_t desired = desired_workers(inputs);
    const bool may_go_down =
        changed_at_ == kNever || saturating_add(changed_at_, options_.down_delay) < inputs.now;
    if (desired > workers_ || (desired < workers_ && may_go_down)) {
      workers_ = desired;
      changed_at_ = inputs.now;
    }
    ScalingPlan plan = rule_plan(inputs, options_.every, workers_);
    plan.warm_floor = std::min(options_.min, plan.instances);
    return plan;
  }

  std::uint32_t start_now(const ScalingInputs&) override { return 0; }
  void observe_start(TimePoint, Duration) override {}
  bool plans_without_messages() const override { return options_.min > 0; }
  Duration period() const override { return options_.every; }

 private:
  /// GetDesiredWorkers.
  std::uint32_t desired_workers(const ScalingInputs& inputs) const {
    const double workers = workers_;
    const double visible = inputs.backlog.ready;
    double least = options_.min;
    if (options_.by_rate) least = std::max(least, std::ceil(offered_load(inputs)));
    const double may_go = std::ceil(workers * options_.disruption);
    const double desired = std::ceil(visible / options_.target);
    if (workers_ == 0) return bounded(desired, least, may_go);
    if (visible > 0) {
      const bool too_small = std::abs(desired - workers) / workers <= options_.tolerance;
      return bounded(too_small ? workers : desired, least, may_go);
    }
    const bool some_sent = inputs.arrivals_per_second > 0;
    const bool all_idle = !some_sent && inputs.backlog.in_flight == 0;
    if (all_idle) return bounded(0, least, workers);  // all may go at once
    return bounded(least, least, may_go);
  }

  /// convertDesiredReplicasWithRules.
  std::uint32_t bounded(double desired, double least, double may_go) const {
    if (least >= options_.max) return options_.max;
    return static_cast<std::uint32_t>(
        std::clamp<double>(std::max(desired, workers_ - may_go), least, options_.max));
  }

  WorkerPodOptions options_;
  std::uint32_t workers_;
  TimePoint changed_at_ = kNever;
};

}  // namespace

std::unique_ptr<Scaler> make_worker_pod_scaler(const WorkerPodOptions& options) {
  return std::make_unique<WorkerPodScaler>(options);
}

}  // namespace forewarm
