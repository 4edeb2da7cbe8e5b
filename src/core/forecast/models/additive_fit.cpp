#include "core/forecast/models/additive_fit.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"

namespace forewarm {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kRateVariance = 25;      // of the normal priors on rate and offset
constexpr double kDeviationFloor = 1e-6;  // of a noise that is not there, in scaled units
constexpr double kBendFloor = 1e-4;       // below it a bend is none: the reweighting's divisions stay bounded
constexpr int kReweightings = 12;
constexpr int kLinearisations = 8;
constexpr double kConverged = 1e-3;
constexpr double kLogitMax = 6;

/// Sums over all rows from a knot of the trend on: all that products with its hinge need.
struct TailSums {
  double one = 0, time = 0, square = 0;  ///< of 1, t and t^2
  double target = 0, target_time = 0;
  VectorXd effects, effects_time;
};

struct NormalEquations {
  MatrixXd trend, cross, effects;
  VectorXd trend_target, effects_target;
  double target_square = 0;
};

/// The parameters that the objective of Prophet's Stan program has its maximum at. Its Laplace prior is
/// reached by reweighting: |x| is the least of the quadratics x^2 / 2w + w / 2 (Lange, Hunter and Yang 2000).
/// Where the model is not linear (shares of a trend, logistic growth), by Gauss and Newton's linearisation.
/// Products with the trend's hinges come from sums over tails, so that changepoints cost nothing a row.
class PosteriorMode {
 public:
  PosteriorMode(const AdditiveDesign& design, const AdditiveSubset& subset, const AdditiveShape& shape)
      : design_(design), shape_(shape), rows_(static_cast<Eigen::Index>(subset.rows)) {
    const auto pairs = static_cast<Eigen::Index>(2 * subset.harmonics);
    const auto all = static_cast<Eigen::Index>(design.effects);
    const Eigen::Index extra = subset.regressors ? static_cast<Eigen::Index>(design.regressors.size()) : 0;
    // Without an effect, one of nothing: Eigen's products of empty matrices are not defined.
    effects_.setZero(rows_, std::max<Eigen::Index>(1, pairs + extra));
    if (pairs + extra > 0) {
      using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
      const Eigen::Map<const RowMajor> given(design.rows.data(), rows_, all);
      effects_.leftCols(pairs) = given.leftCols(pairs);
      effects_.rightCols(extra) = given.rightCols(extra);
    }
    weights_ = Eigen::Map<const VectorXd>(design.weights.data(), rows_);
    fit_.harmonics.assign(design.harmonics.begin(),
                          design.harmonics.begin() + static_cast<std::ptrdiff_t>(subset.harmonics));
    if (subset.regressors) fit_.regressors = design.regressors;
    scale();
    place_changepoints();
  }

  AdditiveFit run() {
    start();
    if (shape_.multiplicative || shape_.growth == TrendGrowth::Logistic) linearise();
    fit_.growth = shape_.growth;
    fit_.multiplicative = shape_.multiplicative;
    fit_.offset = theta_[0];
    if (theta_.size() > 1) fit_.rate = theta_[1];
    for (Eigen::Index j = 2; j < theta_.size(); ++j) fit_.bends.push_back(theta_[j]);
    fit_.deviation = sqrt(variance_);
    Eigen::Index column = 0;
    for (Harmonic& harmonic : fit_.harmonics) {
      harmonic.sine = beta_[column++];
      harmonic.cosine = beta_[column++];
    }
    for (RegressorEffect& regressor : fit_.regressors) regressor.weight = beta_[column++];
    return std::move(fit_);
  }

 private:
  void scale() {
    values_ = Eigen::Map<const VectorXd>(design_.values.data(), rows_);
    const double largest = values_.cwiseAbs().maxCoeff();
    fit_.value_scale = largest > 0 ? largest : 1;
    values_ /= fit_.value_scale;
    fit_.steps = std::max(1.0, design_.at[static_cast<std::size_t>(rows_) - 1]);
    time_ = Eigen::Map<const VectorXd>(design_.at.data(), rows_) / fit_.steps;
    fit_.capacity = std::max(shape_.capacity / fit_.value_scale, 1e-3);
    measured_ = weights_.sum();
  }

