#pragma once

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>

namespace forewarm {

/// Sums of products of each two columns, by their lower triangle both ways. Eigen's own product of matrices
/// cuts its sums by the processor's cache sizes, so its bits would differ between machines.
inline Eigen::MatrixXd products_of_columns(const Eigen::MatrixXd& columns) {
  constexpr Eigen::Index kChunk = 512;  // steps whose columns stay in the cache
  const Eigen::Index count = columns.cols();
  Eigen::MatrixXd products = Eigen::MatrixXd::Zero(count, count);
  for (Eigen::Index from = 0; from < columns.rows(); from += kChunk) {
    const Eigen::Index steps = std::min(kChunk, columns.rows() - from);
    for (Eigen::Index i = 0; i < count; ++i) {
      for (Eigen::Index k = 0; k <= i; ++k)
        products(i, k) += columns.col(i).segment(from, steps).dot(columns.col(k).segment(from, steps));
    }
  }
  for (Eigen::Index i = 0; i < count; ++i)
    products.row(i).tail(count - i) = products.col(i).tail(count - i).transpose();
  return products;
}

struct LeastSquaresOptions {
  int steps_max = 10;
  double improvement_min = 1e-8;  ///< a step that lowers the sum by less than this share is the last
  double bound = 4;               ///< of every parameter's absolute value
  Eigen::Index batch = 8;         ///< points that `residuals` takes at once, the first of them the base
};

struct LeastSquaresResult {
  Eigen::VectorXd point;
  double sum = 0;  ///< of squares at the point; infinite where nothing could be evaluated
};

/// Minimises a sum of squares by damped Gauss-Newton steps (Marquardt 1963) with forward differences.
/// `residuals(points, columns)` writes for each column of `points` (parameters x at most batch) a column of
/// residuals; one with NaN means that there are none at that point.
LeastSquaresResult least_squares(Eigen::VectorXd start, const LeastSquaresOptions& options,
                                 const auto& residuals) {
  constexpr double kStep = 1e-5;
  const Eigen::Index size = start.size();
  Eigen::MatrixXd columns, all, gram(size, size), trial;
  Eigen::VectorXd slope(size);
  const auto evaluate = [&](const Eigen::VectorXd& point) {
    Eigen::MatrixXd points(size, size + 1);
    points.colwise() = point;
    for (Eigen::Index i = 0; i < size; ++i) points(i, i + 1) += kStep;
    for (Eigen::Index from = 0; from <= size; from += options.batch) {
      const Eigen::Index count = std::min(options.batch, size + 1 - from);
      residuals(points.middleCols(from, count), columns);
      if (from == 0) all.resize(columns.rows(), size + 1);
      all.middleCols(from, count) = columns;
    }
    for (Eigen::Index i = 1; i <= size; ++i) all.col(i) = (all.col(i) - all.col(0)) / kStep;
    trial = products_of_columns(all);
    return trial.allFinite() ? trial(0, 0) : HUGE_VAL;
  };
  LeastSquaresResult best{.point = std::move(start), .sum = 0};
  best.sum = evaluate(best.point);
  double damping = 1e-3;
  bool moved = true;
  for (int step = 0; step < options.steps_max && size > 0 && std::isfinite(best.sum) && best.sum > 0;
       ++step) {
    if (moved) {
      gram = trial.bottomRightCorner(size, size);
      slope = trial.col(0).tail(size);
    }
    Eigen::MatrixXd damped = gram;
    damped.diagonal() += damping * gram.diagonal() + Eigen::VectorXd::Constant(size, 1e-12 * gram.trace());
    const Eigen::VectorXd move = damped.ldlt().solve(slope).cwiseMax(-1.5).cwiseMin(1.5);
    const Eigen::VectorXd next = (best.point - move).cwiseMax(-options.bound).cwiseMin(options.bound);
    if (!next.allFinite()) break;
    const double sum = evaluate(next);
    moved = sum < best.sum;
    if (moved) {
      const bool enough = best.sum - sum < options.improvement_min * best.sum;
      best = {.point = next, .sum = sum};
      damping = std::max(damping / 10, 1e-9);
      if (enough) break;
    } else {
      damping *= 20;
      if (damping > 1e6) break;
    }
  }
  return best;
}

}  // namespace forewarm
