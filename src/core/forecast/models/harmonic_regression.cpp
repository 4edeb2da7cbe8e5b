#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"
#include "core/forecast/models/arima_order.h"
#include "core/forecast/models/arima_regression.h"
#include "core/forecast/models/arima_state.h"
#include "core/forecast/models/harmonic_choice.h"
#include "core/forecast/models/least_squares.h"
#include "core/forecast/models/models.h"
#include "core/forecast/models/value_scale.h"
#include "core/forecast/quantile_set.h"
#include "core/forecast/state_bytes.h"

namespace forewarm {
namespace {

constexpr std::size_t kHarmonicMeasuredMin = 8;
constexpr std::size_t kHarmonicWindow = 2048;     // newest steps that are learnt from
constexpr std::size_t kHarmonicWindowMax = 8192;  // or more, where a season is long
constexpr std::size_t kHarmonicCycles = 4;        // of the longest season in the window
constexpr double kHarmonicCeiling = 3;            // times the largest value seen
constexpr double kHarmonicStateCost = 300'000;    // multiplications
constexpr std::size_t kHarmonicRegressorsMax = 8;

/// Steps to learn from: enough cycles of every season that can have two in the history.
std::size_t harmonic_window(std::size_t steps, std::span<const std::uint32_t> seasons) {
  std::size_t wanted = kHarmonicWindow;
  for (const std::uint32_t season : seasons) {
    if (2 * std::size_t{season} <= std::min(steps, kHarmonicWindowMax))
      wanted = std::max(wanted, kHarmonicCycles * season);
  }
  return std::min({wanted, kHarmonicWindowMax, steps});
}

/// A regression under way: its features and what its errors are like.
struct HarmonicPart {
  std::vector<RegressionFeature> features;
  std::vector<double> weights;
  ArimaState state;
  LeadErrors errors;
  double persistence = 0;

  double regression(std::uint64_t step, std::span<const double> regressors) const {
    double sum = 0;
    for (std::size_t i = 0; i < features.size(); ++i)
      sum += weights[i] * feature_value(features[i], step, regressors);
    return sum;
  }

  static void fields(auto& part, auto& archive) {
    archive(part.features);
    archive(part.weights);
    ArimaState::fields(part.state, archive);
    LeadErrors::fields(part.errors, archive);
    archive(part.persistence);
  }
  bool sound(std::span<const RegressorScale> scales) const {
    return weights.size() == features.size() && are_sound(features, scales) && state.is_sound() &&
           errors.is_sound() && std::abs(persistence) <= 1 &&
           std::all_of(weights.begin(), weights.end(), [](double weight) { return std::abs(weight) < 1e16; });
  }
};

/// Least squares over the measured steps, one column of weights a target.
Eigen::MatrixXd plain_weights(const Eigen::MatrixXd& design, const Eigen::MatrixXd& targets,
                              std::span<const double> values, double ridge, Eigen::Index unshrunk) {
  const Eigen::Index count = design.cols();
  Eigen::MatrixXd rows(design.rows(), count + targets.cols());
  rows << design, targets;
  for (Eigen::Index t = 0; t < rows.rows(); ++t) {
    if (values[static_cast<std::size_t>(t)] != values[static_cast<std::size_t>(t)]) rows.row(t).setZero();
  }
  const Eigen::MatrixXd products = products_of_columns(rows);
  Eigen::MatrixXd gram = products.topLeftCorner(count, count);
  gram.diagonal() *= 1 + 1e-9;
  gram.diagonal().array() += 1e-9;
  gram.diagonal().tail(count - unshrunk).array() += ridge * static_cast<double>(rows.rows());
  const Eigen::LDLT<Eigen::MatrixXd> factors(gram);
  Eigen::MatrixXd weights(count, targets.cols());
  for (Eigen::Index i = 0; i < targets.cols(); ++i) {
    const Eigen::VectorXd right = products.col(count + i).head(count);
    weights.col(i) = factors.solve(right);
  }
  return weights;
}

/// Mean absolute error, in messages, one step ahead with the first autocorrelation of the errors.
double scale_loss(std::span<const double> values, const Eigen::VectorXd& fitted, double correlation,
                  ValueScale scale) {
  double sum = 0, before = 0;
  for (std::size_t t = 0; t < values.size(); ++t) {
    const double expected = fitted[static_cast<Eigen::Index>(t)];
    if (values[t] == values[t]) {
      sum += std::abs(off_scale(values[t], scale) - off_scale(expected + correlation * before, scale));
      before = values[t] - expected;
    }
  }
  return sum;
}

/// Dynamic harmonic regression: waves of every season and what regressors add, with ARIMA errors (Young,
/// Pedregal and Tych 1999; Hyndman and Athanasopoulos, Forecasting: Principles and Practice, section 10.5),
/// on the plain or the square-root scale, with empirical quantiles of its own errors at each lead. Long and
/// several seasons cost it no more than short ones. Where a future regressor is not known, a second fit
/// without any answers.
class HarmonicRegression final : public Forecaster {
 public:
  ModelId id() const override { return ModelId::HarmonicRegression; }

