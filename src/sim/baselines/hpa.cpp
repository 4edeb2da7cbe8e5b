#include "sim/baselines/hpa.h"

#include <algorithm>
#include <cmath>

namespace forewarm {
namespace {

// horizontal.go: scaleUpLimitFactor and scaleUpLimitMinimum, where no behavior is set (KEDA sets none).
constexpr std::uint64_t kScaleUpFactor = 2;
constexpr std::uint64_t kScaleUpMinimum = 4;

std::uint32_t whole_replicas(double replicas) {
  return static_cast<std::uint32_t>(std::clamp(replicas, 0.0, 1e9));
}

}  // namespace

std::uint32_t HpaRule::recommend(double metric, double target, std::uint32_t replicas,
                                 std::uint32_t ready) const {
  if (options_.metric == HpaMetric::Value) {
    const double ratio = metric / target;
    if (std::abs(1 - ratio) <= options_.tolerance) return replicas;
    return whole_replicas(std::ceil(ratio * ready));
  }
  const double ratio = metric / (target * replicas);
  if (std::abs(1 - ratio) <= options_.tolerance) return replicas;
  return whole_replicas(std::ceil(metric / target));
}

std::uint32_t HpaRule::next(TimePoint now, std::uint32_t replicas, std::uint32_t recommended) {
  // What was there at the beginning counts as said just before.
  if (recommendations_.empty()) recommendations_.push_back({now - Duration(1), replicas});
  const Duration up_window = options_.behavior ? options_.behavior->up_window : Duration(0);
  const Duration kept = std::max(options_.stabilisation, up_window);
  std::erase_if(recommendations_, [&](const Recommendation& old) { return old.at < now - kept; });
  recommendations_.push_back({now, recommended});
  if (options_.behavior) return limited_by_behavior(now, replicas, recommended);
  return limited(replicas, largest_from(now - options_.stabilisation));
}

/// stabilizeRecommendation: the newest included.
std::uint32_t HpaRule::largest_from(TimePoint from) const {
  std::uint32_t largest = 0;
  for (const Recommendation& one : recommendations_) {
    if (one.at >= from) largest = std::max(largest, one.replicas);
  }
  return largest;
}

/// convertDesiredReplicasWithRules.
std::uint32_t HpaRule::limited(std::uint32_t replicas, std::uint32_t recommended) const {
  const std::uint64_t up_limit = std::max(kScaleUpFactor * replicas, kScaleUpMinimum);
  const std::uint64_t most = std::min<std::uint64_t>(std::max(1U, options_.max), up_limit);
  const std::uint64_t least = std::max(1U, options_.min);
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(recommended, std::min(least, most), most));
}

/// stabilizeRecommendationWithBehaviors and convertDesiredReplicasWithBehaviorRate.
std::uint32_t HpaRule::limited_by_behavior(TimePoint now, std::uint32_t replicas, std::uint32_t recommended) {
  const HpaBehavior& behavior = *options_.behavior;
  std::uint32_t up = recommended;
  for (const Recommendation& one : recommendations_) {
    if (one.at > now - behavior.up_window) up = std::min(up, one.replicas);
  }
  // Unlike the window without a behavior, a behavior's windows do not have what is exactly as old.
  const std::uint32_t down = std::max(recommended, largest_from(now - options_.stabilisation + Duration(1)));
  const std::uint32_t stable = std::min(std::max(replicas, up), down);
  std::erase_if(changes_, [&](const Change& old) { return old.at <= now - behavior.period; });
  double at_begin = replicas;
  for (const Change& change : changes_) at_begin -= static_cast<double>(change.replicas);
  double result = stable;
  if (stable > replicas) {
    const double most =
        std::max(at_begin + behavior.up_pods, std::ceil(at_begin * (1 + behavior.up_percent / 100)));
    result = std::min(result, std::max<double>(most, replicas));
  } else if (stable < replicas) {
    const double least =
        std::min(at_begin - behavior.down_pods, std::floor(at_begin * (1 - behavior.down_percent / 100)));
    result = std::max(result, std::min<double>(least, replicas));
  }
  const double least = std::max(1U, options_.min);
  const std::uint32_t after =
      whole_replicas(std::clamp(result, least, std::max<double>(least, options_.max)));
  if (after != replicas)
    changes_.push_back({now, static_cast<std::int64_t>(after) - static_cast<std::int64_t>(replicas)});
  return after;
}

}  // namespace forewarm
