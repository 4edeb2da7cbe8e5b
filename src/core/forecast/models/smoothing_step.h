#pragma once

#include <cstdint>

#include "base/math.h"

namespace forewarm {

/// How a component of exponential smoothing enters.
enum class SmoothingPart : std::uint8_t { None, Additive, Multiplicative };

/// A form of the ETS family: error, trend (damped or not) and season, as ETS(M,Ad,A).
struct SmoothingForm {
  SmoothingPart error = SmoothingPart::Additive;
  SmoothingPart trend = SmoothingPart::None;
  SmoothingPart season = SmoothingPart::None;
  bool damped = false;

  /// Not damped without a trend; no error that adds where trend or season multiply, and no season that adds
  /// to a trend that multiplies: those have unbounded variances (Hyndman et al. 2008, chapter 15).
  bool is_admissible() const {
    if (error == SmoothingPart::None || (damped && trend == SmoothingPart::None)) return false;
    if (trend == SmoothingPart::Multiplicative && season == SmoothingPart::Additive) return false;
    return error == SmoothingPart::Multiplicative ||
           (trend != SmoothingPart::Multiplicative && season != SmoothingPart::Multiplicative);
  }
  /// Whether the form needs values above zero.
  bool multiplies() const {
    return error == SmoothingPart::Multiplicative || trend == SmoothingPart::Multiplicative ||
           season == SmoothingPart::Multiplicative;
  }

  static void fields(auto& form, auto& archive) {
    archive(form.error);
    archive(form.trend);
    archive(form.season);
    archive(form.damped);
  }
  friend bool operator==(const SmoothingForm&, const SmoothingForm&) = default;
};

/// The smoothing parameters as shares, each free in [0, 1] whatever the others are.
struct SmoothingParameters {
  double level = 0.2;    ///< alpha: share of a surprise that stays in the level
  double trend = 0.0;    ///< beta / alpha: share of the level's change that stays in the trend
  double damping = 0.9;  ///< phi: what is left of the trend after a step; 1 in a form that is not damped
  double season = 0.1;   ///< gamma / (1 - alpha): share of the rest that stays in the season's phase
};

/// Level, trend and the season of one phase, before a step or after it.
struct SmoothingPoint {
  double level = 0;
  double trend = 0;   ///< a multiplicative one is a factor, 1 at rest
  double season = 0;  ///< likewise
};

/// One step of the ETS recursions in error-correction form (Hyndman, Koehler, Ord and Snyder, Forecasting
/// with Exponential Smoothing, 2008, tables 2.2 and 2.3). Additive and multiplicative errors share them: they
/// differ in the likelihood alone.
template <SmoothingPart trend_part, SmoothingPart season_part>
struct SmoothingStep {
  static constexpr bool kHasTrend = trend_part != SmoothingPart::None;
  static constexpr bool kTrendMultiplies = trend_part == SmoothingPart::Multiplicative;
  static constexpr bool kHasSeason = season_part != SmoothingPart::None;
  static constexpr bool kSeasonMultiplies = season_part == SmoothingPart::Multiplicative;

  double carried = 0;  ///< the damped trend
  double base = 0;     ///< level and trend, without the season
  double mean = 0;     ///< expected value

  SmoothingStep(const SmoothingPoint& before, double damping) {
    base = before.level;
    if constexpr (kTrendMultiplies) {
      carried = damping == 1 ? before.trend : pow(before.trend, damping);
      base *= carried;
    } else if constexpr (kHasTrend) {
      carried = damping * before.trend;
      base += carried;
    }
    mean = base;
    if constexpr (kSeasonMultiplies) mean *= before.season;
    if constexpr (kHasSeason && !kSeasonMultiplies) mean += before.season;
  }

  /// The point after a value that came `surprise` above the mean.
  SmoothingPoint after(const SmoothingPoint& before, double surprise,
                       const SmoothingParameters& parameters) const {
    SmoothingPoint point = before;
    const double seasonless = kSeasonMultiplies ? surprise / before.season : surprise;
    const double beta = parameters.level * parameters.trend;
    point.level = base + parameters.level * seasonless;
    if constexpr (kTrendMultiplies) point.trend = carried + beta * seasonless / before.level;
    if constexpr (kHasTrend && !kTrendMultiplies) point.trend = carried + beta * seasonless;
    const double gamma = parameters.season * (1 - parameters.level);
    if constexpr (kSeasonMultiplies) point.season = before.season + gamma * surprise / base;
    if constexpr (kHasSeason && !kSeasonMultiplies) point.season = before.season + gamma * surprise;
    return point;
  }
};

/// Calls `visit` with the SmoothingStep of a form, as a template argument.
template <class Visit>
decltype(auto) with_smoothing_step(const SmoothingForm& form, Visit&& visit) {
  using enum SmoothingPart;
  const auto with_trend = [&]<SmoothingPart trend>() -> decltype(auto) {
    switch (form.season) {
      case Additive:
        return visit.template operator()<SmoothingStep<trend, Additive>>();
      case Multiplicative:
        return visit.template operator()<SmoothingStep<trend, Multiplicative>>();
      default:
        return visit.template operator()<SmoothingStep<trend, None>>();
    }
  };
  switch (form.trend) {
    case Additive:
      return with_trend.template operator()<Additive>();
    case Multiplicative:
      return with_trend.template operator()<Multiplicative>();
    default:
      return with_trend.template operator()<None>();
  }
}

}  // namespace forewarm
