#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/forecast/models/bounded_search.h"
#include "core/forecast/models/smoothing_state.h"

namespace forewarm {

/// From where to search.
struct SmoothingGuess {
  double level = 0.1, trend = 0.1, season = 0.05;  ///< as in SmoothingParameters
  bool steady = false;  ///< the trend is that of the whole series, else of its first steps
};

/// Minus twice the log-likelihood of one form of exponential smoothing on one series, and its gradient:
///   n log(sum of squared errors) + 2 sum log |mean|, the second term for multiplicative errors only
/// (Hyndman et al. 2008, equation 5.3, with the variance concentrated out and constants left out, as in R's
/// forecast::ets). The gradient is exact: the recursion is run backwards once (reverse-mode differentiation),
/// which costs as much as some two runs, however many seasons there are.
///
/// The unknowns are the smoothing parameters as shares, then the initial states, in units that make them
/// alike: see unknowns(). A step that was not measured has no term.
class SmoothingLikelihood final : public SmoothFunction {
 public:
  /// `values` must outlive this and have a measured step; `period` is the season's, if the form has one.
  SmoothingLikelihood(std::span<const double> values, const SmoothingForm& form, std::uint32_t period);

  std::size_t size() const { return shares() + states(); }
  /// Shares of level, trend, season and damping (those that the form has), bounded; then the initial level,
  /// trend and all seasons but the first, as distances from where they seem to be, not bounded. The first
  /// season follows from the others: they sum to zero, or to one a phase.
  std::vector<double> lower() const;
  std::vector<double> upper() const;
  /// A start with the given shares.
  std::vector<double> start(const SmoothingGuess& guess) const;

  /// Infinite where the unknowns are impossible: a mean or a state that must be positive is not.
  double value(std::span<const double> unknowns) override;
  void gradient(std::span<double> by_unknowns) override;

  SmoothingParameters parameters(std::span<const double> unknowns) const;
  SmoothingState initial_state(std::span<const double> unknowns) const;

 private:
  struct Moment {
    SmoothingPoint before;
    double surprise = 0;
  };
  /// Derivatives by the recursion's own parameters.
  struct Slopes {
    double alpha = 0, beta = 0, gamma = 0, phi = 0;
  };

  /// Derivatives by what one step computes.
  struct Inner {
    double base = 0, season = 0, level = 0, carried = 0, mean = 0, surprise = 0;
  };

  std::size_t shares() const;
  std::size_t states() const;
  bool has_trend() const { return form_.trend != SmoothingPart::None; }
  bool has_season() const { return form_.season != SmoothingPart::None; }
  double season_unit() const;
  double trend_unit() const;
  template <class Step>
  double run_forwards(const SmoothingParameters& parameters);
  template <class Step>
  static Inner slopes_of_correction(const Step& step, const Moment& moment,
                                    const SmoothingParameters& parameters, const SmoothingPoint& by,
                                    Slopes& slopes);
  template <class Step>
  void run_backwards(const SmoothingParameters& parameters, Slopes& slopes);

  std::span<const double> values_;
  SmoothingForm form_;
  std::uint32_t period_ = 0;
  SmoothingState origin_;    ///< where the initial states seem to be
  double steady_trend_ = 0;  ///< of the whole series
  double unit_ = 1;          ///< typical distance between values next to each other
  double count_ = 0;         ///< measured steps
  double squares_min_ = 0;
  double squares_ = 0;
  SmoothingParameters parameters_;  ///< of the last run
  SmoothingPoint point_;        ///< of a run: the state; after a backward run the slopes by the initial one
  std::vector<double> season_;  ///< likewise
  std::vector<Moment> moments_;
};

}  // namespace forewarm
