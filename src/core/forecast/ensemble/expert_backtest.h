#pragma once

#include <array>
#include <span>
#include <vector>

#include "core/forecast/ensemble/expert_panel.h"

namespace forewarm {

/// Rolling origins over the end of a history: the panel is fitted to what lies before and then moved on step
/// by step, so that nothing is known before its time (Tashman 2000); only how the seasonal quantiles weigh
/// their sources is learnt from all points. `panel` is left at the end of the history. Empty when the history
/// is too short to hold anything back, or cannot be fitted.
std::vector<BacktestPoint> backtest(ExpertPanel& panel, const SeriesView& history, std::size_t horizon);

/// Mean pinball loss of one expert in such a backtest, by how far ahead and by half of the distribution.
class ExpertLosses {
 public:
  static constexpr std::size_t kUpper = 5;  ///< the first level of the upper half

  ExpertLosses() = default;
  ExpertLosses(std::span<const BacktestPoint> points, std::size_t experts);

  bool known() const { return known_; }
  /// Mean per level and point; of all bands where this one has no points.
  double at(std::size_t expert, std::size_t band, std::size_t half) const {
    return losses_[expert][counts_[band] > 0 ? band : kLeadBands][half];
  }
  double over_all(std::size_t expert, std::size_t half) const { return losses_[expert][kLeadBands][half]; }

  static void fields(auto& losses, auto& archive) {
    archive(losses.known_);
    archive(losses.counts_);
    archive(losses.losses_);
  }
  bool is_sound(std::size_t experts) const;

 private:
  bool known_ = false;
  std::array<double, kLeadBands> counts_{};
  std::vector<std::array<std::array<double, 2>, kLeadBands + 1>>
      losses_;  ///< the last row: mean of the bands
};

}  // namespace forewarm
