#pragma once

#include <Eigen/Dense>

#include <span>

#include "core/forecast/models/arima_fit.h"

namespace forewarm {

/// A regression whose errors are an ARIMA process.
struct ArimaRegression {
  Eigen::VectorXd weights;  ///< one a column of the design
  ArimaFit errors;
  std::vector<double> residuals;  ///< values less the regression's part, with the gaps of the values
};

struct ArimaRegressionOptions {
  int rounds = 20;    ///< of weights given the process and the process given the weights
  bool exact = true;  ///< likelihood; else conditional sum of squares
  double ridge = 0;   ///< on columns beyond the first `unshrunk`, in surprises' variances a step
  Eigen::Index unshrunk = 0;
};

/// Fits both parts jointly by maximising over each in turn: generalised least squares on values and columns
/// that the process's filter made white, then the process on what remains (Cochrane and Orcutt 1949; Harvey
/// and Phillips 1979). `start` has weights to begin with. The process has no constant: that is a column,
/// which drops out where the errors are differenced. Values may have gaps (NaN).
ArimaRegression fit_arima_regression(std::span<const double> values, const Eigen::MatrixXd& design,
                                     const ArimaOrder& order, const Eigen::VectorXd& start,
                                     const ArimaRegressionOptions& options);

}  // namespace forewarm
