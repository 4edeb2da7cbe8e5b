#include "core/forecast/models/arima_order.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace forewarm {
namespace {

// nsdiffs() of R's forecast has 0.64 for a season that may change within the series, which explains more.
constexpr double kSeasonalStrengthMin = 0.5;
constexpr int kSearchSteps = 5;  // of Gauss-Newton, from the best order so far
constexpr double kKpssCritical = 0.463;

double variance_of(std::span<const double> values) {
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  const double mean = sum / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  return squares / static_cast<double>(values.size());
}

std::vector<double> measured_only(std::span<const double> values) {
  std::vector<double> measured;
  for (const double value : values) {
    if (value == value) measured.push_back(value);
  }
  return measured;
}

/// Stepwise search over orders with the same differences.
class OrderSearch {
 public:
  OrderSearch(std::span<const double> values, const ArimaOrder& differences, const ArimaSearch& search)
      : series_(values, differences), base_(differences), search_(search) {
    const std::size_t n = series_.differenced().size();
    near_max_ = static_cast<int>(std::min<std::size_t>(ArimaOrder::kLagsMax, n / 3));
    if (base_.period > 1) near_max_ = std::min(near_max_, static_cast<int>(base_.period) - 1);
    const std::size_t cycles = base_.period > 1 ? n / base_.period : 0;
    far_max_ = static_cast<int>(std::min<std::size_t>(ArimaOrder::kSeasonalLagsMax, cycles / 3));
    constant_allowed_ = base_.differences + base_.seasonal_differences < 2;
  }

  ArimaFit best() {
    for (const int near : {2, 0}) try_order(near, near, 1, 1, constant_allowed_);
    try_order(1, 0, 1, 0, constant_allowed_);
    try_order(0, 1, 0, 1, constant_allowed_);
    if (constant_allowed_) try_order(0, 0, 0, 0, false);
    for (bool better = true; better;) {
      const ArimaOrder centre = leader().order;
      better = false;
      for (const auto& [ar, ma, far_ar, far_ma, toggled] : kNeighbours) {
        if (toggled && !constant_allowed_) continue;
        if (!try_order(centre.ar + ar, centre.ma + ma, centre.seasonal_ar + far_ar,
                       centre.seasonal_ma + far_ma, centre.constant != toggled)) {
          continue;
        }
        if (leader().order != centre) {
          better = true;
          break;
        }
      }
    }
    return final_choice();
  }

 private:
  struct Move {
    int ar, ma, seasonal_ar, seasonal_ma;
    bool constant_toggled;
  };
  static constexpr Move kNeighbours[] = {
      {0, 0, -1, 0, false},  {0, 0, 0, -1, false}, {0, 0, 1, 0, false},   {0, 0, 0, 1, false},
      {0, 0, -1, -1, false}, {0, 0, 1, 1, false},  {-1, 0, 0, 0, false},  {0, -1, 0, 0, false},
      {1, 0, 0, 0, false},   {0, 1, 0, 0, false},  {-1, -1, 0, 0, false}, {1, 1, 0, 0, false},
      {1, -1, 0, 0, false},  {-1, 1, 0, 0, false}, {0, 0, 0, 0, true},
  };

  const ArimaFit& leader() const { return fits_.front(); }

  /// False when the order is out of bounds, was tried, or there is no time left.
  bool try_order(int ar, int ma, int seasonal_ar, int seasonal_ma, bool constant) {
    if (fits_.empty() || fits_.size() < search_.orders_max) {
      if (std::min({ar, ma, seasonal_ar, seasonal_ma}) < 0) return false;
      if (fits_.empty() || fits_.size() < 4) {  // the four to begin with are made to fit
        ar = std::min(ar, near_max_), ma = std::min(ma, near_max_);
        seasonal_ar = std::min(seasonal_ar, far_max_), seasonal_ma = std::min(seasonal_ma, far_max_);
      }
      if (std::max(ar, ma) > near_max_ || std::max(seasonal_ar, seasonal_ma) > far_max_) return false;
    } else {
      return false;
    }
    ArimaOrder order = base_;
    order.ar = static_cast<std::uint8_t>(ar);
    order.ma = static_cast<std::uint8_t>(ma);
    order.seasonal_ar = static_cast<std::uint8_t>(seasonal_ar);
    order.seasonal_ma = static_cast<std::uint8_t>(seasonal_ma);
    order.constant = constant;
    const auto same = [&](const ArimaFit& fit) { return fit.order == order; };
    if (std::any_of(fits_.begin(), fits_.end(), same)) return false;
    ArimaFit fit = fit_conditional(series_, order, fits_.size() < 4 ? nullptr : &leader(), kSearchSteps);
    const auto place = std::find_if(fits_.begin(), fits_.end(),
                                    [&](const ArimaFit& other) { return fit.aicc < other.aicc; });
    fits_.insert(place, std::move(fit));
    return true;
  }