  void place_changepoints() {
    if (shape_.growth == TrendGrowth::Flat) return;
    const double last = std::floor(shape_.changepoint_range * static_cast<double>(rows_)) - 1;
    const auto count = std::min(shape_.changepoints, static_cast<std::size_t>(std::max(0.0, last)));
    for (std::size_t j = 1; j <= count; ++j) {
      const double row = last * static_cast<double>(j) / static_cast<double>(count);
      knots_.push_back(static_cast<Eigen::Index>(std::floor(row + 0.5)));
      fit_.changepoints.push_back(time_[knots_.back()]);
    }
  }

  /// Rows of the linear model are slope * trend basis and share * effects.
  NormalEquations assemble(const VectorXd& slope, const VectorXd& share, const VectorXd& target) const {
    NormalEquations n;
    const MatrixXd scaled = (weights_.cwiseSqrt().cwiseProduct(share)).asDiagonal() * effects_;
    n.effects.setZero(scaled.cols(), scaled.cols());
    n.effects.selfadjointView<Eigen::Lower>().rankUpdate(scaled.transpose());
    n.effects_target = effects_.transpose() * (weights_.cwiseProduct(share).cwiseProduct(target));
    n.target_square = weights_.cwiseProduct(target).dot(target);

    const VectorXd pull = weights_.cwiseProduct(slope).cwiseProduct(share);
    std::vector<TailSums> tails(knots_.size() + 1);  // [0] over all rows
    Eigen::Index end = rows_;
    for (std::size_t j = tails.size(); j-- > 0;) {
      const Eigen::Index begin = j == 0 ? 0 : knots_[j - 1] + 1;
      TailSums& tail = tails[j];
      if (j + 1 < tails.size()) tail = tails[j + 1];
      if (tail.effects.size() == 0) tail.effects.setZero(effects_.cols());
      if (tail.effects_time.size() == 0) tail.effects_time.setZero(effects_.cols());
      for (Eigen::Index row = begin; row < end; ++row) {
        const double weight = weights_[row] * slope[row] * slope[row], t = time_[row];
        const double product = weights_[row] * slope[row] * target[row];
        tail.one += weight;
        tail.time += weight * t;
        tail.square += weight * t * t;
        tail.target += product;
        tail.target_time += product * t;
      }
      const auto part = effects_.middleRows(begin, end - begin).transpose();
      const VectorXd pulled = pull.segment(begin, end - begin);
      tail.effects += part * pulled;
      tail.effects_time += part * pulled.cwiseProduct(time_.segment(begin, end - begin));
      end = begin;
    }
    combine(tails, n);
    return n;
  }

  /// Products of the trend's basis (1, t, hinges) from the tails' sums.
  void combine(const std::vector<TailSums>& tails, NormalEquations& n) const {
    const auto size = static_cast<Eigen::Index>(shape_.growth == TrendGrowth::Flat ? 1 : tails.size() + 1);
    n.trend.setZero(size, size);
    n.cross.setZero(size, effects_.cols());
    n.trend_target.setZero(size);
    n.trend(0, 0) = tails[0].one;
    n.cross.row(0) = tails[0].effects;
    n.trend_target[0] = tails[0].target;
    const auto knot = [&](Eigen::Index j) {
      return j == 1 ? 0.0 : fit_.changepoints[static_cast<std::size_t>(j - 2)];
    };
    for (Eigen::Index j = 1; j < size; ++j) {
      const TailSums& tail = tails[static_cast<std::size_t>(j - 1)];
      const double s = knot(j);
      n.trend(j, 0) = tail.time - s * tail.one;
      n.cross.row(j) = tail.effects_time - s * tail.effects;
      n.trend_target[j] = tail.target_time - s * tail.target;
      for (Eigen::Index i = 1; i <= j; ++i)
        n.trend(j, i) = tail.square - (s + knot(i)) * tail.time + s * knot(i) * tail.one;
    }
    n.trend = n.trend.selfadjointView<Eigen::Lower>();
  }

