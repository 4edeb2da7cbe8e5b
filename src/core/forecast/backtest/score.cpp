#include "core/forecast/backtest/score.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/math.h"

namespace forewarm {
namespace {

constexpr std::size_t kMedian = 4;
constexpr std::size_t kScoredLevels[] = {4, 6, 7, 8};  // 50, 90, 95 and 99 %
constexpr double kScaleFloor = 0.1;  // of the mean: an exactly periodic history has no error to scale by
constexpr double kRelativeFloor = 0.005;
static_assert(kForecastLevels[kMedian] == 0.5);

struct Known {
  double mean = 0;   ///< |y|, at least one in the whole history
  double scale = 0;  ///< seasonal naive's mean absolute error
  bool counts = true;
};

Known known_of(std::span<const float> history, std::uint32_t season) {
  Known known;
  double sum = 0, count = 0, errors = 0, pairs = 0;
  for (std::size_t t = 0; t < history.size(); ++t) {
    if (!std::isfinite(history[t])) continue;
    const double value = static_cast<double>(history[t]);
    sum += std::abs(value);
    ++count;
    known.counts = known.counts && value == std::floor(value);
    if (t < season || !std::isfinite(history[t - season])) continue;
    errors += std::abs(value - static_cast<double>(history[t - season]));
    ++pairs;
  }
  known.mean = std::max(count > 0 ? sum / count : 0, 1 / std::max(count, 1.0));
  known.scale = std::max(pairs > 0 ? errors / pairs : 0, kScaleFloor * known.mean);
  return known;
}

/// To the nearest whole number, halves to the even one.
double whole(double value) {
  const double up = std::floor(value + 0.5);
  const bool half = up - value == 0.5;
  return half && std::floor(up / 2) * 2 != up ? up - 1 : up;
}

/// The level that a forecast's row gives to `value`: linear between its
/// quantiles, each half of a tail as a step. Of equal quantiles the lowest
/// level, or the highest.
double level_of(const Forecast& forecast, std::size_t row, double value, bool highest) {
  std::size_t above = 0;  // the first level whose quantile lies beyond the value
  while (above < kForecastLevelCount) {
    const double quantile = static_cast<double>(forecast.at(row, above));
    if (highest ? quantile > value : quantile >= value) break;
    ++above;
  }
  if (above == 0) return highest ? kForecastLevels[0] / 2 : 0;
  if (above == kForecastLevelCount) return highest ? 1 : (1 + kForecastLevels[above - 1]) / 2;
  const double low = static_cast<double>(forecast.at(row, above - 1));
  const double high = static_cast<double>(forecast.at(row, above));
  const double share = high > low ? (value - low) / (high - low) : 0;
  return kForecastLevels[above - 1] + share * (kForecastLevels[above] - kForecastLevels[above - 1]);
}

}  // namespace

ScoreSums::ScoreSums(std::uint32_t season) : season_(season) {
  check(season >= 1, "a season of at least one step");
}

void ScoreSums::add(const Forecast& forecast, const Origin& origin) {
  check(forecast.horizon() == origin.came.size(), "a row for each step that came");
  fits_ += origin.fits;
  stand_ins_ += origin.stand_ins;
  cpu_seconds_ += origin.fit_cpu_seconds;

  const Known known = known_of(origin.history, season_);
  LevelValues pinball{};
  double errors = 0, symmetric = 0, came = 0, steps = 0;
  for (std::size_t h = 0; h < origin.came.size(); ++h) {
    if (!std::isfinite(origin.came[h])) continue;
    const double value = static_cast<double>(origin.came[h]);
    const double median = static_cast<double>(forecast.at(h, kMedian));
    const double size = std::abs(value) + std::abs(median);
    errors += std::abs(value - median);
    symmetric += size > 0 ? 200 * std::abs(value - median) / size : 0;
    came += std::abs(value);
    ++steps;
    for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
      pinball[level] +=
          pinball_loss(value, static_cast<double>(forecast.at(h, level)), kForecastLevels[level]);
    }
    add_pit(forecast, h, value, known.counts);
  }
  if (steps == 0) {
    losses_.push_back(std::numeric_limits<double>::quiet_NaN());
    return;
  }
  ++origins_;
  steps_ += static_cast<std::size_t>(steps);
  smape_ += symmetric / steps;
  mase_ += errors / steps / known.scale;
  came_ += came;
  expected_ += 0.5 * steps * known.mean;
  double loss = 0;
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    pinball_[level] += pinball[level];
    loss += pinball[level];
  }
  losses_.push_back(loss / steps / kForecastLevelCount);
  add_cover(forecast, origin.came, known.counts);
}

void ScoreSums::Cover::add(const Forecast& forecast, std::size_t row, double value, bool counts) {
  ++count;
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    const double quantile = static_cast<double>(forecast.at(row, level));
    const double rounded = counts ? whole(quantile) : quantile;
    upto[level] += value <= quantile ? 1 : 0;
    below_whole[level] += value < rounded ? 1 : 0;
    upto_whole[level] += value <= rounded ? 1 : 0;
  }
}

