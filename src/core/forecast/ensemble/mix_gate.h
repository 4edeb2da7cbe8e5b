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

/// What the gate is told of one expert at one lead: first what stays the same for all leads of a band.
inline constexpr std::size_t kGateFixed = kExpertKinds + 11;
inline constexpr std::size_t kGateMoving = 10;
inline constexpr std::size_t kGateFeatures = kGateFixed + kGateMoving;
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
  MixGate() = default;
  MixGate(std::span<const Expert> experts, const ExpertLosses& losses, const SeriesShape& shape);

  /// Of all experts at one lead. `said` are their quantiles there, `now` is what is unusual at the origin.
  std::vector<GateShare> shares(std::size_t lead, std::span<const LevelValues> said,
                                const Disturbance& now) const;
  /// What the shares follow from.
  std::vector<GateFeatures> features(std::size_t lead, std::span<const LevelValues> said,
                                     const Disturbance& now) const;
  /// Whether the gate has learnt what this kind is worth; others must not take part.
  static bool knows(ExpertKind kind);

 private:
  using Moving = std::array<float, kGateMoving>;
  std::vector<Moving> moving(std::size_t lead, std::span<const LevelValues> said,
                             const Disturbance& now) const;
  std::size_t row(std::size_t band, std::size_t expert) const { return band * experts_.size() + expert; }

  std::vector<Expert> experts_;
  double mean_ = 1;
  std::vector<std::array<float, kGateFixed>> fixed_;  ///< [band][expert]
  std::vector<std::vector<double>>
      sums_;  ///< the same: what they add to each hidden unit, then to each score
};

}  // namespace forewarm
