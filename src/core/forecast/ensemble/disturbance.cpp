#include "core/forecast/ensemble/disturbance.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr std::size_t kAround = 60;
constexpr std::size_t kNewest = 4;
constexpr std::size_t kExtremes = 30;
constexpr std::size_t kMeasuredMin = 8;
constexpr std::size_t kPastSteps = 128;    // looked at, evenly spread
constexpr std::size_t kReachMax = 20'000;  // back
constexpr double kFloorShare = 0.1;        // of the long mean, on both sides of a ratio

Disturbance raw(const ValueHistory& history, std::size_t origin) {
  std::vector<double> around;
  double newest = 0, newest_count = 0, highest = 0, lowest = 1e15;
  for (std::size_t age = 1; age <= std::min(kAround, origin); ++age) {
    if (!history.measured_at(origin - age)) continue;
    const double value = history[origin - age];
    around.push_back(value);
    if (age > kExtremes) continue;
    highest = std::max(highest, value);
    lowest = std::min(lowest, value);
    if (newest_count >= kNewest) continue;
    newest += value;
    newest_count += 1;
  }
  if (around.size() < kMeasuredMin || newest_count == 0) return {};
  const auto middle = around.begin() + static_cast<std::ptrdiff_t>(around.size() / 2);
  std::nth_element(around.begin(), middle, around.end());
  const double floor = kFloorShare * history.mean(0, origin) + 1e-9;
  const auto ratio = [&](double value) { return log((value + floor) / (*middle + floor)); };
  return {.level = ratio(newest / newest_count), .highest = ratio(highest), .lowest = ratio(lowest)};
}

double rarity(const std::vector<float>& usual, double size) {
  if (usual.empty()) return 0;
  const auto count = static_cast<double>(usual.size());
  const auto at_least = std::lower_bound(usual.begin(), usual.end(), static_cast<float>(size));
  const double share = (static_cast<double>(usual.end() - at_least) + 1) / (count + 1);
  return std::min(2.0, -log(share) / 2.302585);
}

}  // namespace

DisturbanceScale::DisturbanceScale(const ValueHistory& history) {
  const std::size_t n = history.size();
  if (n <= kAround) return;
  const std::size_t reach = std::min(n - kAround, kReachMax);
  const std::size_t count = std::min(kPastSteps, reach);
  for (std::size_t i = 0; i < count; ++i) {
    const Disturbance past = raw(history, n - i * reach / count);
    levels_.push_back(static_cast<float>(std::abs(past.level)));
    extremes_.push_back(static_cast<float>(past.highest - past.lowest));
  }
  std::sort(levels_.begin(), levels_.end());
  std::sort(extremes_.begin(), extremes_.end());
}

Disturbance DisturbanceScale::at(const ValueHistory& history, std::size_t origin) const {
  Disturbance now = raw(history, std::min(origin, history.size()));
  now.rare_level = rarity(levels_, std::abs(now.level));
  now.rare_extremes = rarity(extremes_, now.highest - now.lowest);
  return now;
}

bool DisturbanceScale::is_sound() const {
  for (const std::vector<float>* sizes : {&levels_, &extremes_}) {
    if (sizes->size() > kPastSteps || !std::is_sorted(sizes->begin(), sizes->end())) return false;
    for (const float size : *sizes) {
      if (!std::isfinite(size)) return false;
    }
  }
  return true;
}

}  // namespace forewarm
