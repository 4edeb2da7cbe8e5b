#include "core/forecast/models/arima_fit.h"

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"
#include "core/forecast/models/least_squares.h"

namespace forewarm {
namespace {

constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();
constexpr double kLogTwoPi = 1.8378770664093453;
constexpr double kSilent = 1e-12;  // a variance below this share of the series' own is none

/// A value for each gap: that of a season before or after, else on the line between the neighbours.
std::vector<double> without_gaps(std::span<const double> values, std::size_t period) {
  std::vector<double> full(values.begin(), values.end());
  const std::size_t n = full.size();
  if (period > 1) {
    for (std::size_t t = period; t < n; ++t) {
      if (full[t] != full[t]) full[t] = full[t - period];
    }
    for (std::size_t t = n; t-- > 0;) {
      if (full[t] != full[t] && t + period < n) full[t] = full[t + period];
    }
  }
  std::size_t before = n;
  for (std::size_t t = 0; t < n; ++t) {
    if (full[t] != full[t]) continue;
    const std::size_t gap = before == n ? t : t - before - 1;
    for (std::size_t i = 1; i <= gap; ++i) {
      const double share = static_cast<double>(i) / static_cast<double>(gap + 1);
      full[t - i] = before == n ? full[t] : full[t] + share * (full[before] - full[t]);
    }
    before = t;
  }
  for (std::size_t t = before == n ? 0 : before + 1; t < n; ++t) full[t] = before == n ? 0 : full[before];
  return full;
}

/// Conditional surprises of several parameter vectors at once. A recursion waits for its last result at each
/// step, so several of them take hardly longer than one.
template <int kLanes>
class ConditionalLanes {
 public:
  using Lane = Eigen::Array<double, kLanes, 1>;

  ConditionalLanes(const ArimaSeries& series, std::span<const ArimaProcess> processes) {
    ar_.resize(processes[0].ar.size());
    ma_.resize(processes[0].ma.size());
    for (Eigen::Index lane = 0; lane < kLanes; ++lane) {
      const ArimaProcess& process = processes[std::min(static_cast<std::size_t>(lane), processes.size() - 1)];
      double kept = 1;
      for (std::size_t i = 0; i < ar_.size(); ++i) {
        ar_[i].lag = static_cast<Eigen::Index>(process.ar[i].lag);
        ar_[i].weight[lane] = process.ar[i].weight;
        kept -= process.ar[i].weight;
      }
      for (std::size_t i = 0; i < ma_.size(); ++i) {
        ma_[i].lag = static_cast<Eigen::Index>(process.ma[i].lag);
        ma_[i].weight[lane] = process.ma[i].weight;
      }
      level_[lane] = process.mean * kept;
    }
    run(series, static_cast<Eigen::Index>(processes[0].ar_reach()),
        static_cast<Eigen::Index>(processes[0].ma_reach()));
  }

  auto surprises(Eigen::Index lanes) const {
    return surprises_.topRightCorner(lanes, surprises_.cols() - padding_).transpose();
  }

 private:
  struct Term {
    Eigen::Index lag = 1;
    Lane weight;
  };

  void run(const ArimaSeries& series, Eigen::Index from, Eigen::Index padding) {
    const std::span<const double> w = series.differenced();
    const auto steps = static_cast<Eigen::Index>(w.size());
    padding_ = padding;
    surprises_.setZero(kLanes, padding + steps);
    for (Eigen::Index t = from; t < steps; ++t) {
      if (!series.counts(static_cast<std::size_t>(t))) continue;
      Lane surprise = w[static_cast<std::size_t>(t)] - level_;
      for (const Term& term : ar_) surprise -= term.weight * w[static_cast<std::size_t>(t - term.lag)];
      for (const Term& term : ma_) surprise -= term.weight * surprises_.col(padding + t - term.lag).array();
      surprises_.col(padding + t) = surprise.matrix();
    }
  }