  /// The maximum of the linear model's posterior in all parameters and the noise. The normal prior of the
  /// effects is weak, so that they are eliminated once for a given noise.
  void solve(const NormalEquations& n) {
    const double prior = 1 / (shape_.effect_deviation * shape_.effect_deviation);
    for (int pass = 0; pass < 2; ++pass) {
      MatrixXd effects = n.effects;
      effects.diagonal().array() += prior * variance_ + 1e-9;
      const Eigen::LLT<MatrixXd> factor(effects.selfadjointView<Eigen::Lower>());
      const MatrixXd across = factor.solve(n.cross.transpose());
      const VectorXd alone = factor.solve(n.effects_target);
      const MatrixXd left = n.trend - n.cross * across;
      const VectorXd left_target = n.trend_target - n.cross * alone;
      const double left_square = n.target_square - n.effects_target.dot(alone);
      reweight(left, left_target, left_square);
      beta_ = alone - across * theta_;
    }
  }

  void reweight(const MatrixXd& left, const VectorXd& target, double square) {
    VectorXd precision = VectorXd::Constant(left.rows(), 1 / kRateVariance);
    if (theta_.size() != left.rows()) theta_.setZero(left.rows());
    for (int round = 0; round < kReweightings; ++round) {
      for (Eigen::Index j = 2; j < left.rows(); ++j)
        precision[j] =
            1 / (shape_.changepoint_scale * std::max(std::abs(theta_[j]), round == 0 ? 0.1 : kBendFloor));
      MatrixXd system = left;
      system.diagonal() += variance_ * precision;
      system.diagonal().array() += 1e-12 * measured_;
      const VectorXd next = Eigen::LLT<MatrixXd>(system).solve(target);
      const double moved = (next - theta_).cwiseAbs().maxCoeff();
      theta_ = next;
      const double residual = square - 2 * target.dot(theta_) + theta_.dot(left * theta_);
      variance_ = std::max(residual / measured_, kDeviationFloor * kDeviationFloor);
      if (moved < 0.01 * kConverged) break;
    }
  }

  VectorXd trend_basis_sum(const VectorXd& theta) const {
    VectorXd sum = VectorXd::Constant(rows_, theta[0]);
    if (theta.size() > 1) sum += theta[1] * time_;
    for (std::size_t j = 0; j < knots_.size(); ++j) {
      const Eigen::Index from = knots_[j] + 1;
      sum.tail(rows_ - from).array() +=
          theta[static_cast<Eigen::Index>(j) + 2] * (time_.tail(rows_ - from).array() - fit_.changepoints[j]);
    }
    return sum;
  }

  /// The linear additive model, whose answer is also where the others begin.
  void start() {
    const VectorXd one = VectorXd::Ones(rows_);
    const double mean = weights_.dot(values_) / std::max(measured_, 1e-9);
    variance_ = std::max(0.1 * (weights_.array() * (values_.array() - mean).square()).sum() / measured_,
                         kDeviationFloor * kDeviationFloor);
    solve(assemble(one, one, values_));
    if (shape_.growth == TrendGrowth::Logistic) start_logistic(trend_basis_sum(theta_));
    if (shape_.multiplicative) beta_ /= std::max(std::abs(mean), 1e-3);
  }

  /// The line through the logits of a linear trend.
  void start_logistic(const VectorXd& trend) {
    double t = 0, tt = 0, z = 0, tz = 0;
    const double n = static_cast<double>(rows_);
    for (Eigen::Index row = 0; row < rows_; ++row) {
      const double share = std::clamp(trend[row] / fit_.capacity, 0.01, 0.99);
      const double logit = log(share / (1 - share));
      t += time_[row], tt += time_[row] * time_[row], z += logit, tz += time_[row] * logit;
    }
    theta_.setZero();
    const double spread = tt - t * t / n;
    theta_[1] = spread > 1e-9 ? (tz - t * z / n) / spread : 0;
    theta_[0] = (z - theta_[1] * t) / n;
  }

