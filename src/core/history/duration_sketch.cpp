#include "core/history/duration_sketch.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"
#include "base/math.h"

namespace forewarm {
namespace {

constexpr double kAccuracy =
    0.0195;  // a little under 2 %, for what rounding to microseconds and to float takes
constexpr double kGamma = (1 + kAccuracy) / (1 - kAccuracy);
constexpr double kLogGamma = 0.03900494437810888;  // ln kGamma
constexpr std::size_t kBucketsMax = 1024;          // 40 nats: a microsecond and 3,000 years in one sketch
constexpr std::int32_t kBucketLast = 1200;         // the longest Duration is in 1120
constexpr double kSecondsMax = 1e9;                // of a mean that is restored
constexpr float kWeightMax = 1e9F;                 // of a bucket that is
constexpr double kGrowthMax = 1e18;                // far from the end of float's range

}  // namespace

DurationSketch::DurationSketch(double half_life)
    : growth_rate_(exp(std::numbers::ln2 / std::max(half_life, 1.0))) {
  check(half_life >= 1, "a half-life of one observation or more");
}

void DurationSketch::observe(Duration value) {
  const double microseconds = static_cast<double>(std::max(value, Duration(0)).count());
  const auto growth = static_cast<float>(growth_);
  if (microseconds > 0) {
    bucket(static_cast<std::int32_t>(std::ceil(log(microseconds) / kLogGamma))) += growth;
  } else {
    zeros_ += growth;
  }
  weight_ = weight_ / growth_rate_ + 1;
  sum_seconds_ = sum_seconds_ / growth_rate_ + microseconds * 1e-6;
  ++observed_;
  growth_ *= growth_rate_;
  if (growth_ > kGrowthMax) renormalise();
}

Duration DurationSketch::mean() const {
  return observed_ == 0 ? Duration(0) : from_seconds(sum_seconds_ / weight_);
}

Duration DurationSketch::quantile(double level) const {
  check(level >= 0 && level <= 1, "a level from 0 to 1");
  const double newest = growth_ / growth_rate_;
  const double rank = level * std::max(0.0, weight_ - 1) * newest;
  double below = zeros_;
  if (observed_ == 0 || below > rank) return Duration(0);
  std::size_t found = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    if (buckets_[i] == 0) continue;
    found = i;
    below += buckets_[i];
    if (below > rank) break;
  }
  if (buckets_.empty()) return Duration(0);
  const double upper = exp(kLogGamma * static_cast<double>(first_bucket_ + static_cast<std::int32_t>(found)));
  return from_seconds(2e-6 * upper / (kGamma + 1));
}

double DurationSketch::weight_above(Duration value) const {
  if (observed_ == 0) return 0;
  const double newest = growth_ / growth_rate_;
  double above = value < Duration(0) ? static_cast<double>(zeros_) : 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    const double upper = exp(kLogGamma * static_cast<double>(first_bucket_ + static_cast<std::int32_t>(i)));
    if (2 * upper / (kGamma + 1) > static_cast<double>(value.count()))
      above += static_cast<double>(buckets_[i]);
  }
  return above / newest;
}

SketchMemory DurationSketch::memory() const {
  const double newest = growth_ / growth_rate_;
  SketchMemory memory{.first_bucket = first_bucket_,
                      .buckets = buckets_,
                      .zeros = static_cast<float>(zeros_ / newest),
                      .sum_seconds = sum_seconds_};
  for (float& weight : memory.buckets) weight = static_cast<float>(weight / newest);
  return memory;
}

bool DurationSketch::restore(const SketchMemory& memory, double most) {
  const auto is_weight = [](float weight) { return weight >= 0 && weight <= kWeightMax; };
  const auto count = static_cast<std::int32_t>(std::min(memory.buckets.size(), kBucketsMax + 1));
  const bool possible = observed_ == 0 && memory.buckets.size() <= kBucketsMax && memory.first_bucket >= 0 &&
                        memory.first_bucket <= kBucketLast - count && is_weight(memory.zeros) &&
                        std::ranges::all_of(memory.buckets, is_weight);
  if (!possible) return false;
  double all = memory.zeros;
  for (const float weight : memory.buckets) all += weight;
  if (!(memory.sum_seconds >= 0 && memory.sum_seconds <= all * kSecondsMax)) return false;
  if (all == 0) return true;
  const double kept = std::min(1.0, most / all);
  growth_ = growth_rate_;
  weight_ = all * kept;
  sum_seconds_ = memory.sum_seconds * kept;
  observed_ = static_cast<std::uint64_t>(std::ceil(weight_));
  zeros_ = static_cast<float>(memory.zeros * kept);
  first_bucket_ = memory.first_bucket;
  buckets_ = memory.buckets;
  for (float& weight : buckets_) weight = static_cast<float>(weight * kept);
  return true;
}

float& DurationSketch::bucket(std::int32_t index) {
  if (buckets_.empty()) first_bucket_ = index;
  const std::int32_t last = first_bucket_ + static_cast<std::int32_t>(buckets_.size()) - 1;
  if (index > last) {
    buckets_.resize(static_cast<std::size_t>(index - first_bucket_) + 1);
    if (buckets_.size() > kBucketsMax) {
      const std::size_t excess = buckets_.size() - kBucketsMax;
      for (std::size_t i = 0; i < excess; ++i) buckets_[excess] += buckets_[i];
      buckets_.erase(buckets_.begin(), buckets_.begin() + static_cast<std::ptrdiff_t>(excess));
      first_bucket_ += static_cast<std::int32_t>(excess);
    }
  } else if (index < first_bucket_) {
    const std::size_t room = kBucketsMax - buckets_.size();
    const std::size_t added = std::min(static_cast<std::size_t>(first_bucket_ - index), room);
    buckets_.insert(buckets_.begin(), added, 0.0F);
    first_bucket_ -= static_cast<std::int32_t>(added);
    index = std::max(index, first_bucket_);
  }
  return buckets_[static_cast<std::size_t>(index - first_bucket_)];
}

void DurationSketch::renormalise() {
  const double factor = 1 / growth_;
  for (float& weight : buckets_) weight = static_cast<float>(weight * factor);
  zeros_ = static_cast<float>(zeros_ * factor);
  growth_ = 1;
}

}  // namespace forewarm