  Result<void> fit(const SeriesView& history) override {
    fitted_ = false;
    begin_after(history);
    const std::size_t steps = harmonic_window(history.values.size(), history.seasons);
    const std::span<const float> window = history.values.last(steps);
    const auto measured = static_cast<std::size_t>(
        std::count_if(window.begin(), window.end(), [](float value) { return std::isfinite(value); }));
    if (measured < kHarmonicMeasuredMin) {
      return error(ErrorCode::Invalid, "harmonic regression needs " + std::to_string(kHarmonicMeasuredMin) +
                                           " measured steps among the newest " + std::to_string(steps) +
                                           ", but the history has " + std::to_string(measured));
    }
    std::vector<std::span<const float>> regressors;
    scales_.clear();
    for (const std::span<const float> regressor : history.regressors) {
      if (regressors.size() == kHarmonicRegressorsMax) break;
      regressors.push_back(regressor.last(std::min(steps, regressor.size())));
      if (regressors.back().size() < steps) {
        return error(ErrorCode::Invalid, "a regressor has " + std::to_string(regressor.size()) +
                                             " steps, but the history has " +
                                             std::to_string(history.values.size()));
      }
      scales_.push_back(scale_of(regressors.back()));
    }
    next_ = steps;
    learn(window, history.seasons, regressors);
    fitted_ = true;
    return {};
  }

  void update(float value, std::span<const float> regressors) override {
    if (fitted_) {
      const double scaled = onto_scale(value, scale_);
      const std::vector<double> known =
          standardized([&](std::size_t i) { return i < regressors.size() ? regressors[i] : kUnknown; });
      base_.state.update(scaled - base_.regression(next_, known));
      if (!with_.features.empty()) with_.state.update(scaled - with_.regression(next_, known));
      if (scaled == scaled) ceiling_ = std::max(ceiling_, off_scale(scaled, scale_));
      ++next_;
    }
    pass_step();
  }

  std::vector<LevelValues> rows(std::span<const std::size_t> leads, Columns future) const override {
    std::vector<double> base(leads.size()), with(leads.size());
    base_.state.expected(leads, base);
    if (!with_.features.empty()) with_.state.expected(leads, with);
    std::vector<LevelValues> rows;
    rows.reserve(leads.size());
    for (std::size_t i = 0; i < leads.size(); ++i) {
      const std::size_t lead = leads[i];
      const bool all_known = !with_.features.empty() && knows(future, lead);
      const HarmonicPart& part = all_known ? with_ : base_;
      const std::vector<double> known =
          standardized([&](std::size_t j) { return all_known ? future[j][lead - 1] : kUnknown; });
      const double expected = (all_known ? with : base)[i] + part.regression(next_ + lead - 1, known);
      LevelValues row = part.errors.around(expected, lead);
      for (double& value : row) value = std::min(off_scale(value, scale_), kHarmonicCeiling * ceiling_);
      rows.push_back(row);
    }
    return rows;
  }

  std::string save() const override { return save_model(*this); }
  Result<void> load(std::string_view state) override { return load_model(*this, state); }

  static constexpr std::uint8_t kStateVersion = 1;
  static void fields(auto& model, auto& archive) {
    progress(model, archive);
    archive(model.scale_);
    archive(model.ceiling_);
    archive(model.next_);
    archive(model.scales_);
    HarmonicPart::fields(model.base_, archive);
    HarmonicPart::fields(model.with_, archive);
  }
  bool settle() const {
    if (step_ <= Duration(0) || !is_sound(scale_) || !(ceiling_ >= 0 && ceiling_ <= 1e16)) return false;
    if (!fitted_) return true;
    return scales_.size() <= kHarmonicRegressorsMax && base_.sound(scales_) &&
           std::none_of(base_.features.begin(), base_.features.end(),
                        [](const RegressionFeature& feature) { return feature.has_regressor(); }) &&
           (with_.features.empty() || with_.sound(scales_));
  }

 private:
  static constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

  double persistence() const override { return base_.persistence; }

  std::vector<double> standardized(const auto& value_of) const {
    std::vector<double> known(scales_.size());
    for (std::size_t i = 0; i < known.size(); ++i)
      known[i] = scales_[i].standardized(static_cast<double>(value_of(i)));
    return known;
  }

