#include "core/forecast/models/arima_filter.h"

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr double kGainConverged = 1e-9;   // surprise of the variance of a surprise
constexpr double kDiffuseVariance = 1e6;  // in variances of e
constexpr double kDiffuseCounted = 1e4;   // above: the filter has not yet seen enough to say anything

/// The process as dense vectors over the state: ar[i] and gain[i] belong to lag i + 1.
struct StateForm {
  std::size_t size = 1;
  std::vector<double> ar, ma;

  explicit StateForm(const ArimaProcess& process)
      : size(std::max(process.ar_reach(), process.ma_reach() + 1)), ar(size), ma(size) {
    for (const LagWeight& weight : process.ar) ar[weight.lag - 1] += weight.weight;
    for (const LagWeight& weight : process.ma) ma[weight.lag - 1] += weight.weight;
  }
};

/// Covariances of each element of the state with the first when nothing is known yet. State i is what the
/// past says of the step i on: sum over j > i of ar[j] w(t + i - j) + ma likewise.
std::vector<double> start_covariances(const ArimaProcess& process, std::size_t size) {
  const std::vector<double> gamma = autocovariances(process);
  if (gamma.empty()) return {};
  const std::vector<double> psi = psi_weights(process, size);
  std::vector<double> covariances(size);
  covariances[0] = gamma[0];
  for (std::size_t i = 1; i < size; ++i) {
    for (const LagWeight& ar : process.ar) {
      if (ar.lag > i) covariances[i] += ar.weight * gamma[ar.lag - i];
    }
    for (const LagWeight& ma : process.ma) {
      if (ma.lag >= i) covariances[i] += ma.weight * psi[ma.lag - i];
    }
  }
  return covariances;
}

/// Variance of the next surprise and the gain that belongs to it, step by step.
struct FastGain {
  double variance = 1;
  std::vector<double> gain;       ///< covariance of the next state with the surprise
  std::vector<double> direction;  ///< the covariance changes by change * direction * direction'
  double change = 0;

  FastGain(const StateForm& form, const std::vector<double>& start)
      : variance(start[0]), gain(form.size), change(-1 / start[0]) {
    for (std::size_t i = 0; i < form.size; ++i)
      gain[i] = (i + 1 < form.size ? start[i + 1] : 0) + form.ar[i] * start[0];
    direction = gain;
  }

  void advance(const StateForm& form) {
    const double first = direction[0];
    const double moved = change * first;
    const double next_variance = variance + moved * first;
    const double back = first / next_variance;
    for (std::size_t i = 0; i + 1 < form.size; ++i) {
      const double turned = direction[i + 1] + form.ar[i] * first;
      gain[i] += moved * turned;
      direction[i] = turned - gain[i] * back;
    }
    const std::size_t last = form.size - 1;
    const double turned = form.ar[last] * first;
    gain[last] += moved * turned;
    direction[last] = turned - gain[last] * back;
    change += moved * moved / variance;
    variance = next_variance;
  }
};

/// Runs constant gain from `from` on. `ahead` has what is expected of each step by the steps before `from`.
void whiten_steadily(const ArimaProcess& process, std::span<double> values, std::span<double> ahead,
                     std::size_t from) {
  for (std::size_t t = from; t < values.size(); ++t) {
    const double value = values[t];
    const double surprise = value - ahead[t];
    values[t] = surprise;
    for (const LagWeight& ar : process.ar) ahead[t + ar.lag] += ar.weight * value;
    for (const LagWeight& ma : process.ma) ahead[t + ma.lag] += ma.weight * surprise;
  }
}

/// The state's covariance from its first column: it reproduces itself from one step to the next.
Eigen::MatrixXd whole_covariance(const StateForm& form, const std::vector<double>& first) {
  const auto size = static_cast<Eigen::Index>(form.size);
  Eigen::MatrixXd covariance = Eigen::MatrixXd::Zero(size + 1, size + 1);
  for (Eigen::Index i = 0; i < size; ++i)
    covariance(i, 0) = covariance(0, i) = first[static_cast<std::size_t>(i)];
  const auto ar = [&](Eigen::Index i) { return form.ar[static_cast<std::size_t>(i)]; };
  const auto entry = [&](Eigen::Index i) { return i == 0 ? 1 : form.ma[static_cast<std::size_t>(i - 1)]; };
  for (Eigen::Index i = size - 1; i > 0; --i) {
    for (Eigen::Index k = size - 1; k > 0; --k) {
      covariance(i, k) = covariance(i + 1, k + 1) + ar(i) * covariance(0, k + 1) +
                         ar(k) * covariance(i + 1, 0) + ar(i) * ar(k) * first[0] + entry(i) * entry(k);
    }
  }
  return covariance.topLeftCorner(size, size);
}

