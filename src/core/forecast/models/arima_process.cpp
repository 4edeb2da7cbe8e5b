#include "core/forecast/models/arima_process.h"

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>

#include "base/math.h"

namespace forewarm {
namespace {

std::size_t longest(const std::vector<LagWeight>& weights) {
  std::size_t reach = 0;
  for (const LagWeight& weight : weights) reach = std::max<std::size_t>(reach, weight.lag);
  return reach;
}

/// Weights by lag, 0 .. reach, with sums where several terms meet.
std::vector<double> by_lag(const std::vector<LagWeight>& weights, std::size_t reach) {
  std::vector<double> dense(reach + 1);
  for (const LagWeight& weight : weights) dense[weight.lag] += weight.weight;
  return dense;
}

/// (1 + sign * sum near B^i)(1 + sign * sum far B^(period i)) - 1, times sign.
std::vector<LagWeight> multiplied(std::span<const double> near, std::span<const double> far,
                                  std::uint32_t period, double sign) {
  std::vector<LagWeight> terms;
  terms.reserve(near.size() + far.size() * (1 + near.size()));
  for (std::uint32_t i = 0; i < near.size(); ++i) terms.push_back({i + 1, near[i]});
  for (std::uint32_t j = 0; j < far.size(); ++j) {
    const std::uint32_t base = (j + 1) * period;
    terms.push_back({base, far[j]});
    for (std::uint32_t i = 0; i < near.size(); ++i) terms.push_back({base + i + 1, sign * near[i] * far[j]});
  }
  return terms;
}

/// Partial autocorrelations tanh(free) to the weights of an autoregression.
void append_stationary(std::span<const double> free, double sign, std::vector<double>& coefficients) {
  std::vector<double> weights, before;
  for (const double value : free) {
    const double partial = 1 - 2 / (exp(2 * value) + 1);
    before = weights;
    for (std::size_t i = 0; i < before.size(); ++i)
      weights[i] = before[i] - partial * before[before.size() - 1 - i];
    weights.push_back(partial);
  }
  for (const double weight : weights) coefficients.push_back(sign * weight);
}

void difference_once(std::vector<double>& values, std::size_t lag) {
  if (values.size() <= lag) return values.clear();
  for (std::size_t t = 0; t + lag < values.size(); ++t) values[t] = values[t + lag] - values[t];
  values.resize(values.size() - lag);
}

}  // namespace

std::size_t ArimaProcess::ar_reach() const {
  return longest(ar);
}
std::size_t ArimaProcess::ma_reach() const {
  return longest(ma);
}
std::size_t ArimaProcess::difference_reach() const {
  return longest(differences);
}

double ArimaProcess::persistence(std::size_t lead) const {
  std::vector<double> response = psi_weights(*this, lead + 1);  // of the series to a surprise
  for (std::size_t i = 1; i <= lead; ++i) {
    for (const LagWeight& difference : differences) {
      if (difference.lag <= i) response[i] += difference.weight * response[i - difference.lag];
    }
  }
  double product = 0, near = 0;
  for (std::size_t i = 0; i < lead; ++i) {
    product += response[i] * response[i + 1];
    near += response[i] * response[i];
  }
  const double far = near + response[lead] * response[lead];
  return far > 0 ? std::clamp(product / sqrt(near * far), -0.95, 0.95) : 0;
}

ArimaProcess multiply_out(const ArimaOrder& order, std::span<const double> coefficients, double mean) {
  const std::span<const double> ar = coefficients.subspan(0, order.ar);
  const std::span<const double> ma = coefficients.subspan(order.ar, order.ma);
  const std::size_t near = std::size_t{0} + order.ar + order.ma;
  ArimaProcess process;
  process.mean = mean;
  process.ar = multiplied(ar, coefficients.subspan(near, order.seasonal_ar), order.period, -1);
  process.ma =
      multiplied(ma, coefficients.subspan(near + order.seasonal_ar, order.seasonal_ma), order.period, 1);
  // (1 - B)^d (1 - B^s)^D, term by term.
  std::vector<double> polynomial(order.lost() + 1);
  polynomial[0] = 1;
  const auto times = [&](std::size_t lag) {
    for (std::size_t i = polynomial.size(); i-- > lag;) polynomial[i] -= polynomial[i - lag];
  };
  for (int i = 0; i < order.differences; ++i) times(1);
  for (int i = 0; i < order.seasonal_differences; ++i) times(order.period);
  for (std::uint32_t lag = 1; lag < polynomial.size(); ++lag) {
    if (polynomial[lag] != 0) process.differences.push_back({lag, -polynomial[lag]});
  }
  return process;
}

std::vector<double> to_coefficients(const ArimaOrder& order, std::span<const double> free) {
  std::vector<double> coefficients;
  coefficients.reserve(order.lags());
  std::size_t from = 0;
  const auto next = [&](std::size_t count, double sign) {
    append_stationary(free.subspan(from, count), sign, coefficients);
    from += count;
  };
  next(order.ar, 1);
  next(order.ma, -1);
  next(order.seasonal_ar, 1);
  next(order.seasonal_ma, -1);
  return coefficients;
}

std::vector<double> difference(std::span<const double> values, const ArimaOrder& order) {
  std::vector<double> result(values.begin(), values.end());
  for (int i = 0; i < order.seasonal_differences; ++i) difference_once(result, order.period);
  for (int i = 0; i < order.differences; ++i) difference_once(result, 1);
  return result;
}

std::vector<double> psi_weights(const ArimaProcess& process, std::size_t count) {
  std::vector<double> psi(count);
  if (count == 0) return psi;
  psi[0] = 1;
  for (const LagWeight& ma : process.ma) {
    if (ma.lag < count) psi[ma.lag] += ma.weight;
  }
  for (std::size_t i = 1; i < count; ++i) {
    for (const LagWeight& ar : process.ar) {
      if (ar.lag <= i) psi[i] += ar.weight * psi[i - ar.lag];
    }
  }
  return psi;
}

std::vector<double> autocovariances(const ArimaProcess& process) {
  const std::size_t p = process.ar_reach(), q = process.ma_reach();
  const std::vector<double> psi = psi_weights(process, q + 1);
  std::vector<double> theta = by_lag(process.ma, q);
  theta[0] = 1;
  std::vector<double> right(p + 1);  // covariances of w(t) with the moving-average part at t + k
  for (std::size_t k = 0; k <= std::min(p, q); ++k) {
    for (std::size_t j = k; j <= q; ++j) right[k] += theta[j] * psi[j - k];
  }
  if (p == 0) return right;
  const auto size = static_cast<Eigen::Index>(p + 1);
  Eigen::MatrixXd system = Eigen::MatrixXd::Identity(size, size);
  for (std::size_t k = 0; k <= p; ++k) {
    for (const LagWeight& ar : process.ar) {
      const std::size_t lag = k > ar.lag ? k - ar.lag : ar.lag - k;
      system(static_cast<Eigen::Index>(k), static_cast<Eigen::Index>(lag)) -= ar.weight;
    }
  }
  // Not PartialPivLU, which cuts its sums by the processor's cache sizes.
  const Eigen::VectorXd solved =
      system.fullPivLu().solve(Eigen::Map<const Eigen::VectorXd>(right.data(), size));
  if (!solved.allFinite() || !(solved[0] > 0)) return {};
  return {solved.begin(), solved.end()};
}

}  // namespace forewarm