void ScoreSums::Cover::add_mean(const Cover& part) {
  if (part.count == 0) return;
  ++count;
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    upto[level] += part.upto[level] / part.count;
    below_whole[level] += part.below_whole[level] / part.count;
    upto_whole[level] += part.upto_whole[level] / part.count;
  }
}

double ScoreSums::Cover::miss(std::size_t level) const {
  if (count == 0) return 0;
  const double wanted = kForecastLevels[level];
  return std::max(0.0, below_whole[level] / count - wanted) +
         std::min(0.0, upto_whole[level] / count - wanted);
}

double ScoreSums::Cover::calibration_error() const {
  double sum = 0;
  for (const std::size_t level : kScoredLevels) sum += std::abs(miss(level));
  return 100 * sum / static_cast<double>(std::size(kScoredLevels));
}

void ScoreSums::add_cover(const Forecast& forecast, std::span<const float> came, bool counts) {
  Covers origin{};
  for (std::size_t h = 0; h < came.size(); ++h) {
    if (!std::isfinite(came[h])) continue;
    for (const std::size_t part : {h * ForecastScore::kThirds / came.size(), ForecastScore::kThirds})
      origin[part].add(forecast, h, static_cast<double>(came[h]), counts);
  }
  for (std::size_t part = 0; part < covers_.size(); ++part) covers_[part].add_mean(origin[part]);
}

void ScoreSums::add_pit(const Forecast& forecast, std::size_t row, double value, bool counts) {
  // A quantile of counts means the nearest whole number, so a count owns what
  // lies within a half of it.
  const double reach = counts ? 0.5 : 0;
  const double low = level_of(forecast, row, value - reach, false);
  const double high = std::max(low, level_of(forecast, row, value + reach, true));
  constexpr double kBins = ForecastScore::kPitBins;
  for (std::size_t bin = 0; bin < ForecastScore::kPitBins; ++bin) {
    const double from = static_cast<double>(bin) / kBins, to = static_cast<double>(bin + 1) / kBins;
    if (high > low) {
      pit_[bin] += std::max(0.0, std::min(high, to) - std::max(low, from)) / (high - low);
    } else if (low >= from && (low < to || bin + 1 == ForecastScore::kPitBins)) {
      pit_[bin] += 1;
    }
  }
}

double ScoreSums::denominator() const {
  return std::max(came_, expected_);
}

double ScoreSums::wql_mean() const {
  double sum = 0;
  for (const double loss : pinball_) sum += 2 * loss / denominator();
  return sum / kForecastLevelCount;
}

void ScoreSums::add_to(ForecastScore& score, Covers& covers) const {
  ++score.series;
  score.origins += origins_;
  score.steps += steps_;
  const auto origins = static_cast<double>(origins_);
  score.smape += smape_ / origins;
  score.mase += mase_ / origins;
  for (std::size_t level = 0; level < kForecastLevelCount; ++level)
    score.wql[level] += 2 * pinball_[level] / denominator();
  score.wql_mean += wql_mean();
  for (std::size_t part = 0; part < covers.size(); ++part) covers[part].add_mean(covers_[part]);
  for (std::size_t bin = 0; bin < ForecastScore::kPitBins; ++bin)
    score.pit[bin] += ForecastScore::kPitBins * pit_[bin] / static_cast<double>(steps_);
}

ForecastScore score_of(std::span<const ScoreSums> series, std::span<const ScoreSums> yardstick) {
  check(yardstick.empty() || yardstick.size() == series.size(), "the yardstick has the same series");
  ForecastScore score;
  ScoreSums::Covers covers{};
  double logs = 0, cpu_seconds = 0;
  for (std::size_t i = 0; i < series.size(); ++i) {
    score.fits += series[i].fits_;
    score.stand_ins += series[i].stand_ins_;
    cpu_seconds += series[i].cpu_seconds_;
    if (series[i].origins_ == 0) continue;
    series[i].add_to(score, covers);
    if (!yardstick.empty())
      logs += log((series[i].wql_mean() + kRelativeFloor) / (yardstick[i].wql_mean() + kRelativeFloor));
  }
  if (score.fits > 0) score.cpu_seconds_per_fit = cpu_seconds / static_cast<double>(score.fits);
  if (score.series == 0) return score;

  const auto count = static_cast<double>(score.series);
  for (double* sum : {&score.smape, &score.mase, &score.wql_mean}) *sum /= count;
  for (double& loss : score.wql) loss /= count;
  for (double& density : score.pit) density /= count;
  if (!yardstick.empty()) score.relative = exp(logs / count);
  const auto shares = [](const ScoreSums::Cover& cover) {
    LevelValues share{};
    for (std::size_t level = 0; level < kForecastLevelCount; ++level)
      share[level] = cover.count > 0 ? cover.upto[level] / cover.count : 0;
    return share;
  };
  for (std::size_t part = 0; part < ForecastScore::kThirds; ++part) {
    score.coverage_thirds[part] = shares(covers[part]);
    score.calibration_error_thirds[part] = covers[part].calibration_error();
    for (std::size_t level = 0; level < kForecastLevelCount; ++level)
      score.miss_thirds[part][level] = covers[part].miss(level);
  }
  score.coverage = shares(covers.back());
  score.calibration_error = covers.back().calibration_error();
  return score;
}

}  // namespace forewarm
