#include <Eigen/Dense>

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "core/forecast/models/level_features.h"
#include "core/forecast/models/models.h"
#include "core/forecast/quantile_mix.h"
#include "core/forecast/state_bytes.h"

namespace forewarm {
namespace {

constexpr std::size_t kRegressionMeasuredMin = 8;
constexpr std::size_t kRegressionSamplesMax = 1200;  // a band
constexpr std::size_t kCoefficientsMax = 1 + LevelFeatures::kWindowCount + 3 * LevelFeatures::kSeasonsMax;
constexpr std::size_t kPriorLevel = LevelFeatures::kWindowCount;  // index of the slowest level: it stays
constexpr double kLevelRidge = 50;          // noise alone must not say that a level never shifts
constexpr std::size_t kResidualsMax = 256;  // a band
constexpr double kRidge = 1.0;              // pseudo-observations for the prior
constexpr double kOldestWeight = 0.4;       // of a sample at the beginning of the window
constexpr double kBeyondSeen = 0.5;         // how far, in logarithms, it may go beyond what it has fitted
constexpr double kAlikeness = 2;       // residuals count less by exp(-2 x distance of their fitted value)
constexpr double kAnyResidual = 0.02;  // and never less than this
constexpr std::size_t kPersistenceLead = 12;
constexpr std::size_t kPersistenceSteps = 300;
constexpr std::size_t kBandLeads[kLeadBands][4] = {{1, 2, 3, 4}, {5, 8, 12, 16}, {17, 24, 36, 48}};

using Coefficients = std::array<double, kCoefficientsMax>;
using Square = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, 0, kCoefficientsMax, kCoefficientsMax>;
using Column = Eigen::Matrix<double, Eigen::Dynamic, 1, 0, kCoefficientsMax, 1>;

struct RegressionSample {
  Coefficients x{};
  double y = 0;
  double weight = 0;
};

/// What was learnt for a band of leads.
struct BandFit {
  Coefficients beta{};
  std::vector<WeightedValue> residuals;  ///< residual, ascending, and as the weight what was fitted
  double lowest = 0, highest = 0;        ///< of what was fitted
};

double product(const Coefficients& beta, const Coefficients& x) {
  double sum = 0;
  for (std::size_t i = 0; i < kCoefficientsMax; ++i) sum += beta[i] * x[i];
  return sum;
}

/// Direct multi-step regression: for each band of leads one weighted ridge regression of the logarithm to
/// come on levels over growing windows and on the seasons' profiles, shrunk towards "the level of the last
/// minutes stays" (Marcellino, Stock and Watson 2006 on direct forecasts; Hoerl and Kennard 1970 on ridge).
/// Quantiles are those of its residuals where it had fitted similar values. Regressors are not used.
class DirectRegression final : public Forecaster {
 public:
  ModelId id() const override { return ModelId::DirectRegression; }

  Result<void> fit(const SeriesView& history) override {
    begin_after(history);
    history_.assign(history.values);
    fitted_ = history_.measured() >= kRegressionMeasuredMin;
    if (!fitted_) {
      return error(ErrorCode::Invalid, "a direct regression needs " + std::to_string(kRegressionMeasuredMin) +
                                           " measured steps, but the history has " +
                                           std::to_string(history_.measured()));
    }
    features_.assign(history_, history.seasons);
    for (std::size_t band = 0; band < kLeadBands; ++band) bands_[band] = fit_band(band);
    persistence_ = measured_persistence();
    return {};
  }

  void update(float value, std::span<const float>) override {
    history_.push(value);
    pass_step();
  }

