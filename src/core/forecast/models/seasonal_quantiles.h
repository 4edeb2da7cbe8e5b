#pragma once

#include <span>
#include <vector>

#include "core/forecast/forecaster.h"
#include "core/forecast/models/value_source.h"
#include "core/forecast/quantile_mix.h"
#include "core/forecast/value_history.h"

namespace forewarm {

/// Quantiles of past values that resemble the future one: same phase of each season, phases around it, recent
/// ones, raw or scaled to the present level. Exact for timers and batches, where every same-phase value is
/// the same, honest about sparse counts, and never far off on anything, since it only says what has been
/// seen. It follows the analogue ("climatology") baselines of Hyndman and Athanasopoulos, Forecasting:
/// Principles and Practice, chapter 5, made adaptive by weights that are learnt by pinball loss
/// (source_weights.h). Regressors are not used.
class SeasonalQuantiles final : public Forecaster {
 public:
  ModelId id() const override { return ModelId::SeasonalQuantiles; }
  Result<void> fit(const SeriesView& history) override;
  void update(float value, std::span<const float> regressors) override;
  std::vector<LevelValues> rows(std::span<const std::size_t> leads, Columns future) const override;
  double persistence() const override { return persistence_; }

  /// As fit(), but all sources count alike until learn(): for who scores them anyway.
  Result<void> fit_sources(const SeriesView& history);
  /// `points` hold what the sources said, in their order, and maybe others after them.
  void learn(std::span<const MixPoint> points);
  const ValueHistory& history() const { return history_; }
  /// What each source says by itself, [lead][source]: others may weigh them too.
  std::span<const ValueSource> sources() const { return sources_; }
  std::vector<std::vector<LevelValues>> source_rows(std::span<const std::size_t> leads) const;
  /// Their mix by the weights learnt.
  LevelValues mix(std::size_t lead, std::span<const LevelValues> said) const;

  std::string save() const override;
  Result<void> load(std::string_view state) override;

  static constexpr std::uint8_t kStateVersion = 2;
  static void fields(auto& model, auto& archive) {
    progress(model, archive);
    archive(model.persistence_);
    archive(model.seasons_);
    MixWeights::fields(model.weights_, archive);
    ValueHistory::fields(model.history_, archive);
  }
  bool settle();

 private:
  double persistence_ = 0;
  ValueHistory history_;
  std::vector<std::uint32_t> seasons_;
  std::vector<ValueSource> sources_;
  MixWeights weights_;
};

}  // namespace forewarm
