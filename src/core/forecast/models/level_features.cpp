#include "core/forecast/models/level_features.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr std::uint32_t kSeasonMin = 4;

}  // namespace

void LevelFeatures::assign(const ValueHistory& history, std::span<const std::uint32_t> seasons) {
  floor_ = 0.05 * history.mean(0, history.size()) + 0.05;
  seasons_.clear();
  for (const std::uint32_t season : seasons) {
    if (season >= kSeasonMin && 2 * std::size_t{season} <= history.size()) seasons_.push_back(season);
  }
  // The longest ones: what repeats within an hour is the business of the exact models.
  if (seasons_.size() > kSeasonsMax) seasons_.erase(seasons_.begin(), seasons_.end() - kSeasonsMax);
}

bool LevelFeatures::is_sound() const {
  if (!(floor_ > 0 && std::isfinite(floor_)) || seasons_.size() > kSeasonsMax) return false;
  return std::all_of(seasons_.begin(), seasons_.end(), [](std::uint32_t season) {
    return season >= kSeasonMin && season <= ValueHistory::kStoredMax;
  });
}

double LevelFeatures::to_log(double value) const {
  return log(value + floor_);
}

double LevelFeatures::from_log(double value) const {
  return exp(std::min(value, 80.0)) - floor_;
}

double LevelFeatures::level(const ValueHistory& history, std::size_t origin, std::size_t window) const {
  return to_log(history.mean(origin - std::min(origin, kWindows[window]), origin));
}

double LevelFeatures::season_level(const ValueHistory& history, std::size_t season, std::size_t origin,
                                   std::size_t target) const {
  const std::size_t period = seasons_[season];
  const std::size_t reach = std::max<std::size_t>(1, period / 96);
  double sum = 0, weights = 0, weight = 1;
  const std::size_t first = target < origin ? 1 : (target - origin) / period + 1;
  for (std::size_t cycle = first; cycle < first + 5 && cycle * period <= target; ++cycle) {
    const std::size_t at = target - cycle * period;
    const std::size_t from = at - std::min(at, reach);
    const std::size_t to = std::min(at + reach + 1, origin);
    if (from >= to) continue;
    sum += weight * history.mean(from, to);
    weights += weight;
    weight *= 0.8;
  }
  return weights > 0 ? to_log(sum / weights) : to_log(history.mean(0, origin));
}

}  // namespace forewarm
