#include "core/forecast/seasons.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/math.h"
#include "core/forecast/autocorrelation.h"

namespace forewarm {
namespace {

constexpr std::size_t kSeasonsMax = 3;
constexpr std::size_t kStepsMin = 24;
constexpr double kCyclesMin = 2.5;
// One of 3,000 independent normal draws exceeds 4 standard deviations in 9 of 100 series; the same again at
// twice the lag, which is asked for too, in less than 1.
constexpr double kDeviations = 4;
constexpr double kSharePersisting = 0.5;
constexpr double kShareOfBest = 0.4;  // below it a shorter peak is a pattern inside a longer period
constexpr double kRoundingShare = 0.02;

/// Values whose noise is even (square root of counts), without gaps (the mean in them), trend and mean.
struct Prepared {
  std::vector<double> values;
  std::vector<double> measured;  ///< 1 or 0
  double count = 0;
};

Prepared prepare(std::span<const float> values) {
  Prepared p;
  p.values.resize(values.size());
  p.measured.resize(values.size());
  double sum = 0, sum_t = 0, sum_tt = 0, sum_ty = 0;
  for (std::size_t t = 0; t < values.size(); ++t) {
    if (!std::isfinite(values[t])) continue;
    const double at = static_cast<double>(t);
    p.values[t] = sqrt(std::clamp(static_cast<double>(values[t]), 0.0, 1e15));
    p.measured[t] = 1;
    p.count += 1;
    sum += p.values[t];
    sum_t += at;
    sum_tt += at * at;
    sum_ty += at * p.values[t];
  }
  if (p.count < 2) return p;
  const double spread = sum_tt - sum_t * sum_t / p.count;
  const double slope = spread > 0 ? (sum_ty - sum_t * sum / p.count) / spread : 0;
  const double level = (sum - slope * sum_t) / p.count;
  for (std::size_t t = 0; t < values.size(); ++t) {
    p.values[t] = p.measured[t] == 0 ? 0 : p.values[t] - level - slope * static_cast<double>(t);
  }
  return p;
}

/// At each lag, how many pairs of values were both measured.
std::vector<double> measured_pairs(const Prepared& p, std::size_t lag_max) {
  if (p.count < static_cast<double>(p.measured.size())) return autocorrelation_sums(p.measured, lag_max);
  std::vector<double> pairs(lag_max + 1);
  for (std::size_t lag = 0; lag <= lag_max; ++lag) pairs[lag] = p.count - static_cast<double>(lag);
  return pairs;
}

double sum_of_squares(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return sum;
}

/// Autocorrelation at each lag over the pairs that were both measured.
std::vector<double> autocorrelation(const Prepared& p, const std::vector<double>& pairs) {
  std::vector<double> r = autocorrelation_sums(p.values, pairs.size() - 1);
  const double variance = r[0] / p.count;
  for (std::size_t lag = 0; lag < r.size(); ++lag)
    r[lag] = pairs[lag] < 8 ? 0 : r[lag] / pairs[lag] / variance;
  return r;
}

/// Autocorrelation as it would be if the series had been freed of all that moves slower than a given lag,
/// found from the autocorrelation itself: a timer's short period shows under a daily wave, and a slow wave or
/// a wandering level has no short period.
class Correlogram {
 public:
  Correlogram(std::vector<double> r, std::span<const double> pairs) : r_(std::move(r)), pairs_(pairs) {
    prefix_.resize(r_.size() + 1);
    for (std::size_t lag = 0; lag < r_.size(); ++lag) prefix_[lag + 1] = prefix_[lag] + r_[lag];
  }

  /// At `lag`, without what is slower than `scale`.
  double at(std::size_t lag, std::size_t scale) const {
    return (r_[lag] - mean(lag - scale / 2, lag + scale / 2)) / quick_share(scale);
  }

  /// Standard deviation of at(lag, lag) where there is no season (Bartlett 1946: correlated noise widens it).
  double deviation(std::size_t lag) const {
    const double slow = mean_around_zero(lag);
    const double quick = quick_share(lag);
    double squares = 0;
    for (std::size_t i = 1; i <= lag / 8; ++i) squares += (r_[i] - slow) * (r_[i] - slow);
    return sqrt((1 + 2 * squares / (quick * quick)) / std::max(8.0, pairs_[lag]));
  }

  bool is_peak(std::size_t lag) const {
    const std::size_t reach = std::max<std::size_t>(1, lag / 16);
    for (std::size_t i = lag - reach; i <= lag + reach && i < r_.size(); ++i) {
      if (r_[i] > r_[lag]) return false;
    }
    return true;
  }

