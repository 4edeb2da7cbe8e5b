#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace forewarm {

enum class TrendGrowth : std::uint8_t { Flat, Linear, Logistic };

/// One Fourier pair: sine and cosine of `turns_per_step` times the step.
struct Harmonic {
  double turns_per_step = 0;
  double sine = 0;  ///< coefficients
  double cosine = 0;
};

/// A regressor as it enters: (value - centre) / spread, times `weight`.
struct RegressorEffect {
  double centre = 0;
  double spread = 1;
  double weight = 0;

  /// 0 where the value is not finite.
  double entered(float value) const;
  double of(float value) const { return weight * entered(value); }
};

/// Priors and shape of an additive model, in the scaled units of Taylor and Letham (values by the largest
/// absolute value, time by the length of the history); the defaults are theirs.
struct AdditiveShape {
  TrendGrowth growth = TrendGrowth::Linear;
  bool multiplicative = false;  ///< seasons and regressors are shares of the trend
  double capacity = 0;          ///< of logistic growth, in the values' unit
  std::size_t changepoints = 25;
  double changepoint_range = 0.8;   ///< share of the history in which the trend may bend
  double changepoint_scale = 0.05;  ///< of the Laplace prior on a bend
  double effect_deviation = 10;     ///< of the normal prior on seasons and regressors
};

/// The series that a model is fitted to, with the values of all effects beside it: `bin` steps make one row,
/// which holds means, so that a long history costs no more than a short one.
struct AdditiveDesign {
  std::size_t bin = 1;
  std::size_t effects = 0;
  std::vector<Harmonic> harmonics;          ///< two effects each, in this order
  std::vector<RegressorEffect> regressors;  ///< the last effects
  std::vector<double> at;                   ///< centre of a row, in steps from the first value
  std::vector<double> values;               ///< mean of what was measured
  std::vector<double> weights;              ///< share of a row's steps that was measured
  std::vector<double> rows;                 ///< rows x effects
};

/// `regressors` are as long as `values`; what is not finite there counts as the column's mean.
AdditiveDesign make_additive_design(std::span<const float> values, std::vector<Harmonic> harmonics,
                                    std::span<const std::span<const float>> regressors, std::size_t bin);

/// A fitted model: trend, and effects that add to it or scale it. Steps count from the design's first value.
struct AdditiveFit {
  TrendGrowth growth = TrendGrowth::Flat;
  bool multiplicative = false;
  double value_scale = 1;
  double steps = 1;     ///< of the fitted history
  double capacity = 1;  ///< in scaled units, as all below
  double offset = 0;
  double rate = 0;
  double deviation = 0;  ///< of the noise
  double reach = 1;      ///< how long the slope at the end lasts beyond it, in histories
  std::vector<double> changepoints;
  std::vector<double> bends;  ///< changes of the rate, one a changepoint
  std::vector<Harmonic> harmonics;
  std::vector<RegressorEffect> regressors;

  /// The trend in the values' unit; beyond the history it goes on as it ended.
  double trend(double step) const;
  /// All effects at a step: a share of the trend, or in the values' unit. A regressor that is not finite has
  /// no effect.
  double effect(double step, std::span<const float> regressor_values) const;
  /// What the two make together, within twice the largest value of the history: whatever a trend or a share
  /// of it says, nothing seen speaks for more.
  double value(double trend, double effect) const;
  /// Mean absolute change of rate and how often a change is to be expected in a step: what the future may
  /// bring (Taylor and Letham, section 3.1.4), in values a step and a step.
  double bend_size() const;
  double bends_per_step() const;

  static void fields(auto& fit, auto& archive) {
    archive(fit.growth);
    archive(fit.multiplicative);
    archive(fit.value_scale);
    archive(fit.steps);
    archive(fit.capacity);
    archive(fit.offset);
    archive(fit.rate);
    archive(fit.deviation);
    archive(fit.reach);
    archive(fit.changepoints);
    archive(fit.bends);
    archive(fit.harmonics);
    archive(fit.regressors);
  }
  /// False when loaded fields cannot be a fit.
  bool is_sound() const;
};

/// The most probable parameters given the first `rows` rows and the first `harmonics` Fourier pairs of the
/// design, with its regressors or without. At least one of the rows must have been measured.
struct AdditiveSubset {
  std::size_t rows = 0;
  std::size_t harmonics = 0;
  bool regressors = false;
};
AdditiveFit fit_additive(const AdditiveDesign& design, const AdditiveSubset& subset,
                         const AdditiveShape& shape);

}  // namespace forewarm
