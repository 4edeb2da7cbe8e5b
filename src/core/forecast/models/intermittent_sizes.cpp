#include "core/forecast/models/intermittent_sizes.h"

#include <algorithm>

#include "base/check.h"

namespace forewarm {
namespace {

constexpr std::size_t kCyclesBackMax = 48;
constexpr double kCycleKeep = 0.95;

}  // namespace

SizeSample::SizeSample(std::vector<WeightedValue> sizes) : points_(std::move(sizes)) {
  check(!points_.empty(), "a sample of sizes");
  std::sort(points_.begin(), points_.end(), [](const WeightedValue& a, const WeightedValue& b) {
    return a.value != b.value ? a.value < b.value : a.weight < b.weight;
  });
  double total = 0;
  for (const WeightedValue& point : points_) total += point.weight;
  double before = 0;
  for (WeightedValue& point : points_) {
    const double weight = point.weight / total;
    point.weight = before + weight / 2;
    before += weight;
  }
}

LevelValues SizeSample::compound(double probability) const {
  LevelValues row{};
  std::size_t i = 0;
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    const double above = kForecastLevels[level] - (1 - probability);
    if (above <= 0) continue;
    const double share = above / probability;
    while (i < points_.size() && points_[i].weight < share) ++i;
    if (i == 0) {
      row[level] = points_.front().value;
    } else if (i == points_.size()) {
      row[level] = points_.back().value;
    } else {
      const WeightedValue& low = points_[i - 1];
      const WeightedValue& high = points_[i];
      row[level] = low.value + (share - low.weight) / (high.weight - low.weight) * (high.value - low.value);
    }
  }
  return row;
}

void RecentSizes::push(double size) {
  if (sizes_.size() == kKept) sizes_.erase(sizes_.begin());
  sizes_.push_back(size);
}

void RecentSizes::add(double keep, std::size_t most, double weight,
                      std::vector<WeightedValue>& sample) const {
  const std::size_t count = std::min(most, sizes_.size());
  for (std::size_t age = 0; age < count; ++age) {
    sample.push_back({sizes_[sizes_.size() - 1 - age], weight});
    weight *= keep;
  }
}

bool RecentSizes::is_sound() const {
  return sizes_.size() <= kKept &&
         std::all_of(sizes_.begin(), sizes_.end(), [](double size) { return size >= 0 && size <= 1e15; });
}

std::size_t add_phase_sizes(const ValueHistory& history, std::uint32_t period, std::size_t origin,
                            std::size_t target, std::size_t most, std::vector<WeightedValue>& sample) {
  std::size_t found = 0;
  double weight = 1;
  const std::size_t first = (target - origin) / period + 1;
  for (std::size_t cycle = first; cycle < first + kCyclesBackMax && cycle * period <= target; ++cycle) {
    const std::size_t at = target - cycle * period;
    if (history.measured_at(at) && history[at] > 0) {
      sample.push_back({history[at], weight});
      if (++found == most) break;
    }
    weight *= kCycleKeep;
  }
  return found;
}

}  // namespace forewarm
