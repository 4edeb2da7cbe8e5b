#include "sim/baselines/keda.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace forewarm {
namespace {

// horizontal.go: scaleUpLimitFactor and scaleUpLimitMinimum, where no behavior is set (KEDA sets none).
constexpr std::uint64_t kScaleUpFactor = 2;
constexpr std::uint64_t kScaleUpMinimum = 4;

class KedaScaler final : public Scaler {
 public:
  explicit KedaScaler(const KedaOptions& options) : options_(options), replicas_(options.min) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    const double messages = metric(inputs.backlog);
    if (inputs.now >= next_poll_) {
      poll(inputs.now, messages);
      next_poll_ = saturating_add(inputs.now, options_.polling);
    }
    if (inputs.now >= next_sync_) {
      synchronise(inputs.now, messages);
      next_sync_ = saturating_add(inputs.now, options_.sync);
    }
    ScalingPlan plan;
    plan.queue = inputs.queue;
    plan.at = inputs.now;
    plan.until = std::min(next_poll_, next_sync_);
    plan.instances = std::min(replicas_, inputs.instances_limit);
    plan.warm_floor = std::min(options_.min, plan.instances);
    plan.reason.constraint = Constraint::Rule;
    return plan;
  }

  std::uint32_t start_now(const ScalingInputs&) override { return 0; }
  void observe_start(TimePoint, Duration) override {}
  Duration period() const override {
    return Duration(std::gcd(options_.polling.count(), options_.sync.count()));
  }

 private:
  struct Recommendation {
    TimePoint at;
    std::uint32_t replicas = 0;
  };

  double metric(const BacklogState& backlog) const {
    double messages = backlog.ready;
    if (options_.scale_on_in_flight) messages += backlog.in_flight;
    if (options_.scale_on_delayed) messages += backlog.delayed;
    return messages;
  }

  /// KEDA's own loop.
  void poll(TimePoint now, double messages) {
    if (messages > options_.activation) {
      last_active_ = now;
      if (replicas_ == 0) replicas_ = std::max(1U, options_.min);
    } else if (replicas_ > 0 && options_.min == 0) {
      const bool cooled_down =
          last_active_ == kNever || saturating_add(last_active_, options_.cooldown) < now;
      if (cooled_down) replicas_ = 0;
    } else if (replicas_ < options_.min) {
      replicas_ = options_.min;
    }
  }

  /// One reconciliation of the HPA, which KEDA creates with at least one replica and which rests at none.
  void synchronise(TimePoint now, double messages) {
    if (replicas_ == 0) return;
    if (recommendations_.empty()) recommendations_.push_back({now, replicas_});
    const std::uint32_t stable = stabilised(now, recommendation(messages));
    const std::uint64_t up_limit = std::max(kScaleUpFactor * replicas_, kScaleUpMinimum);
    const std::uint64_t most = std::min<std::uint64_t>(std::max(1U, options_.max), up_limit);
    const std::uint64_t least = std::max(1U, options_.min);
    replicas_ = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(stable, std::min(least, most), most));
  }

  /// GetExternalPerPodMetricReplicas: independent of how many replicas are ready.
  std::uint32_t recommendation(double messages) const {
    const double ratio = messages / (options_.target * replicas_);
    if (std::abs(1 - ratio) <= options_.tolerance) return replicas_;
    return static_cast<std::uint32_t>(std::min(std::ceil(messages / options_.target), 1e9));
  }

  /// stabilizeRecommendation: the largest of the window, this one included.
  std::uint32_t stabilised(TimePoint now, std::uint32_t replicas) {
    std::erase_if(recommendations_,
                  [&](const Recommendation& old) { return old.at < now - options_.stabilisation; });
    recommendations_.push_back({now, replicas});
    return std::ranges::max_element(recommendations_, {}, &Recommendation::replicas)->replicas;
  }

  KedaOptions options_;
  std::uint32_t replicas_;
  TimePoint next_poll_ = TimePoint::min();
  TimePoint next_sync_ = TimePoint::min();
  TimePoint last_active_ = kNever;
  std::vector<Recommendation> recommendations_;  ///< at most stabilisation / sync + 2
};

}  // namespace

std::unique_ptr<Scaler> make_keda_scaler(const KedaOptions& options) {
  return std::make_unique<KedaScaler>(options);
}

}  // namespace forewarm
