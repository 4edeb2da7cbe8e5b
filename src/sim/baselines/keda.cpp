#include "sim/baselines/keda.h"

#include <algorithm>
#include <numeric>

#include "sim/baselines/rule.h"

namespace forewarm {
namespace {

HpaOptions hpa_of(const KedaOptions& options) {
  return {.min = options.min,
          .max = options.max,
          .tolerance = options.tolerance,
          .stabilisation = options.stabilisation,
          .metric = options.metric,
          .behavior = options.behavior};
}

class KedaScaler final : public Scaler {
 public:
  explicit KedaScaler(const KedaOptions& options) : options_(options), loops_(options) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    const std::uint32_t replicas = loops_.update(inputs.now, metric(inputs.backlog), ready_instances(inputs));
    ScalingPlan plan = rule_plan(inputs, period(), replicas);
    plan.until = loops_.next_at();
    plan.warm_floor = std::min(options_.min, plan.instances);
    return plan;
  }

  std::uint32_t start_now(const ScalingInputs&) override { return 0; }
  void observe_start(TimePoint, Duration) override {}
  Duration period() const override { return loops_.period(); }

 private:
  double metric(const BacklogState& backlog) const {
    double messages = backlog.ready;
    if (options_.scale_on_in_flight) messages += backlog.in_flight;
    if (options_.scale_on_delayed) messages += backlog.delayed;
    return messages;
  }

  KedaOptions options_;
  KedaLoops loops_;
};

}  // namespace

KedaLoops::KedaLoops(const KedaOptions& options)
    : options_(options), hpa_(hpa_of(options)), replicas_(options.min) {}

std::uint32_t KedaLoops::update(TimePoint now, double metric, std::uint32_t ready) {
  if (now >= next_poll_) {
    poll(now, metric);
    next_poll_ = saturating_add(now, options_.polling);
  }
  if (now >= next_sync_) {
    // KEDA creates the HPA with at least one replica; at none it rests.
    if (replicas_ > 0)
      replicas_ = hpa_.next(now, replicas_, hpa_.recommend(metric, options_.target, replicas_, ready));
    next_sync_ = saturating_add(now, options_.sync);
  }
  return replicas_;
}

Duration KedaLoops::period() const {
  return Duration(std::gcd(options_.polling.count(), options_.sync.count()));
}

TimePoint KedaLoops::next_at() const {
  return std::min(next_poll_, next_sync_);
}

/// KEDA's own loop.
void KedaLoops::poll(TimePoint now, double metric) {
  if (metric > options_.activation) {
    last_active_ = now;
    if (replicas_ == 0) replicas_ = std::max(1U, options_.min);
  } else if (replicas_ > 0 && options_.min == 0) {
    const bool cooled_down = last_active_ == kNever || saturating_add(last_active_, options_.cooldown) < now;
    if (cooled_down) replicas_ = 0;
  } else if (replicas_ < options_.min) {
    replicas_ = options_.min;
  }
}

std::unique_ptr<Scaler> make_keda_scaler(const KedaOptions& options) {
  return std::make_unique<KedaScaler>(options);
}

}  // namespace forewarm
