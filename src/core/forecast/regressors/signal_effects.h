#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/forecast/forecaster.h"
#include "core/forecast/regressors/signal_features.h"

namespace forewarm {

/// The scale on which signals add: the square root of arrivals, which evens the noise of counts, or their
/// logarithm, on which they scale arrivals.
enum class EffectScale : std::uint8_t { SquareRoot, Logarithm };

/// What a signal was found to do.
struct SignalFinding {
  std::uint32_t signal = 0;  ///< index among the given
  std::uint32_t lead = 0;    ///< steps by which it leads; 0: it acts at once
  double share = 0;          ///< of the variance of all effects together
};

/// What signals do to a series, apart from its own seasons and level: learnt by a regression, taken out of
/// the history before any model is fitted to it, and put back into what the model forecasts. So every model
/// can use signals, whatever it is (the calendar adjustment of X-13ARIMA-SEATS does the same: Findley et al.
/// 1998).
///
/// A signal whose future is known acts at once, by itself and with the time of the day. One whose future is
/// not known can only help where it leads (signal_lead.h); further ahead than it leads, its effect fades to
/// the mean and the forecast widens by what is not known. Signals that do not help forecasts of the history's
/// last third, made by exponential smoothing with and without them, are left out.
class SignalEffects {
 public:
  SignalEffects() = default;
  /// Learns from a history; `future` as in Forecaster::predict. Without signals, or when none helps: empty.
  SignalEffects(const SeriesView& history, Columns future);

  bool empty() const { return findings_.empty(); }
  std::span<const SignalFinding> findings() const { return findings_; }
  /// By how much the history's last third was foreseen better: 0.1 = a tenth less pinball loss.
  double gain() const { return gain_; }

  /// The newest steps of the history, those from which the effects were learnt, without them: what a model is
  /// fitted to. Empty when this is.
  std::vector<float> without_effects() const;
  /// A value that came `after` steps after the history (0: the next), without what is known of the effects
  /// there.
  double taken_out_after(double value, std::size_t after) const;
  /// Puts them back into a row of a forecast made `after` steps after the history, for `lead` steps ahead of
  /// there.
  LevelValues put_back_after(const LevelValues& row, std::size_t after, std::size_t lead) const;
  /// The same for a forecast that begins after the history.
  void put_back(Forecast& forecast) const;

  static void fields(auto& effects, auto& archive) {
    archive(effects.scale_);
    archive(effects.offset_);
    archive(effects.values_);
    archive(effects.findings_);
    archive(effects.gain_);
    auto count = static_cast<std::uint32_t>(effects.effects_.size());
    archive(count);
    if constexpr (requires { effects.effects_.resize(1); })
      effects.effects_.resize(std::min(count, kEffectsMax));
    for (auto& effect : effects.effects_) {
      archive(effect.signal);
      archive(effect.lag);
      archive(effect.known_ahead);
      archive(effect.at);
      archive(effect.variance);
      archive(effect.persistence);
      archive(effect.doubt);
    }
  }
  /// False when loaded fields cannot be effects.
  bool is_sound() const;

 private:
  static constexpr std::uint32_t kEffectsMax = 64;
  friend class EffectSearch;
  /// One signal's effect on the scale, at each step of history and known future, less what it usually is at
  /// this phase of the season: the usual is the series' own season, which models know how to foresee.
  struct Effect {
    std::uint32_t signal = 0, lag = 0;
    std::size_t known_ahead = 0;  ///< steps after the history at which it is known
    std::vector<double> at;       ///< history, then known_ahead
    double variance = 0;          ///< over the history
    double persistence = 0;       ///< of one step's effect in the next's
    double doubt = 0;             ///< variance of the effect, relative to its square

    void take_out_usual(std::size_t history, std::size_t period);
    void measure(std::size_t history);
  };
  /// The effects expected `lead` steps after `origin` (a count of steps seen), and the variance of what is
  /// not known of them there.
  struct Ahead {
    double effect = 0, variance = 0;
  };
  Ahead ahead(std::size_t origin, std::size_t lead) const;
  double taken_out(double value, std::size_t step) const;
  LevelValues put_back(const LevelValues& row, std::size_t origin, std::size_t lead) const;
  double onto_scale(double value) const;
  double off_scale(double value) const;

  EffectScale scale_ = EffectScale::SquareRoot;
  double offset_ = 1;  ///< added before the logarithm
  std::vector<Effect> effects_;
  std::vector<float> values_;  ///< the newest of the history
  std::vector<SignalFinding> findings_;
  double gain_ = 0;
};

}  // namespace forewarm