  /// Trend and its derivative by the basis.
  std::pair<VectorXd, VectorXd> trend_and_slope(const VectorXd& theta) const {
    VectorXd sum = trend_basis_sum(theta);
    if (shape_.growth != TrendGrowth::Logistic) return {std::move(sum), VectorXd::Ones(rows_)};
    VectorXd slope(rows_);
    for (Eigen::Index row = 0; row < rows_; ++row) {
      const double share = 1 / (1 + exp(-sum[row]));
      sum[row] = fit_.capacity * share;
      slope[row] = fit_.capacity * share * (1 - share);
    }
    return {std::move(sum), std::move(slope)};
  }

  /// Minus the logarithm of the posterior, with the noise at its own maximum.
  double objective() const {
    const VectorXd trend = trend_and_slope(theta_).first;
    const VectorXd effect = effects_ * beta_;
    const VectorXd fitted =
        shape_.multiplicative ? VectorXd(trend.array() * (1 + effect.array())) : VectorXd(trend + effect);
    const double square = (weights_.array() * (values_ - fitted).array().square()).sum();
    const double variance = std::max(square / measured_, kDeviationFloor * kDeviationFloor);
    double prior = theta_.head(std::min<Eigen::Index>(2, theta_.size())).squaredNorm() / (2 * kRateVariance);
    if (theta_.size() > 2)
      prior += theta_.tail(theta_.size() - 2).cwiseAbs().sum() / shape_.changepoint_scale;
    prior += beta_.squaredNorm() / (2 * shape_.effect_deviation * shape_.effect_deviation);
    return 0.5 * measured_ * log(variance) + prior;
  }

  void linearise() {
    double best = objective();
    for (int round = 0; round < kLinearisations; ++round) {
      const auto [trend, slope] = trend_and_slope(theta_);
      const VectorXd effect = effects_ * beta_;
      const VectorXd basis = trend_basis_sum(theta_);
      const VectorXd steepness =
          shape_.multiplicative ? VectorXd(slope.array() * (1 + effect.array())) : slope;
      const VectorXd share = shape_.multiplicative ? trend : VectorXd::Ones(rows_);
      const VectorXd fitted =
          shape_.multiplicative ? VectorXd(trend.array() * (1 + effect.array())) : VectorXd(trend + effect);
      const VectorXd target = values_ - fitted + steepness.cwiseProduct(basis) + share.cwiseProduct(effect);
      const VectorXd theta = theta_, beta = beta_;
      solve(assemble(steepness, share, target));
      if (shape_.growth == TrendGrowth::Logistic)
        theta_[0] = std::clamp(theta_[0], -4 * kLogitMax, 4 * kLogitMax);
      double now = objective();
      for (int half = 0; half < 5 && !(now <= best + 1e-9); ++half) {
        theta_ = 0.5 * (theta_ + theta);
        beta_ = 0.5 * (beta_ + beta);
        now = objective();
      }
      if (!(now <= best + 1e-9)) {
        theta_ = theta;
        beta_ = beta;
        return;
      }
      const bool done = best - now < kConverged;
      best = now;
      if (done) return;
    }
  }

  const AdditiveDesign& design_;
  const AdditiveShape& shape_;
  Eigen::Index rows_;
  AdditiveFit fit_;
  MatrixXd effects_;
  VectorXd values_, weights_, time_;
  std::vector<Eigen::Index> knots_;  ///< last row before each changepoint's hinge rises
  double measured_ = 0;
  VectorXd theta_, beta_;
  double variance_ = 1;
};

}  // namespace

AdditiveFit fit_additive(const AdditiveDesign& design, const AdditiveSubset& subset,
                         const AdditiveShape& shape) {
  return PosteriorMode(design, subset, shape).run();
}

}  // namespace forewarm
