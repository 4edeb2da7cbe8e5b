#include "sim/baselines/faascache.h"

#include <algorithm>
#include <utility>

#include "sim/baselines/rule.h"

namespace forewarm {
namespace {

constexpr Duration kForever = 24h * 365;
constexpr double kMebibyte = 1 << 20;

class FaasCacheScaler final : public Scaler {
 public:
  FaasCacheScaler(const FaasCacheOptions& options, std::shared_ptr<FaasCacheClock> clock)
      : options_(options), clock_(std::move(clock)) {}

  ScalingPlan plan(const ScalingInputs& inputs) override {
    cost_ = seconds(inputs.start_time.mean) * 1e3;
    ScalingPlan plan = rule_plan(inputs, inputs.step, 0);
    plan.keep_idle = kForever;
    return plan;
  }

  std::uint32_t start_now(const ScalingInputs& inputs) override {
    cost_ = seconds(inputs.start_time.mean) * 1e3;
    return start_one_each(inputs, options_.max);
  }

  /// All instances of a function have the priority of its last use.
  void observe_start(TimePoint, Duration) override {
    ++uses_;
    used_at_ = clock_->priority;
    earned_ = static_cast<double>(uses_) * cost_;
  }

  /// What is short is memory: the machine divides by it again.
  double idle_value(const IdleInstance& instance) const override {
    return priority(instance) * static_cast<double>(instance.memory_bytes);
  }

  void observe_eviction(const IdleInstance& instance) override {
    clock_->priority = priority(instance);
    uses_ -= std::min<std::uint64_t>(uses_, instance.runs);
  }

 private:
  double priority(const IdleInstance& instance) const {
    return used_at_ +
           earned_ * kMebibyte / static_cast<double>(std::max<std::uint64_t>(1, instance.memory_bytes));
  }

  FaasCacheOptions options_;
  std::shared_ptr<FaasCacheClock> clock_;
  double cost_ = 0;
  std::uint64_t uses_ = 0;  ///< of the instances that are there
  double used_at_ = 0, earned_ = 0;
};

}  // namespace

std::unique_ptr<Scaler> make_faascache_scaler(const FaasCacheOptions& options,
                                              std::shared_ptr<FaasCacheClock> clock) {
  return std::make_unique<FaasCacheScaler>(options, std::move(clock));
}

}  // namespace forewarm
