#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/forecast/ensemble/disturbance.h"
#include "core/forecast/forecaster.h"
#include "core/forecast/models/seasonal_quantiles.h"

namespace forewarm {

/// What an expert is: one of the empirical sources of SeasonalQuantiles, or a model. The gate (mix_gate.h)
/// knows each kind by this number.
using ExpertKind = std::uint8_t;
inline constexpr ExpertKind kRecentKinds = 5;  ///< by window, shortest first
inline constexpr ExpertKind kSourceKinds = 9;  ///< then the four that look at a season's phase
inline constexpr ExpertKind kPooledKinds = kSourceKinds + static_cast<ExpertKind>(ModelId::Ensemble) - 1;
inline constexpr ExpertKind kExpertKinds = kPooledKinds + 2;  ///< then two pools of all others

constexpr ExpertKind kind_of(ModelId model) {
  return static_cast<ExpertKind>(kSourceKinds + static_cast<ExpertKind>(model) - 1);
}

struct Expert {
  ExpertKind kind = 0;
  std::uint32_t period = 0;  ///< of a source that looks at a phase, in steps; else 0

  friend bool operator==(const Expert&, const Expert&) = default;
};

/// What each expert would have said of a past step, and what came.
struct BacktestPoint {
  std::size_t origin = 0;  ///< steps known when it was said
  std::size_t lead = 1;
  double value = 0;
  Disturbance disturbance{};      ///< at the origin
  std::vector<LevelValues> said;  ///< by expert
};

/// All that have something to say of one series: the empirical sources and some models, fitted and moved on
/// together.
class ExpertPanel {
 public:
  explicit ExpertPanel(std::span<const ModelId> models);

  /// Models that cannot be fitted say nothing. Invalid when seasonal quantiles cannot.
  Result<void> fit(const SeriesView& history);
  /// As fit(), but the seasonal quantiles' own weights are left to learn_mix().
  Result<void> fit_to_score(const SeriesView& history);
  /// Weighs the sources by past rows, and puts that mix in its place in them.
  void learn_mix(std::span<BacktestPoint> points);
  void update(float value);
  /// That may take part, without the seasonal quantiles, which always do.
  std::vector<ModelId> models() const;
  /// Of the last fit; the order of what rows() gives.
  std::span<const Expert> experts() const { return experts_; }
  /// [lead][expert]: finite, non-negative, ordered.
  std::vector<std::vector<LevelValues>> rows(std::span<const std::size_t> leads) const;
  /// What is unusual about the newest values.
  Disturbance disturbance() const { return usual_.at(seasonal_.history(), seasonal_.history().size()); }
  const SeasonalQuantiles& seasonal() const { return seasonal_; }
  double persistence() const { return seasonal_.persistence(); }
  /// What was fitted, one state a model; none is empty unless the model could not be fitted.
  std::vector<std::string> save() const;
  /// After fields() has been read.
  Result<void> load(std::span<const std::string> states);
  static void fields(auto& panel, auto& archive) { DisturbanceScale::fields(panel.usual_, archive); }

 private:
  Result<void> fit_all(const SeriesView& history,
                       Result<void> (SeasonalQuantiles::*fit_seasonal)(const SeriesView&));
  void list_experts();

  SeasonalQuantiles seasonal_;
  DisturbanceScale usual_;
  std::vector<std::unique_ptr<Forecaster>> models_;
  std::vector<bool> fitted_;
  std::vector<Expert> experts_;
};

}  // namespace forewarm