  /// People and clocks use round periods: the lag near `lag` with the most divisors that correlates as well.
  std::size_t rounded(std::size_t lag) const {
    const auto reach = static_cast<std::size_t>(kRoundingShare * static_cast<double>(lag));
    const double enough = r_[lag] - quick_share(lag) / sqrt(std::max(8.0, pairs_[lag]));
    std::size_t best = lag;
    for (std::size_t i = lag - reach; i <= lag + reach && i < r_.size(); ++i) {
      if (r_[i] >= enough && divisors(i) > divisors(best)) best = i;
    }
    return best;
  }

 private:
  static std::size_t divisors(std::size_t number) {
    std::size_t count = 0;
    for (std::size_t i = 1; i * i <= number; ++i) count += number % i != 0 ? 0U : i * i == number ? 1U : 2U;
    return count;
  }
  double mean(std::size_t from, std::size_t to) const {
    to = std::min(to, r_.size() - 1);
    return (prefix_[to + 1] - prefix_[from]) / static_cast<double>(to + 1 - from);
  }
  double mean_around_zero(std::size_t scale) const {
    const std::size_t reach = scale / 2;
    return (2 * prefix_[reach + 1] - r_[0]) / static_cast<double>(2 * reach + 1);
  }
  double quick_share(std::size_t scale) const { return std::max(1e-6, 1 - mean_around_zero(scale)); }

  std::vector<double> r_;
  std::span<const double> pairs_;
  std::vector<double> prefix_;
};

/// Standard deviation of the correlation at `lag` when few values carry most of the variance, as after a
/// timer's period has been removed and only its own noise is left (White 1980: products weigh by their own
/// size).
double uneven_deviation(const std::vector<double>& values, std::size_t lag) {
  double square = 0, product = 0;
  for (std::size_t t = 0; t < values.size(); ++t) {
    const double now = values[t] * values[t];
    square += now;
    if (t >= lag) product += now * values[t - lag] * values[t - lag];
  }
  return square > 0 ? sqrt(product) / square : 1;
}

/// The shortest period that stands out of the noise and is not much weaker than the strongest, or 0.
std::size_t shortest_period(const Correlogram& correlogram, const std::vector<double>& values,
                            std::size_t lag_max) {
  struct Peak {
    std::size_t lag;
    double height;
  };
  std::vector<Peak> peaks;
  double best = 0;
  for (std::size_t lag = 2; lag <= lag_max; ++lag) {
    if (!correlogram.is_peak(lag)) continue;
    const double height = correlogram.at(lag, lag);
    if (height <= 0 || height < kDeviations * correlogram.deviation(lag)) continue;
    if (correlogram.at(2 * lag, lag) < kSharePersisting * height) continue;
    peaks.push_back({lag, height});
    best = std::max(best, height);
  }
  for (const Peak& peak : peaks) {
    if (peak.height < kShareOfBest * best) continue;
    if (peak.height < kDeviations * uneven_deviation(values, peak.lag)) continue;
    return correlogram.rounded(peak.lag);
  }
  return 0;
}

void remove_season(Prepared& p, std::size_t period) {
  std::vector<double> sums(period), counts(period);
  for (std::size_t t = 0; t < p.values.size(); ++t) {
    sums[t % period] += p.values[t];
    counts[t % period] += p.measured[t];
  }
  for (std::size_t t = 0; t < p.values.size(); ++t) {
    if (p.measured[t] != 0) p.values[t] -= sums[t % period] / counts[t % period];
  }
}

}  // namespace

std::vector<std::uint32_t> find_seasons(std::span<const float> values) {
  std::vector<std::uint32_t> seasons;
  Prepared p = prepare(values);
  if (p.count < kStepsMin || p.count * 2 < static_cast<double>(values.size())) return seasons;
  const auto lag_max = static_cast<std::size_t>(static_cast<double>(values.size()) / kCyclesMin);
  const std::size_t reach = std::min(values.size() - 1, 2 * lag_max + lag_max / 8);
  const std::vector<double> pairs = measured_pairs(p, reach);
  const double squares = sum_of_squares(p.values);
  while (seasons.size() < kSeasonsMax) {
    const double left = sum_of_squares(p.values);
    if (left <= 1e-9 * p.count || left < 1e-3 * squares) break;  // constant, or nothing left to explain
    const std::size_t period =
        shortest_period(Correlogram(autocorrelation(p, pairs), pairs), p.values, lag_max);
    if (period == 0) break;
    remove_season(p, period);
    seasons.push_back(static_cast<std::uint32_t>(period));
  }
  std::sort(seasons.begin(), seasons.end());
  seasons.erase(std::unique(seasons.begin(), seasons.end()), seasons.end());
  return seasons;
}

}  // namespace forewarm