  std::vector<Term> ar_, ma_;
  Lane level_ = Lane::Zero();
  Eigen::Index padding_ = 0;
  Eigen::Matrix<double, kLanes, Eigen::Dynamic> surprises_;
};

/// The point of a search, one number a lag and the constant's distance from the mean, to a process.
ArimaProcess process_at(const ArimaSeries& series, const ArimaOrder& order, const auto& point) {
  std::vector<double> free(order.lags());
  for (std::size_t i = 0; i < free.size(); ++i) free[i] = point[static_cast<Eigen::Index>(i)];
  const double mean = order.constant ? series.mean() + point[static_cast<Eigen::Index>(order.lags())] : 0;
  return multiply_out(order, to_coefficients(order, free), mean);
}

ArimaFit described(const ArimaSeries& series, const ArimaOrder& order, const Eigen::VectorXd& point) {
  ArimaFit fit;
  fit.order = order;
  fit.free.assign(point.begin(), point.begin() + static_cast<std::ptrdiff_t>(order.lags()));
  fit.coefficients = to_coefficients(order, fit.free);
  fit.mean = process_at(series, order, point).mean * series.scale();
  return fit;
}

void judge(ArimaFit& fit, double log_likelihood, double count) {
  const double parameters = static_cast<double>(fit.order.parameters()) + 1;
  const double room = count - parameters - 1;
  fit.log_likelihood = log_likelihood;
  fit.aicc = room > 0 ? -2 * log_likelihood + 2 * parameters * (1 + (parameters + 1) / room) : HUGE_VAL;
}

/// Log-likelihood of `count` surprises with this mean square, on the series' own scale.
double gaussian(double count, double variance, double log_variances, double scale) {
  return -0.5 * (count * (kLogTwoPi + 1 + log(std::max(variance, kSilent))) + log_variances) -
         count * log(scale);
}

Eigen::VectorXd first_point(const ArimaOrder& order, const ArimaFit* start) {
  Eigen::VectorXd point = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(order.parameters()));
  std::size_t from = 0, theirs = 0;
  const auto part = [&](std::size_t count, std::size_t known, double fresh) {
    for (std::size_t i = 0; i < count; ++i) {
      double value = i == 0 ? fresh : 0.03;
      if (start != nullptr && known > 0) value = i < known ? start->free[theirs + i] : 0.03;
      // At the bound the hyperbolic tangent is flat: come back to where there is a slope.
      point[static_cast<Eigen::Index>(from + i)] = std::clamp(value, -1.5, 1.5);
    }
    from += count;
    theirs += known;
  };
  const ArimaOrder none;
  const ArimaOrder& known = start != nullptr ? start->order : none;
  part(order.ar, known.ar, order.differences > 0 ? 0.2 : 0.6);
  part(order.ma, known.ma, order.differences > 0 ? 0.4 : 0.1);
  part(order.seasonal_ar, known.seasonal_ar, 0.2);
  part(order.seasonal_ma, known.seasonal_ma, order.seasonal_differences > 0 ? 0.6 : -0.1);
  return point;
}

}  // namespace

ArimaSeries::ArimaSeries(std::span<const double> values, const ArimaOrder& order)
    : values_(values.begin(), values.end()),
      filled_(without_gaps(values, order.period)),
      scaled_(difference(filled_, order)),
      counts_(scaled_.size()) {
  const std::vector<double> gaps = difference(values, order);
  double sum = 0, squares = 0;
  for (std::size_t t = 0; t < gaps.size(); ++t) {
    if (gaps[t] != gaps[t]) continue;
    counts_[t] = 1;
    ++counted_;
    sum += gaps[t];
  }
  const double count = std::max<double>(1, static_cast<double>(counted_));
  mean_ = sum / count;
  for (std::size_t t = 0; t < gaps.size(); ++t)
    squares += counts_[t] != 0 ? (gaps[t] - mean_) * (gaps[t] - mean_) : 0;
  scale_ = squares > 0 ? sqrt(squares / count) : 1;
  for (double& value : scaled_) value /= scale_;
  mean_ /= scale_;
}

