#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace forewarm {

/// One column of a regression, with the ridge that holds it back.
struct RegressionColumn {
  std::vector<double> values;  ///< one a step of the history, maybe more
  double penalty = 1;          ///< in steps' worth of evidence for zero
};

/// Least squares with a ridge on some of many columns, over parts of the history: sums of products are made
/// once for each part, so that a further fit costs no further pass over the history. For several targets.
class EffectRegression {
 public:
  static constexpr std::size_t kParts = 9;
  static constexpr std::size_t kPartsSeen = 6;  ///< the last third is for forecasts that the fit has not seen

  /// The first `base` columns are in every fit. The targets are of one length and not finite at the same
  /// steps, which count for nothing. Columns and targets are kept as views.
  EffectRegression(std::span<const RegressionColumn> columns, std::size_t base,
                   std::span<const std::vector<double>> targets);
  ~EffectRegression();
  EffectRegression(const EffectRegression&) = delete;
  EffectRegression& operator=(const EffectRegression&) = delete;

  /// Begin of a part, in steps.
  std::size_t begin_of(std::size_t part) const { return steps_ * part / kParts; }
  /// Coefficients of the columns `chosen` (from `base` on), from the first parts.
  std::vector<double> coefficients(std::size_t target, std::span<const std::size_t> chosen,
                                   std::size_t parts) const;
  /// Sum of squared errors on parts that a fit has not seen, in threefold cross-validation within the first
  /// kPartsSeen.
  double unseen_squares(std::size_t target, std::span<const std::size_t> chosen) const;
  /// The errors themselves, one a step of the first kPartsSeen; NaN where the target is.
  std::vector<double> unseen_errors(std::size_t target, std::span<const std::size_t> chosen) const;

 private:
  struct Sums;
  std::unique_ptr<Sums> sums_;
  std::span<const RegressionColumn> columns_;
  std::span<const std::vector<double>> targets_;
  std::size_t base_, steps_;
};

}  // namespace forewarm