  std::vector<LevelValues> rows(std::span<const std::size_t> leads, Columns) const override {
    std::vector<LevelValues> rows;
    const std::size_t n = history_.size();
    std::vector<WeightedValue> sample;
    for (const std::size_t lead : leads) {
      const BandFit& fit = bands_[lead_band(lead)];
      const double expected = expected_at(n, n + lead - 1);
      sample.clear();
      for (const auto& [residual, fitted] : fit.residuals) {
        const double weight = exp(-std::abs(fitted - expected) * kAlikeness) + kAnyResidual;
        sample.push_back({residual, weight});
      }
      LevelValues row = weighted_quantiles(sample);
      for (double& value : row) value = std::max(0.0, features_.from_log(expected + value));
      rows.push_back(row);
    }
    return rows;
  }

  std::string save() const override { return save_model(*this); }
  Result<void> load(std::string_view state) override { return load_model(*this, state); }

  static constexpr std::uint8_t kStateVersion = 1;
  static void fields(auto& model, auto& archive) {
    progress(model, archive);
    archive(model.persistence_);
    ValueHistory::fields(model.history_, archive);
    LevelFeatures::fields(model.features_, archive);
    for (auto& band : model.bands_) {
      archive(band.beta);
      archive(band.residuals);
      archive(band.lowest);
      archive(band.highest);
    }
  }
  bool settle() {
    if (step_ <= Duration(0) || !history_.settle() || !(persistence_ >= 0 && persistence_ < 1)) return false;
    if (!fitted_) return true;
    if (history_.size() == 0 || !features_.is_sound()) return false;
    for (const BandFit& band : bands_) {
      if (band.residuals.empty()) return false;
      if (!std::isfinite(band.lowest) || !std::isfinite(band.highest)) return false;
      for (const auto& [residual, fitted] : band.residuals) {
        if (!std::isfinite(residual) || !std::isfinite(fitted)) return false;
      }
      for (const double beta : band.beta) {
        if (!std::isfinite(beta)) return false;
      }
    }
    return true;
  }

 private:
  double persistence() const override { return persistence_; }
  std::size_t count() const { return 1 + LevelFeatures::kWindowCount + 3 * features_.seasons(); }

  Coefficients features_at(std::size_t origin, std::size_t target) const {
    Coefficients x{};
    std::size_t i = 0;
    x[i++] = 1;
    for (std::size_t w = 0; w < LevelFeatures::kWindowCount; ++w)
      x[i++] = features_.level(history_, origin, w);
    for (std::size_t s = 0; s < features_.seasons(); ++s) {
      const double there = features_.season_level(history_, s, origin, target);
      x[i++] = there;
      x[i++] = features_.season_level(history_, s, origin, origin - 1);
      const std::size_t period = features_.season(s);
      const std::size_t back = ((target - origin) / period + 1) * period;
      const bool known = target >= back && history_.measured_at(target - back);
      x[i++] = known ? features_.to_log(history_[target - back]) : there;
    }
    return x;
  }

  /// Logarithm of `target` as seen from `origin`: no farther off than what was fitted or is there now.
  double expected_at(std::size_t origin, std::size_t target) const {
    const BandFit& fit = bands_[lead_band(target + 1 - origin)];
    const Coefficients x = features_at(origin, target);
    const double low = std::min(fit.lowest, x[1]) - kBeyondSeen;
    const double high = std::max(fit.highest, x[1]) + kBeyondSeen;
    return std::clamp(product(fit.beta, x), low, high);
  }

  /// Correlation of the errors of two steps next to each other that are forecast from the same origin.
  double measured_persistence() const {
    const std::size_t n = history_.size();
    double products = 0, squares = 0;
    for (std::size_t t = n - std::min(n, kPersistenceSteps); t + 1 < n; ++t) {
      if (t < 2 * kPersistenceLead || !history_.measured_at(t) || !history_.measured_at(t + 1)) continue;
      const std::size_t origin = t + 1 - kPersistenceLead;
      const double error = features_.to_log(history_[t]) - expected_at(origin, t);
      const double next = features_.to_log(history_[t + 1]) - expected_at(origin, t + 1);
      products += error * next;
      squares += 0.5 * (error * error + next * next);
    }
    return squares > 0 ? std::clamp(products / squares, 0.0, 0.95) : 0;
  }