ArimaFit fit_conditional(const ArimaSeries& series, const ArimaOrder& order, const ArimaFit* start,
                         int steps_max) {
  std::vector<ArimaProcess> processes;
  const auto residuals = [&](const auto& points, Eigen::MatrixXd& columns) {
    processes.clear();
    for (Eigen::Index i = 0; i < points.cols(); ++i)
      processes.push_back(process_at(series, order, points.col(i)));
    if (points.cols() <= 2) {
      columns = ConditionalLanes<2>(series, processes).surprises(points.cols());
    } else if (points.cols() <= 4) {
      columns = ConditionalLanes<4>(series, processes).surprises(points.cols());
    } else if (points.cols() <= 6) {
      columns = ConditionalLanes<6>(series, processes).surprises(points.cols());
    } else {
      columns = ConditionalLanes<8>(series, processes).surprises(points.cols());
    }
  };
  const LeastSquaresOptions options{.steps_max = steps_max, .improvement_min = 1e-4, .bound = 2.5};
  LeastSquaresResult found = least_squares(first_point(order, start), options, residuals);
  if (start == nullptr && order.ar >= 2 && order.ma >= 2) {
    // Roots that nearly cancel make valleys side by side: the search goes down into two of them.
    Eigen::VectorXd other = first_point(order, start);
    other[1] = other[order.ar + 1] = -0.8;
    LeastSquaresResult second = least_squares(other, options, residuals);
    if (second.sum < found.sum) found = std::move(second);
  }
  ArimaFit fit = described(series, order, found.point);
  double count = 0;
  for (std::size_t t = order.ar_reach(); t < series.differenced().size(); ++t)
    count += series.counts(t) ? 1 : 0;
  const double variance = found.sum / std::max(1.0, count);
  fit.variance = variance * series.scale() * series.scale();
  // As if all steps had counted, so that orders with longer lags compare with those with shorter ones.
  const auto all = static_cast<double>(series.counted());
  judge(fit, gaussian(all, variance, 0, series.scale()), all);
  if (count < 1) fit.aicc = HUGE_VAL;
  return fit;
}

ArimaFit fit_likelihood(const ArimaSeries& series, const ArimaFit& conditional) {
  const ArimaOrder& order = conditional.order;
  const double scale = series.scale();
  std::vector<double> scaled;
  if (series.has_gaps()) {
    for (const double value : series.values()) scaled.push_back(value / scale);
  }
  ArimaInnovations innovations;
  const auto evaluate = [&](const auto& point) {
    const ArimaProcess process = process_at(series, order, point);
    if (series.has_gaps()) return filter_with_gaps(process, scaled, innovations);
    innovations.standardized.assign(series.differenced().begin(), series.differenced().end());
    for (double& value : innovations.standardized) value -= process.mean;
    return whiten(process, innovations.standardized, innovations.standardized.size(), innovations);
  };
  const auto steps =
      static_cast<Eigen::Index>(series.has_gaps() ? scaled.size() : series.differenced().size());
  const auto residuals = [&](const auto& points, Eigen::MatrixXd& columns) {
    columns.resize(steps, points.cols());
    for (Eigen::Index i = 0; i < points.cols(); ++i) {
      if (!evaluate(points.col(i))) {
        columns.col(i).setConstant(kNotMeasured);
        continue;
      }
      const double factor = exp(0.5 * innovations.log_variances / static_cast<double>(innovations.counted));
      columns.col(i) = factor * Eigen::Map<const Eigen::VectorXd>(innovations.standardized.data(), steps);
    }
  };
  Eigen::VectorXd start(static_cast<Eigen::Index>(order.parameters()));
  for (std::size_t i = 0; i < order.lags(); ++i)
    start[static_cast<Eigen::Index>(i)] = std::clamp(conditional.free[i], -2.0, 2.0);
  if (order.constant) start[start.size() - 1] = conditional.mean / scale - series.mean();
  const LeastSquaresResult found =
      least_squares(start, {.steps_max = 12, .improvement_min = 1e-7}, residuals);
  if (!std::isfinite(found.sum) || !evaluate(found.point)) return conditional;
  ArimaFit fit = described(series, order, found.point);
  const auto count = static_cast<double>(innovations.counted);
  const double variance =
      Eigen::Map<const Eigen::VectorXd>(innovations.standardized.data(), steps).squaredNorm() / count;
  fit.variance = variance * scale * scale;
  judge(fit, gaussian(count, variance, innovations.log_variances, scale), count);
  return fit;
}

double likelihood_cost(const ArimaSeries& series, const ArimaOrder& order) {
  const auto steps = static_cast<double>(series.values().size());
  const auto state = static_cast<double>(std::max(order.ar_reach(), order.ma_reach() + 1));
  const auto start = static_cast<double>(order.ar_reach());
  const double solution = start * start * start;
  if (!series.has_gaps()) return steps * (state + 4) * 5 + solution;
  const double whole = state + static_cast<double>(order.lost());
  return steps * (500 + whole * whole * 10) + solution;
}

}  // namespace forewarm
