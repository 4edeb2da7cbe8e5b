#include "core/forecast/regressors/effect_regression.h"

#include <Eigen/Dense>
#include <cmath>

namespace forewarm {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr std::size_t kFolds = 3;

struct PartSums {
  MatrixXd products, targets;  ///< columns x columns, columns x targets
  VectorXd squares;            ///< of the targets

  void add(const PartSums& other) {
    products += other.products;
    targets += other.targets;
    squares += other.squares;
  }
};

/// Products over some steps. A step that was not measured is a row of zeros.
PartSums part_sums(std::span<const RegressionColumn> columns, std::span<const std::vector<double>> targets,
                   std::size_t begin, std::size_t end) {
  const auto rows = static_cast<Eigen::Index>(end - begin), width = static_cast<Eigen::Index>(columns.size());
  MatrixXd block(rows, width), aims(rows, static_cast<Eigen::Index>(targets.size()));
  for (Eigen::Index i = 0; i < width; ++i) {
    const std::vector<double>& values = columns[static_cast<std::size_t>(i)].values;
    block.col(i) = Eigen::Map<const VectorXd>(values.data() + begin, rows);
  }
  for (Eigen::Index i = 0; i < aims.cols(); ++i)
    aims.col(i) = Eigen::Map<const VectorXd>(targets[static_cast<std::size_t>(i)].data() + begin, rows);
  for (Eigen::Index row = 0; row < rows; ++row) {
    if (std::isfinite(aims(row, 0))) continue;
    block.row(row).setZero();
    aims.row(row).setZero();
  }
  PartSums sums{.products = MatrixXd::Zero(width, width),
                .targets = block.transpose() * aims,
                .squares = aims.colwise().squaredNorm()};
  sums.products.selfadjointView<Eigen::Lower>().rankUpdate(block.transpose());
  sums.products = sums.products.selfadjointView<Eigen::Lower>();
  return sums;
}

/// The columns of a fit: all of the base, then those chosen.
std::vector<Eigen::Index> picked(std::size_t base, std::span<const std::size_t> chosen) {
  std::vector<Eigen::Index> columns;
  columns.reserve(base + chosen.size());
  for (std::size_t i = 0; i < base; ++i) columns.push_back(static_cast<Eigen::Index>(i));
  for (const std::size_t i : chosen) columns.push_back(static_cast<Eigen::Index>(i));
  return columns;
}

}  // namespace

struct EffectRegression::Sums {
  std::vector<PartSums> parts;
  std::vector<PartSums> folds;  ///< of the parts seen, every third
  VectorXd penalties;

  PartSums over(std::size_t count) const {
    PartSums sum = parts[0];
    for (std::size_t part = 1; part < count; ++part) sum.add(parts[part]);
    return sum;
  }
  /// Without one of the folds.
  VectorXd solved_without(std::size_t fold, std::size_t target,
                          const std::vector<Eigen::Index>& columns) const {
    PartSums seen = folds[(fold + 1) % kFolds];
    seen.add(folds[(fold + 2) % kFolds]);
    return solved(seen, target, columns);
  }
  VectorXd solved(const PartSums& sum, std::size_t target, const std::vector<Eigen::Index>& columns) const {
    MatrixXd products = sum.products(columns, columns);
    products.diagonal() += penalties(columns);
    return Eigen::LLT<MatrixXd>(products).solve(
        VectorXd(sum.targets.col(static_cast<Eigen::Index>(target))(columns)));
  }
};

EffectRegression::EffectRegression(std::span<const RegressionColumn> columns, std::size_t base,
                                   std::span<const std::vector<double>> targets)
    : sums_(std::make_unique<Sums>()),
      columns_(columns),
      targets_(targets),
      base_(base),
      steps_(targets[0].size()) {
  sums_->penalties.resize(static_cast<Eigen::Index>(columns.size()));
  for (std::size_t i = 0; i < columns.size(); ++i)
    sums_->penalties[static_cast<Eigen::Index>(i)] = columns[i].penalty;
  for (std::size_t part = 0; part < kParts; ++part)
    sums_->parts.push_back(part_sums(columns, targets, begin_of(part), begin_of(part + 1)));
  for (std::size_t fold = 0; fold < kFolds; ++fold) {
    sums_->folds.push_back(sums_->parts[fold]);
    for (std::size_t part = fold + kFolds; part < kPartsSeen; part += kFolds)
      sums_->folds[fold].add(sums_->parts[part]);
  }
}

EffectRegression::~EffectRegression() = default;

std::vector<double> EffectRegression::coefficients(std::size_t target, std::span<const std::size_t> chosen,
                                                   std::size_t parts) const {
  const VectorXd solved = sums_->solved(sums_->over(parts), target, picked(base_, chosen));
  return {solved.data() + base_, solved.data() + solved.size()};
}

double EffectRegression::unseen_squares(std::size_t target, std::span<const std::size_t> chosen) const {
  const std::vector<Eigen::Index> columns = picked(base_, chosen);
  const auto aim = static_cast<Eigen::Index>(target);
  double squares = 0;
  for (std::size_t fold = 0; fold < kFolds; ++fold) {
    const VectorXd beta = sums_->solved_without(fold, target, columns);
    const PartSums& unseen = sums_->folds[fold];
    squares += unseen.squares[aim] - 2 * beta.dot(VectorXd(unseen.targets.col(aim)(columns))) +
               beta.dot(MatrixXd(unseen.products(columns, columns)) * beta);
  }
  return squares;
}

std::vector<double> EffectRegression::unseen_errors(std::size_t target,
                                                    std::span<const std::size_t> chosen) const {
  const std::vector<Eigen::Index> columns = picked(base_, chosen);
  const std::size_t seen = begin_of(kPartsSeen);
  std::vector<double> errors(targets_[target].begin(),
                             targets_[target].begin() + static_cast<std::ptrdiff_t>(seen));
  for (std::size_t fold = 0; fold < kFolds; ++fold) {
    const VectorXd beta = sums_->solved_without(fold, target, columns);
    for (std::size_t part = fold; part < kPartsSeen; part += kFolds) {
      for (Eigen::Index i = 0; i < beta.size(); ++i) {
        const std::vector<double>& values =
            columns_[static_cast<std::size_t>(columns[static_cast<std::size_t>(i)])].values;
        for (std::size_t t = begin_of(part); t < begin_of(part + 1); ++t) errors[t] -= beta[i] * values[t];
      }
    }
  }
  return errors;
}

}  // namespace forewarm