  ArimaFit final_choice() const {
    ArimaFit best = leader();
    bool exact = false;
    for (std::size_t i = 0; i < std::min(search_.finalists, fits_.size()); ++i) {
      if (likelihood_cost(series_, fits_[i].order) > search_.likelihood_cost_max) continue;
      ArimaFit fit = fit_likelihood(series_, fits_[i]);
      if (!exact || fit.aicc < best.aicc) best = std::move(fit);
      exact = true;
    }
    return best;
  }

  ArimaSeries series_;
  ArimaOrder base_;
  ArimaSearch search_;
  int near_max_ = 0, far_max_ = 0;
  bool constant_allowed_ = false;
  std::vector<ArimaFit> fits_;  ///< best first
};

}  // namespace

double seasonal_strength(std::span<const double> values, std::size_t period) {
  const std::size_t n = values.size();
  if (period < 2 || n < 2 * period + 1) return 0;
  std::vector<double> sums(n + 1);
  for (std::size_t t = 0; t < n; ++t) sums[t + 1] = sums[t] + values[t];
  // The window of an even period has half a step at each end.
  const std::size_t half = period / 2;
  std::vector<double> detrended;
  for (std::size_t t = half; t + half < n; ++t) {
    double total = sums[t + half + 1] - sums[t - half];
    if (period % 2 == 0) total -= 0.5 * (values[t - half] + values[t + half]);
    detrended.push_back(values[t] - total / static_cast<double>(period));
  }
  std::vector<double> means(period), counts(period);
  for (std::size_t t = 0; t < detrended.size(); ++t) {
    means[t % period] += detrended[t];
    counts[t % period] += 1;
  }
  std::vector<double> rest = detrended;
  for (std::size_t t = 0; t < rest.size(); ++t) rest[t] -= means[t % period] / counts[t % period];
  const double whole = variance_of(detrended);
  return whole > 0 ? std::max(0.0, 1 - variance_of(rest) / whole) : 0;
}

double kpss_statistic(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  if (values.size() < 4) return 0;
  double mean = 0;
  for (const double value : values) mean += value / n;
  double partial = 0, squares = 0, variance = 0;
  for (const double value : values) {
    partial += value - mean;
    squares += partial * partial;
    variance += (value - mean) * (value - mean);
  }
  const auto lags = static_cast<std::size_t>(3 * __builtin_sqrt(n) / 13);
  double long_run = variance;
  for (std::size_t lag = 1; lag <= lags; ++lag) {
    double sum = 0;
    for (std::size_t t = lag; t < values.size(); ++t) sum += (values[t] - mean) * (values[t - lag] - mean);
    long_run += 2 * (1 - static_cast<double>(lag) / static_cast<double>(lags + 1)) * sum;
  }
  return long_run > 0 ? squares / (n * long_run) : 0;
}

ArimaOrder differences_of(std::span<const double> values, const ArimaSearch& search) {
  ArimaOrder order{.period = std::max<std::uint32_t>(1, search.period)};
  if (order.period > 1 && values.size() >= 3 * std::size_t{order.period}) {
    const ArimaSeries whole(values, order);
    order.seasonal_differences =
        seasonal_strength(whole.filled(), order.period) > kSeasonalStrengthMin ? 1 : 0;
  } else {
    order.period = 1;
  }
  while (order.differences < search.differences_max &&
         kpss_statistic(measured_only(difference(values, order))) > kKpssCritical) {
    ++order.differences;
  }
  return order;
}

ArimaFit search_arima(std::span<const double> values, const ArimaSearch& search) {
  const ArimaOrder differences = differences_of(values, search);
  const std::size_t wanted = std::max<std::size_t>(search.steps_max, 4 * std::size_t{differences.period});
  if (values.size() <= wanted) return OrderSearch(values, differences, search).best();
  const ArimaFit found = OrderSearch(values.last(wanted), differences, search).best();
  const ArimaSeries whole(values, differences);
  const ArimaFit fit = fit_conditional(whole, found.order, &found);
  return likelihood_cost(whole, fit.order) > search.likelihood_cost_max ? fit : fit_likelihood(whole, fit);
}

}  // namespace forewarm