/// Kalman filter over the state and the values that differences need.
class GapFilter {
 public:
  GapFilter(const ArimaProcess& process, const std::vector<double>& start)
      : process_(process), form_(process), lost_(process.difference_reach()) {
    const auto size = index(form_.size + lost_);
    state_ = Eigen::VectorXd::Zero(size);
    covariance_ = kDiffuseVariance * Eigen::MatrixXd::Identity(size, size);
    covariance_.topLeftCorner(index(form_.size), index(form_.size)) = whole_covariance(form_, start);
  }

  void step(double value, ArimaInnovations& result) {
    const Eigen::VectorXd seen = observed(covariance_);
    const double variance = observed(seen)(0);
    result.standardized.push_back(0);
    if (value == value) {
      const double surprise = value - process_.mean - observed(state_)(0);
      state_ += seen * (surprise / variance);
      covariance_ -= seen * (seen.transpose() / variance);
      if (variance < kDiffuseCounted) {
        result.standardized.back() = surprise / sqrt(variance);
        result.log_variances += log(variance);
        ++result.counted;
      }
    }
    state_ = moved(state_);
    if (lost_ > 0) state_(index(form_.size)) += process_.mean;
    covariance_ = moved(moved(covariance_).transpose());
    for (std::size_t i = 0; i < form_.size; ++i) {
      for (std::size_t k = 0; k < form_.size; ++k)
        covariance_(index(i), index(k)) += (i == 0 ? 1 : form_.ma[i - 1]) * (k == 0 ? 1 : form_.ma[k - 1]);
    }
  }

  void finish(ArimaInnovations& result) const {
    result.state.assign(state_.begin(), state_.begin() + static_cast<std::ptrdiff_t>(form_.size));
    for (std::size_t i = lost_; i > 0; --i) result.past.push_back(state_(index(form_.size + i - 1)));
  }

 private:
  static Eigen::Index index(std::size_t i) { return static_cast<Eigen::Index>(i); }

  /// What is observed of each column, mean apart: w and the differences' values.
  Eigen::VectorXd observed(const Eigen::MatrixXd& columns) const {
    Eigen::RowVectorXd row = columns.row(0);
    for (const LagWeight& d : process_.differences)
      row += d.weight * columns.row(index(form_.size + d.lag - 1));
    return row.transpose();
  }

  /// The transition applied to each column.
  Eigen::MatrixXd moved(const Eigen::MatrixXd& columns) const {
    Eigen::MatrixXd next(columns.rows(), columns.cols());
    const Eigen::Index size = index(form_.size);
    next.topRows(size - 1) = columns.middleRows(1, size - 1);
    next.row(size - 1).setZero();
    for (const LagWeight& ar : process_.ar) next.row(index(ar.lag) - 1) += ar.weight * columns.row(0);
    if (lost_ == 0) return next;
    next.row(size) = observed(columns).transpose();
    next.bottomRows(index(lost_) - 1) = columns.middleRows(size, index(lost_) - 1);
    return next;
  }

  const ArimaProcess& process_;
  StateForm form_;
  std::size_t lost_;
  Eigen::VectorXd state_;
  Eigen::MatrixXd covariance_;
};

}  // namespace

bool whiten(const ArimaProcess& process, std::span<double> columns, std::size_t steps,
            ArimaInnovations& result) {
  const StateForm form(process);
  const std::vector<double> start = start_covariances(process, form.size);
  if (start.empty() || steps == 0) return false;
  FastGain gain(form, start);
  const std::size_t reach = steps + form.size;
  const std::size_t count = columns.size() / steps;
  std::vector<double> ahead(count * reach);  // what is expected of each step, added up as its past comes
  result.log_variances = 0;
  result.counted = steps;
  std::size_t t = 0;
  for (; t < steps && gain.variance - 1 > kGainConverged; ++t) {
    const double deviation = sqrt(gain.variance);
    result.log_variances += log(gain.variance);
    for (std::size_t column = 0; column < count; ++column) {
      double* const expected = &ahead[column * reach + t];
      double& value = columns[column * steps + t];
      const double first = expected[0];
      const double share = (value - first) / gain.variance;
      for (std::size_t i = 0; i < form.size; ++i)
        expected[i + 1] += form.ar[i] * first + gain.gain[i] * share;
      value = (value - first) / deviation;
    }
    gain.advance(form);
    if (!(gain.variance > 0.5)) return false;
  }
  for (std::size_t column = 0; column < count; ++column) {
    whiten_steadily(process, columns.subspan(column * steps, steps),
                    std::span(ahead).subspan(column * reach, reach), t);
  }
  result.state.assign(ahead.begin() + static_cast<std::ptrdiff_t>(steps),
                      ahead.begin() + static_cast<std::ptrdiff_t>(reach));
  return true;
}

bool filter_with_gaps(const ArimaProcess& process, std::span<const double> values, ArimaInnovations& result) {
  const std::vector<double> start =
      start_covariances(process, std::max(process.ar_reach(), process.ma_reach() + 1));
  if (start.empty()) return false;
  GapFilter filter(process, start);
  result = {};
  result.standardized.reserve(values.size());
  for (const double value : values) filter.step(value, result);
  filter.finish(result);
  return result.counted > 0;
}

}  // namespace forewarm
