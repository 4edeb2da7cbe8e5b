#include "core/forecast/models/arima_regression.h"

#include <algorithm>
#include <cmath>

#include "core/forecast/models/least_squares.h"

namespace forewarm {
namespace {

constexpr double kWeightsRidge = 1e-9;  // of a column's sum of squares: columns that say the same may meet

std::vector<double> residuals_of(std::span<const double> values, const Eigen::MatrixXd& design,
                                 const Eigen::VectorXd& weights) {
  const Eigen::VectorXd fitted = design * weights;
  std::vector<double> residuals(values.begin(), values.end());
  for (std::size_t t = 0; t < residuals.size(); ++t) residuals[t] -= fitted[static_cast<Eigen::Index>(t)];
  return residuals;
}

/// The columns and then the values, without gaps, differenced, one after the other.
std::vector<double> differenced_columns(const ArimaSeries& residuals, const Eigen::MatrixXd& design,
                                        const Eigen::VectorXd& weights, const ArimaOrder& order) {
  std::vector<double> columns;
  const auto append = [&](const Eigen::VectorXd& column) {
    const std::vector<double> part =
        difference({column.data(), static_cast<std::size_t>(column.size())}, order);
    columns.insert(columns.end(), part.begin(), part.end());
  };
  for (Eigen::Index i = 0; i < design.cols(); ++i) append(design.col(i));
  append(design * weights + Eigen::Map<const Eigen::VectorXd>(residuals.filled().data(), design.rows()));
  return columns;
}

/// Weights that leave the smallest white sum of squares; those there are when they cannot be found.
Eigen::VectorXd weights_given(const ArimaSeries& residuals, const ArimaFit& errors,
                              const Eigen::MatrixXd& design, const Eigen::VectorXd& weights,
                              const ArimaRegressionOptions& options) {
  std::vector<double> white = differenced_columns(residuals, design, weights, errors.order);
  const std::size_t steps = white.size() / static_cast<std::size_t>(design.cols() + 1);
  ArimaProcess process = errors.process();
  process.differences.clear();
  ArimaInnovations innovations;
  if (!whiten(process, white, steps, innovations)) return weights;
  Eigen::Map<Eigen::MatrixXd> rows(white.data(), static_cast<Eigen::Index>(steps), design.cols() + 1);
  for (std::size_t t = 0; t < steps; ++t) {
    if (!residuals.counts(t)) rows.row(static_cast<Eigen::Index>(t)).setZero();
  }
  const Eigen::MatrixXd products = products_of_columns(rows);
  Eigen::MatrixXd gram = products.topLeftCorner(design.cols(), design.cols());
  const auto counted = static_cast<double>(residuals.counted());
  for (Eigen::Index i = 0; i < gram.rows(); ++i) {
    gram(i, i) *= 1 + kWeightsRidge;
    gram(i, i) += i < options.unshrunk ? 0 : options.ridge * counted;
    if (!(gram(i, i) > 1e-9)) gram(i, i) = 1;  // nothing is left of a constant that was differenced
  }
  const Eigen::VectorXd solved = gram.ldlt().solve(products.col(design.cols()).head(design.cols()));
  return solved.allFinite() ? solved : weights;
}

}  // namespace

ArimaRegression fit_arima_regression(std::span<const double> values, const Eigen::MatrixXd& design,
                                     const ArimaOrder& order, const Eigen::VectorXd& start,
                                     const ArimaRegressionOptions& options) {
  ArimaRegression best{.weights = start, .errors = {}, .residuals = residuals_of(values, design, start)};
  const auto fitted = [&](const ArimaSeries& series, const ArimaFit* from) {
    const ArimaFit conditional = fit_conditional(series, order, from);
    return options.exact ? fit_likelihood(series, conditional) : conditional;
  };
  best.errors = fitted(ArimaSeries(best.residuals, order), nullptr);
  for (int round = 0; round < options.rounds; ++round) {
    ArimaRegression next;
    next.weights =
        weights_given(ArimaSeries(best.residuals, order), best.errors, design, best.weights, options);
    next.residuals = residuals_of(values, design, next.weights);
    next.errors = fitted(ArimaSeries(next.residuals, order), &best.errors);
    const double gain = next.errors.log_likelihood - best.errors.log_likelihood;
    if (!(gain > -1) && options.exact) break;
    best = std::move(next);
    if (gain < 1e-3) break;
  }
  return best;
}

}  // namespace forewarm
