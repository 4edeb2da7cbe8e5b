#include "core/forecast/regressors/signal_lead.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr std::size_t kLeadStepsMax = 4096;  // the newest: enough for correlations of 0.08
constexpr std::size_t kLeadStepsMin = 4 * LeadSearch::kLeadMax;
constexpr std::size_t kWhiteningOrder = 12;
constexpr double kChance = 0.01;      // of finding a lead where there is none, over all signals
constexpr double kConfirming = 2.33;  // deviations that the second half has to show
constexpr double kSeasonCycles = 3;
constexpr double kOutlier = 6;  // deviations at which a value is cut

/// Around zero and without outliers; a value that was not measured is zero. `root` evens counts' noise.
std::vector<double> centred(std::span<const float> values, bool root) {
  std::vector<double> result(values.size());
  double sum = 0, squares = 0, count = 0;
  for (std::size_t t = 0; t < values.size(); ++t) {
    if (!std::isfinite(values[t])) continue;
    const double value = std::clamp(static_cast<double>(values[t]), -1e15, 1e15);
    result[t] = root ? sqrt(std::max(0.0, value)) : value;
    sum += result[t], squares += result[t] * result[t], count += 1;
  }
  if (count == 0) return result;
  const double mean = sum / count;
  const double limit = kOutlier * sqrt(std::max(0.0, squares / count - mean * mean));
  for (std::size_t t = 0; t < values.size(); ++t)
    result[t] = std::isfinite(values[t]) ? std::clamp(result[t] - mean, -limit, limit) : 0;
  return result;
}

void take_out_seasons(std::vector<double>& values, std::span<const std::uint32_t> seasons) {
  for (const std::uint32_t season : seasons) {
    if (season < 2 || kSeasonCycles * season > static_cast<double>(values.size())) continue;
    std::vector<double> sums(season), counts(season);
    for (std::size_t t = 0; t < values.size(); ++t) sums[t % season] += values[t], counts[t % season] += 1;
    for (std::size_t t = 0; t < values.size(); ++t) values[t] -= sums[t % season] / counts[t % season];
  }
}

/// Coefficients of an autoregression (Levinson and Durbin's recursion), empty for a constant.
std::vector<double> autoregression(std::span<const double> values) {
  std::vector<double> covariance(kWhiteningOrder + 1);
  for (std::size_t lag = 0; lag <= kWhiteningOrder && lag < values.size(); ++lag) {
    for (std::size_t t = lag; t < values.size(); ++t) covariance[lag] += values[t] * values[t - lag];
  }
  double error = covariance[0] * (1 + 1e-9);
  std::vector<double> coefficients;
  if (!(error > 0)) return coefficients;
  for (std::size_t order = 1; order <= kWhiteningOrder; ++order) {
    double reflection = covariance[order];
    for (std::size_t i = 0; i < coefficients.size(); ++i)
      reflection -= coefficients[i] * covariance[order - 1 - i];
    reflection /= error;
    std::vector<double> next = coefficients;
    for (std::size_t i = 0; i < coefficients.size(); ++i)
      next[i] -= reflection * coefficients[coefficients.size() - 1 - i];
    next.push_back(reflection);
    coefficients = std::move(next);
    error *= 1 - reflection * reflection;
    if (!(error > 1e-12 * covariance[0])) break;
  }
  return coefficients;
}

std::vector<double> filtered(std::span<const double> values, std::span<const double> coefficients) {
  std::vector<double> result(values.size());
  for (std::size_t t = coefficients.size(); t < values.size(); ++t) {
    double innovation = values[t];
    for (std::size_t i = 0; i < coefficients.size(); ++i) innovation -= coefficients[i] * values[t - 1 - i];
    result[t] = innovation;
  }
  return result;
}

/// Correlation of the signal with what the series does `lead` steps later, over [from, to).
double correlation(std::span<const double> signal, std::span<const double> series, std::size_t lead,
                   std::size_t from, std::size_t to) {
  double product = 0, a = 0, b = 0;
  for (std::size_t t = from + lead; t < to; ++t) {
    product += signal[t - lead] * series[t];
    a += signal[t - lead] * signal[t - lead];
    b += series[t] * series[t];
  }
  return a > 0 && b > 0 ? product / sqrt(a * b) : 0;
}

}  // namespace

LeadSearch::LeadSearch(std::span<const float> values, std::span<const std::uint32_t> seasons)
    : seasons_(seasons.begin(), seasons.end()) {
  if (values.size() < kLeadStepsMin) return;
  std::vector<double> series = centred(values.last(std::min(values.size(), kLeadStepsMax)), true);
  take_out_seasons(series, seasons_);
  filter_ = autoregression(series);
  values_ = filtered(series, filter_);
}

std::optional<SignalLead> LeadSearch::lead_of(std::span<const float> signal, std::size_t tries) const {
  if (values_.empty() || signal.size() < values_.size()) return std::nullopt;
  std::vector<double> driver = centred(signal.last(values_.size()), false);
  take_out_seasons(driver, seasons_);
  driver = filtered(driver, filter_);
  const std::vector<double> whitening = autoregression(driver);
  if (whitening.empty()) return std::nullopt;
  driver = filtered(driver, whitening);
  const std::vector<double> series = filtered(values_, whitening);
  const std::size_t half = series.size() / 2;
  SignalLead best;
  for (std::size_t lead = 1; lead <= kLeadMax; ++lead) {
    const double now = correlation(driver, series, lead, 0, half);
    if (std::abs(now) > std::abs(best.correlation)) best = {.steps = lead, .correlation = now};
  }
  if (best.steps == 0) return std::nullopt;
  const double confirmed = correlation(driver, series, best.steps, half, series.size());
  const double whole = correlation(driver, series, best.steps, 0, series.size());
  const auto steps = static_cast<double>(series.size());
  const double places = static_cast<double>(kLeadMax * std::max<std::size_t>(1, tries));
  const double needed = -normal_quantile(kChance / (2 * places)) / sqrt(steps);
  const bool same_sign = (confirmed > 0) == (best.correlation > 0);
  if (!same_sign || std::abs(confirmed) * sqrt(0.5 * steps) < kConfirming || std::abs(whole) < needed)
    return std::nullopt;
  best.correlation = whole;
  return best;
}

}  // namespace forewarm
