#include "core/route/instance_health.h"

#include "base/math.h"

namespace forewarm {
namespace {

constexpr double kAllowance = 1;
constexpr double kClip = 4;
constexpr double kStepLeast = -kClip - kAllowance;
constexpr double kBinWidth = 0.5;
constexpr float kBinsKept = 511.0F / 512;
constexpr double kCommonKept = 31.0 / 32;
constexpr std::uint32_t kSolveEvery = 256;
constexpr double kLogRuns = 12.2;  ///< of 200,000
constexpr double kRateLeast = 0.3, kRateMost = 1.5;
constexpr double kSlownessNewest = 0.3;

}  // namespace

SurpriseLevel::SurpriseLevel() : threshold_(kLogRuns / kRateMost) {}

double SurpriseLevel::step(const ServiceModel::Surprise& surprise) const {
  return std::clamp(surprise.deviations - std::max(0.0, common_), -kClip, kClip) - kAllowance;
}

void SurpriseLevel::observe(const ServiceModel::Surprise& surprise) {
  const auto bin = static_cast<std::size_t>((step(surprise) - kStepLeast) / kBinWidth);
  for (float& each : bins_) each *= kBinsKept;
  weight_ = weight_ * kBinsKept + 1;
  bins_[std::min(bin, bins_.size() - 1)] += 1;
  common_ = kCommonKept * common_ + (1 - kCommonKept) * std::clamp(surprise.deviations, -kClip, kClip);
  if (++observed_ % kSolveEvery == 0) threshold_ = kLogRuns / solve();
}

/// The rate r of Lundberg's bound, by bisection: E exp(r step) is below 1 up to it and above 1 beyond.
double SurpriseLevel::solve() const {
  double low = kRateLeast, high = kRateMost;
  for (int i = 0; i < 12; ++i) {
    const double rate = (low + high) / 2;
    double sum = 0;
    for (std::size_t b = 0; b < bins_.size(); ++b) {
      if (bins_[b] <= 0) continue;
      sum += static_cast<double>(bins_[b]) *
             exp(rate * (kStepLeast + kBinWidth * (static_cast<double>(b) + 1)));  // its upper end
    }
    (sum < static_cast<double>(weight_) ? low : high) = rate;
  }
  return low;
}

void InstanceHealth::observe(const ServiceModel::Surprise& surprise, const SurpriseLevel& level) {
  const double most = 2 * level.threshold();  // so that it can clear itself
  sum_ = static_cast<float>(std::clamp(static_cast<double>(sum_) + level.step(surprise), 0.0, most));
  log_slowness_ +=
      static_cast<float>(kSlownessNewest * (surprise.log_factor - static_cast<double>(log_slowness_)));
  suspect_ = static_cast<double>(sum_) >= level.threshold();
}

double InstanceHealth::slowness() const {
  return suspect_ ? exp(std::max(0.0, static_cast<double>(log_slowness_))) : 1.0;
}

}  // namespace forewarm
