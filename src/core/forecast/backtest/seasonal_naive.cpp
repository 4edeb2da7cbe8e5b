#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "core/forecast/backtest/rolling_origin.h"

namespace forewarm {
namespace {

/// Quantiles at the forecast's levels, linear between order statistics (definition 7 of Hyndman and Fan
/// 1996); zeros for an empty sample. Reorders the sample.
LevelValues sample_quantiles(std::vector<double>& sample) {
  LevelValues result{};
  if (sample.empty()) return result;
  auto from = sample.begin();  // what lies before is in its place and not above what follows
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    const double place = kForecastLevels[level] * static_cast<double>(sample.size() - 1);
    const auto below = static_cast<std::ptrdiff_t>(place);
    const auto lower = sample.begin() + below;
    if (lower >= from) {
      std::nth_element(from, lower, sample.end());
      from = lower;
    }
    const auto upper = lower + 1 == sample.end() ? lower : std::min_element(lower + 1, sample.end());
    result[level] = *lower + (place - static_cast<double>(below)) * (*upper - *lower);
  }
  return result;
}

double measured_mean(std::span<const float> values) {
  double sum = 0, count = 0;
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    sum += static_cast<double>(value);
    ++count;
  }
  return count > 0 ? sum / count : 0;
}

}  // namespace

std::vector<LevelValues> seasonal_naive(std::span<const float> values, std::uint32_t season,
                                        std::size_t horizon) {
  check(season >= 1, "a season of at least one step");
  std::vector<LevelValues> rows;
  std::vector<double> errors;
  LevelValues spread{};
  std::size_t lag = 0;
  for (std::size_t lead = 1; lead <= horizon; ++lead) {
    const std::size_t needed = (lead + season - 1) / season * season;  // the last whole season that is known
    if (needed != lag) {
      lag = needed;
      errors.clear();
      for (std::size_t t = lag; t < values.size(); ++t) {
        if (std::isfinite(values[t]) && std::isfinite(values[t - lag]))
          errors.push_back(static_cast<double>(values[t]) - static_cast<double>(values[t - lag]));
      }
      spread = sample_quantiles(errors);
    }
    auto past = static_cast<std::ptrdiff_t>(values.size() + lead) - 1 - static_cast<std::ptrdiff_t>(lag);
    while (past >= 0 && !std::isfinite(values[static_cast<std::size_t>(past)])) past -= season;
    const double base =
        past >= 0 ? static_cast<double>(values[static_cast<std::size_t>(past)]) : measured_mean(values);
    LevelValues row{};
    for (std::size_t level = 0; level < kForecastLevelCount; ++level) row[level] = base + spread[level];
    rows.push_back(row);
  }
  return rows;
}

}  // namespace forewarm