  /// Whether every regressor is known `lead` steps on.
  bool knows(Columns future, std::size_t lead) const {
    if (future.size() < scales_.size()) return false;
    return std::all_of(future.begin(), future.begin() + static_cast<std::ptrdiff_t>(scales_.size()),
                       [&](std::span<const float> regressor) {
                         return regressor.size() >= lead && std::isfinite(regressor[lead - 1]);
                       });
  }

  void learn(std::span<const float> window, std::span<const std::uint32_t> seasons, Columns regressors) {
    const std::vector<double> root = onto_scale(window, ValueScale::SquareRoot);
    const std::vector<double> plain = onto_scale(window, ValueScale::Plain);
    const HarmonicChoice choice = choose_harmonics(root, seasons, regressors, scales_);
    const Eigen::MatrixXd design = design_matrix(choice.base, window.size(), regressors, scales_);
    Eigen::MatrixXd targets(design.rows(), 2);
    for (Eigen::Index t = 0; t < design.rows(); ++t) {
      const auto at = static_cast<std::size_t>(t);
      targets(t, 0) = plain[at] == plain[at] ? plain[at] : 0;
      targets(t, 1) = plain[at] == plain[at] ? root[at] : 0;
    }
    const Eigen::MatrixXd weights = plain_weights(design, targets, plain, 0, design.cols());
    const double plain_loss =
        scale_loss(plain, design * weights.col(0), choice.correlation, ValueScale::Plain);
    const double root_loss =
        scale_loss(root, design * weights.col(1), choice.correlation, ValueScale::SquareRoot);
    scale_ = plain_loss < root_loss ? ValueScale::Plain : ValueScale::SquareRoot;
    const std::vector<double>& values = scale_ == ValueScale::Plain ? plain : root;
    base_ = part_of(values, choice.base, choice, regressors);
    with_ = {};
    if (!choice.regressors.empty()) {
      std::vector<RegressionFeature> features = choice.base;
      features.insert(features.end(), choice.regressors.begin(), choice.regressors.end());
      with_ = part_of(values, std::move(features), choice, regressors);
    }
    ceiling_ = 0;
    for (const double value : plain) ceiling_ = std::max(ceiling_, value == value ? value : 0);
  }

  HarmonicPart part_of(std::span<const double> values, std::vector<RegressionFeature> features,
                       const HarmonicChoice& choice, Columns regressors) const {
    const Eigen::MatrixXd design = design_matrix(features, values.size(), regressors, scales_);
    const auto unshrunk = static_cast<Eigen::Index>(choice.base.size());
    Eigen::VectorXd target(design.rows());
    for (Eigen::Index t = 0; t < target.size(); ++t) {
      const double value = values[static_cast<std::size_t>(t)];
      target[t] = value == value ? value : 0;
    }
    const Eigen::VectorXd start = plain_weights(design, target, values, choice.ridge, unshrunk);
    const Eigen::VectorXd fitted = design * start;
    std::vector<double> rest(values.begin(), values.end());
    for (std::size_t t = 0; t < rest.size(); ++t) rest[t] -= fitted[static_cast<Eigen::Index>(t)];
    ArimaOrder order =
        search_arima(rest, {.orders_max = 8, .finalists = 0, .steps_max = 512, .likelihood_cost_max = 0})
            .order;
    order.constant = false;
    const ArimaRegression found =
        fit_arima_regression(values, design, order, start,
                             {.rounds = 0, .exact = false, .ridge = choice.ridge, .unshrunk = unshrunk});
    const ArimaSeries series(found.residuals, order);
    HarmonicPart part;
    part.features = std::move(features);
    part.weights.assign(found.weights.begin(), found.weights.end());
    part.state = settled_state(series, found.errors, kHarmonicStateCost);
    part.state.follow_level(kArimaFollow);
    part.errors = own_errors(series, found.errors.process());
    part.persistence = found.errors.process().persistence(8);
    // The weights were fitted to the steps that the errors are measured on.
    const auto steps = static_cast<double>(values.size());
    const double widened = steps / std::max(steps / 2, steps - static_cast<double>(part.weights.size()));
    for (LevelValues& quantiles : part.errors.quantiles) {
      for (double& value : quantiles) value *= widened;
    }
    return part;
  }

  ValueScale scale_ = ValueScale::Plain;
  double ceiling_ = 0;      ///< largest value seen, in messages
  std::uint64_t next_ = 0;  ///< the next step, counted from the beginning of the window of the fit
  std::vector<RegressorScale> scales_;
  HarmonicPart base_;  ///< without regressors
  HarmonicPart with_;  ///< with them; no features where they do not help
};

}  // namespace

std::unique_ptr<Forecaster> make_harmonic_regression() {
  return std::make_unique<HarmonicRegression>();
}

}  // namespace forewarm
