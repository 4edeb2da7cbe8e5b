#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/forecast/forecaster.h"
#include "core/forecast/models/additive_fit.h"
#include "core/forecast/models/lead_errors.h"

namespace forewarm {

/// What a fit expects at steps in a row.
struct AdditiveExpectation {
  std::size_t first = 0;
  std::vector<double> values;
  std::vector<double> shares;  ///< by how much the trend shows in the value: 1, or 1 + effect
};

/// The trend with a slope that fades beyond the history (Gardner and McKenzie 1985), by the fit's reach; it
/// never goes further than the slope at the end would in a time as long as the history.
double fading_trend(const AdditiveFit& fit, double step);

/// `regressors` are columns from step 0 on.
AdditiveExpectation expect_steps(const AdditiveFit& fit, std::size_t first, std::size_t end,
                                 Columns regressors);

/// How quickly the misses of late correct what comes: a level that stays, and one that fades.
struct MissRates {
  double slow = 0;
  double fast = 0;
  double fade = 0;
};

/// The misses of late, in units of the trend. A fit only learns at long intervals; between them the level
/// follows by this, as in exponential smoothing of the residuals.
struct MissLevels {
  double slow = 0;
  double fast = 0;

  /// `miss` = value less what the fit expected; not a number changes nothing but that time passes.
  void update(double miss, double share, const MissRates& rates);
  double ahead(double faded) const { return slow + fast * faded; }
};

/// One fit, how it is corrected, and how far it errs.
struct AdditiveVariant {
  AdditiveFit fit;
  MissRates rates;
  MissLevels levels;
  LeadErrors errors;          ///< divided by error_unit(expected)
  double error_exponent = 0;  ///< errors grow with this power of what is expected
  double error_floor = 1;     ///< of what is expected
  double persistence = 0;
  double loss = 0;  ///< mean absolute error of the walk

  double expected(double step, std::size_t lead, std::span<const float> known) const;
  LevelValues row(double step, std::size_t lead, std::span<const float> known) const;
  void update(double step, float value, std::span<const float> known);
  /// The levels after the steps of `expected`.
  void settle_on(std::span<const float> values, const AdditiveExpectation& expected);
  /// How large an error is taken for one where so much is expected.
  double error_unit(double expected) const;

  static void fields(auto& variant, auto& archive) {
    AdditiveFit::fields(variant.fit, archive);
    archive(variant.rates);
    archive(variant.levels);
    LeadErrors::fields(variant.errors, archive);
    archive(variant.error_exponent);
    archive(variant.error_floor);
    archive(variant.persistence);
  }
  bool is_sound() const;
};

/// Steps through the part of a history that a fit has not seen, one forecast at each.
class AdditiveWalk {
 public:
  /// Forecasts from the origins in [first, values.size()).
  AdditiveWalk(std::span<const float> values, Columns regressors, std::size_t first);

  /// Chooses the rates at which the fit's misses correct it, and measures the loss so reached.
  AdditiveVariant tried(AdditiveFit fit) const;
  /// Measures the errors of a variant that was chosen.
  void measure_errors(AdditiveVariant& variant) const;

 private:
  struct Miss {
    std::size_t lead = 0;  ///< index
    double expected = 0, error = 0;
  };

  /// At each of the leads; sets the variant's persistence.
  std::vector<Miss> misses(AdditiveVariant& variant, std::span<const std::uint32_t> leads) const;
  AdditiveExpectation expectation(const AdditiveFit& fit) const;
  double loss(const AdditiveExpectation& expected, const MissRates& rates) const;

  std::span<const float> values_;
  Columns regressors_;
  std::size_t first_;
  std::size_t warm_up_;  ///< steps before `first_` that set the levels
  std::vector<std::size_t> leads_;
};

}  // namespace forewarm
