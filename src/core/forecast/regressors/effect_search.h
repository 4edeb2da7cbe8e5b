#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/forecast/regressors/effect_regression.h"
#include "core/forecast/regressors/signal_effects.h"

namespace forewarm {

/// Finds which signals help a series, how, and on which scale: first by a regression's errors in parts of the
/// history that it has not seen, then by forecasts of the last third.
class EffectSearch {
 public:
  EffectSearch(const SeriesView& history, const SignalColumns& signals);

  SignalEffects found() const;

 private:
  struct Candidate {
    std::uint32_t signal = 0, lag = 0;
    std::size_t known_ahead = 0;  ///< steps after the history at which its columns are known
    bool gradual = false;
    std::size_t value = 0;  ///< the column of the signal as it is; of its square if gradual, the next
    std::vector<std::size_t> columns;  ///< of the regression
  };
  /// Pinball losses of forecasts by exponential smoothing, for each part that is left for them and each lead.
  using Losses = std::vector<double>;

  void add_base_columns();
  void add_harmonics(std::uint32_t season, std::uint32_t orders, double penalty);
  void add_candidates(std::uint32_t signal, std::uint32_t lag, const SignalColumns& signals);
  /// The candidates that reduce errors on unseen parts.
  std::vector<std::size_t> chosen(const EffectRegression& regression, std::size_t target) const;
  SignalEffects bare(EffectScale scale) const;
  std::vector<std::size_t> columns_of(std::span<const std::size_t> candidates) const;
  SignalEffects effects(EffectScale scale, std::span<const std::size_t> chosen, std::span<const double> beta,
                        std::span<const double> errors, std::size_t seen) const;
  /// How far effects vary from one time to the next, from errors that were not seen.
  void doubt(SignalEffects& effects, std::span<const double> errors) const;
  /// Appends those of one part, whose begin and end are given in steps.
  void forecast_part(const SignalEffects& effects, std::size_t begin, std::size_t end, Losses& losses) const;

  SeriesView history_;       ///< the newest steps
  std::size_t ahead_ = 0;    ///< steps after the history for which columns may be needed
  std::uint32_t day_ = 0;    ///< the shortest season that is long enough for a shape
  std::uint32_t usual_ = 1;  ///< the longest season
  double offset_ = 1;
  std::vector<RegressionColumn> columns_;
  std::size_t base_ = 0, shapes_ = 0;  ///< columns in every fit; the first of the day's harmonics among them
  std::vector<Candidate> candidates_;
};

}  // namespace forewarm
