#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "core/forecast/ensemble/expert_backtest.h"

namespace forewarm {

/// What a whole series looks like; the same for all experts and leads.
struct SeriesShape {
  double mean = 0;
  double deviation = 0;        ///< standard
  double zero_share = 0;       ///< of the measured steps
  double autocorrelation = 0;  ///< of neighbouring steps
  double steps = 0;

  static SeriesShape of(std::span<const float> values);
  static void fields(auto& shape, auto& archive) {
    archive(shape.mean);
    archive(shape.deviation);
    archive(shape.zero_share);
    archive(shape.autocorrelation);
    archive(shape.steps);
  }
  bool is_sound() const;
};

/// What the gate is told of one expert at one lead.
inline constexpr std::size_t kGateFeatures = kExpertKinds + 16;
using GateFeatures = std::array<float, kGateFeatures>;

/// Shares of one expert in the mix: they sum to one over the experts.
struct GateShare {
  double lower = 0;  ///< for the levels up to the median
  double upper = 0;  ///< for those above
};

/// How much each expert counts, told by a small network from what is known of expert, series and lead: a
/// mixture of experts (Jacobs, Jordan, Nowlan and Hinton 1991) over quantiles, in the spirit of feature-based
/// model averaging (Montero-Manso et al. 2020). It is learnt once, by pinball loss, over recorded series of
/// many kinds (tools/learn_mix_gate.py), so a new queue starts with weights that were right for others like
/// it, and the losses of its own backtest move them.
class MixGate {
 public:
  /// Of all experts at one lead. `said` are their quantiles there; `losses` by the same index.
  static std::vector<GateFeatures> features(std::span<const Expert> experts, const ExpertLosses& losses,
                                            const SeriesShape& shape, std::size_t lead,
                                            std::span<const LevelValues> said);
  static std::vector<GateShare> shares(std::span<const GateFeatures> features);
  /// Whether the gate has learnt what this kind is worth; others must not take part.
  static bool knows(ExpertKind kind);
};

}  // namespace forewarm