  BandFit fit_band(std::size_t band) const {
    const std::size_t n = history_.size();
    const std::size_t longest = features_.seasons() > 0 ? features_.season(features_.seasons() - 1) : 0;
    const std::size_t from =
        std::min(n / 2, longest + LevelFeatures::kWindows[LevelFeatures::kWindowCount - 1]);
    const std::size_t stride = std::max<std::size_t>(1, (n - from) / kRegressionSamplesMax);
    std::vector<RegressionSample> samples;
    std::size_t turn = 0;
    for (std::size_t target = n - 1; target > from; target -= std::min(stride, target)) {
      const std::size_t lead = kBandLeads[band][turn++ % std::size(kBandLeads[band])];
      if (!history_.measured_at(target) || target + 1 < lead + 4) continue;
      const double age = static_cast<double>(n - target) / static_cast<double>(n - from);
      samples.push_back({.x = features_at(target + 1 - lead, target),
                         .y = features_.to_log(history_[target]),
                         .weight = 1 - (1 - kOldestWeight) * age});
    }
    BandFit fit;
    if (samples.empty()) return unlearnt(band);
    fit.beta = solve(samples);
    std::vector<WeightedValue> residuals;
    for (const RegressionSample& sample : samples) {
      const double fitted = product(fit.beta, sample.x);
      residuals.push_back({.value = sample.y - fitted, .weight = fitted});
    }
    const auto by_fitted = [](const auto& one, const auto& other) {
      return std::pair(one.weight, one.value) < std::pair(other.weight, other.value);
    };
    std::sort(residuals.begin(), residuals.end(), by_fitted);
    fit.lowest = residuals.front().weight;
    fit.highest = residuals.back().weight;
    const std::size_t apart = (residuals.size() + kResidualsMax - 1) / kResidualsMax;
    for (std::size_t i = apart / 2; i < residuals.size(); i += apart) fit.residuals.push_back(residuals[i]);
    std::sort(fit.residuals.begin(), fit.residuals.end(), [](const auto& one, const auto& other) {
      return std::pair(one.value, one.weight) < std::pair(other.value, other.weight);
    });
    return fit;
  }

  /// Where the history is too short for these leads: as for the leads before, or the level stays.
  BandFit unlearnt(std::size_t band) const {
    if (band > 0) return bands_[band - 1];
    BandFit fit;
    fit.beta[kPriorLevel] = 1;
    const std::size_t n = history_.size();
    fit.lowest = fit.highest = product(fit.beta, features_at(n, n));
    fit.residuals.push_back({.value = 0, .weight = fit.lowest});
    return fit;
  }

  Coefficients solve(const std::vector<RegressionSample>& samples) const {
    const auto size = static_cast<Eigen::Index>(count());
    Square gram = Square::Identity(size, size) * kRidge;
    gram(0, 0) = 1e-6;
    gram(kPriorLevel, kPriorLevel) = kLevelRidge;
    Column moment = Column::Zero(size);
    for (const RegressionSample& sample : samples) {
      const Eigen::Map<const Column> x(sample.x.data(), size);
      gram.noalias() += sample.weight * x * x.transpose();
      moment.noalias() += sample.weight * (sample.y - sample.x[kPriorLevel]) * x;
    }
    const Column solution = gram.ldlt().solve(moment);
    Coefficients beta{};
    for (Eigen::Index i = 0; i < size; ++i) beta[static_cast<std::size_t>(i)] = solution(i);
    beta[kPriorLevel] += 1;
    return beta;
  }

  double persistence_ = 0;
  ValueHistory history_;
  LevelFeatures features_;
  std::array<BandFit, kLeadBands> bands_;
};

}  // namespace

std::unique_ptr<Forecaster> make_direct_regression() {
  return std::make_unique<DirectRegression>();
}

}  // namespace forewarm
