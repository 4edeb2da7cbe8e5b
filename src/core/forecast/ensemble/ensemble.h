#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/forecast/ensemble/calibration.h"
#include "core/forecast/ensemble/expert_backtest.h"
#include "core/forecast/ensemble/forecast_reason.h"
#include "core/forecast/ensemble/mix_gate.h"
#include "core/forecast/regressors/signal_effects.h"

namespace forewarm {

/// One expert in one row of the mix, for whoever wants to see why.
struct ExpertVoice {
  Expert expert;
  GateShare share;
  LevelValues said{};
  GateFeatures features{};
};

/// Which models take part.
enum class EnsembleSize : std::uint8_t {
  Light,  ///< those that are fitted in milliseconds
  Whole,
};

/// The engine's forecast: experts (empirical sources, models, and two pools of them all) with weights for
/// each lead from the gate, which knows how each did on the end of this history and on other series like it;
/// then calibrated.
class Ensemble final : public Forecaster {
 public:
  /// `horizon` is the farthest lead, in steps, that the weights are learnt for.
  explicit Ensemble(EnsembleSize size, std::size_t horizon = 60);
  /// With these models instead.
  Ensemble(std::span<const ModelId> models, std::size_t horizon);

  ModelId id() const override { return ModelId::Ensemble; }
  Result<void> fit(const SeriesView& history) override;
  void update(float value, std::span<const float> regressors) override;
  std::vector<LevelValues> rows(std::span<const std::size_t> leads, Columns future) const override;
  std::string save() const override;
  Result<void> load(std::string_view state) override;

  /// The seasonal quantiles' forecast alone, to fall back on; signals' effects are in it.
  Forecast predict_seasonal(std::size_t horizon) const;
  /// What signals were found to do.
  const SignalEffects& effects() const { return effects_; }
  /// What the mix over these leads is made of, the most first: newest values, seasons and models. The shares
  /// sum to one. Empty before a fit has succeeded.
  std::vector<ForecastReason> carriers(std::span<const std::size_t> leads) const;
  /// Each of the fit's signals, and what it does.
  std::vector<ForecastReason> signals() const;
  /// All that, and the scheduled batches in it.
  std::vector<ForecastReason> reasons(std::span<const std::size_t> leads) const;
  /// What each expert says and counts, by lead; without signals' effects.
  std::vector<std::vector<ExpertVoice>> voices(std::span<const std::size_t> leads) const;

 private:
  double persistence() const override { return panel_.persistence(); }
  /// Weighs all by what they said of the past, and calibrates their mix.
  void take_part(std::vector<BacktestPoint> points);
  void list_experts();
  /// From losses_.
  void weigh_pools();
  double pool_weight(std::size_t pool, const BetweenBands& at, std::size_t expert) const {
    const std::size_t first = pool * kLeadBands;
    return at.of(pools_[first + at.near][expert], pools_[first + at.far][expert]);
  }
  /// What experts_ say, by lead.
  std::vector<std::vector<LevelValues>> said(std::span<const std::size_t> leads) const;
  void add_pools(std::vector<LevelValues>& said, std::size_t lead) const;
  bool settle(std::span<const std::string> states);

  static void fields(auto& model, auto& archive) {
    progress(model, archive);
    SeriesShape::fields(model.shape_, archive);
    ExpertPanel::fields(model.panel_, archive);
    ExpertLosses::fields(model.losses_, archive);
    Calibration::fields(model.calibration_, archive);
    SignalEffects::fields(model.effects_, archive);
    archive(model.signals_);
    archive(model.since_fit_);
  }

  ExpertPanel panel_;
  std::size_t horizon_;
  SeriesShape shape_;
  std::vector<Expert> experts_;             ///< the panel's, then the two pools
  ExpertLosses losses_;                     ///< of experts_
  std::vector<std::vector<double>> pools_;  ///< [pool, band]: weight of each of the panel's
  MixGate gate_;
  Calibration calibration_;
  SignalEffects effects_;        ///< taken out of what the experts see
  std::uint32_t signals_ = 0;    ///< how many were given to the fit
  std::uint64_t since_fit_ = 0;  ///< steps
};

}  // namespace forewarm
