#include "core/forecast/quantile_mix.h"

#include <algorithm>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr int kPasses = 4;
constexpr double kRate = 0.25;
constexpr double kWeightMin = 0.02;  // below it a source only blurs what the others know exactly

/// Weights by each source's own loss, to start from: near each other where sources are about as good, all on
/// one that is exact. A timer's spikes are too few among the points for a gradient to get there.
std::vector<double> by_own_loss(std::span<const MixPoint> points, std::size_t sources) {
  std::vector<double> losses(sources);
  double mean = 0;
  for (const MixPoint& point : points) {
    for (std::size_t s = 0; s < sources; ++s) {
      for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
        losses[s] += pinball_loss(point.value, point.said[s][level], kForecastLevels[level]);
      }
    }
  }
  for (const double loss : losses) mean += loss / static_cast<double>(sources);
  double total = 0;
  for (double& loss : losses) {
    const double share = mean > 0 ? loss / mean + 0.02 : 1;
    loss = 1 / (share * share);
    total += loss;
  }
  for (double& weight : losses) weight /= total;
  return losses;
}

struct LevelRange {
  std::size_t first = 0;
  std::size_t last = 0;  ///< one after
};

/// Weights for these levels from the points of one band (kLeadBands: of all), starting from `weights`.
std::vector<double> exponentiated_gradient(std::span<const MixPoint> points, std::size_t band,
                                           LevelRange levels, std::vector<double> weights) {
  const std::size_t sources = weights.size();
  std::vector<double> mean(sources, 0), gradient(sources);
  double averaged = 0;
  double scale = 0;
  double steps = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    for (const MixPoint& point : points) {
      if (band != kLeadBands && lead_band(point.lead) != band) continue;
      std::fill(gradient.begin(), gradient.end(), 0.0);
      for (std::size_t level = levels.first; level < levels.last; ++level) {
        double combined = 0;
        for (std::size_t s = 0; s < sources; ++s) combined += weights[s] * point.said[s][level];
        if (combined == point.value) continue;
        const double slope = (combined > point.value ? 1.0 : 0.0) - kForecastLevels[level];
        for (std::size_t s = 0; s < sources; ++s) gradient[s] += slope * (point.said[s][level] - point.value);
      }
      const auto [low, high] = std::minmax_element(gradient.begin(), gradient.end());
      const double lowest = *low;
      const double range = *high - *low;
      scale = steps == 0 ? range : scale + (range - scale) / std::min(steps + 1, 50.0);
      steps += 1;
      if (!(scale > 0)) continue;
      double total = 0;
      for (std::size_t s = 0; s < sources; ++s) {
        weights[s] *= exp(-kRate * std::min((gradient[s] - lowest) / scale, 5.0));
        weights[s] = std::max(weights[s], 1e-6);
        total += weights[s];
      }
      for (double& weight : weights) weight /= total;
      if (pass == kPasses - 1) {
        for (std::size_t s = 0; s < sources; ++s) mean[s] += weights[s];
        averaged += 1;
      }
    }
  }
  if (averaged == 0) return weights;
  for (double& weight : mean) weight /= averaged;
  return mean;
}

/// Weights that sum to one, small ones left out.
std::vector<double> pruned(std::vector<double> weights) {
  for (int round = 0; round < 2; ++round) {
    double total = 0;
    for (const double weight : weights) total += weight;
    if (!(total > 0)) return std::vector<double>(weights.size(), 1.0 / static_cast<double>(weights.size()));
    for (double& weight : weights) {
      weight /= total;
      if (weight < kWeightMin) weight = 0;
    }
  }
  double total = 0;
  for (const double weight : weights) total += weight;
  for (double& weight : weights) weight /= total;
  return weights;
}

}  // namespace

MixWeights MixWeights::learn(std::span<const MixPoint> points, std::size_t sources) {
  MixWeights learnt;
  const std::vector<double> start = by_own_loss(points, sources);
  for (const LevelRange levels :
       {LevelRange{0, kUpperLevels}, LevelRange{kUpperLevels, kForecastLevelCount}}) {
    const std::vector<double> over_all = exponentiated_gradient(points, kLeadBands, levels, start);
    for (std::size_t band = 0; band < kLeadBands; ++band) {
      std::vector<double> weights = exponentiated_gradient(points, band, levels, over_all);
      // Halfway to what all leads agree on: one band alone may have seen no event at all.
      for (std::size_t s = 0; s < sources; ++s) weights[s] = 0.5 * (weights[s] + over_all[s]);
      weights = pruned(weights);
      learnt.weights_[band].insert(learnt.weights_[band].end(), weights.begin(), weights.end());
    }
  }
  return learnt;
}

bool MixWeights::is_sound(std::size_t sources) const {
  for (const std::vector<double>& band : weights_) {
    if (band.size() != 2 * sources) return false;
    for (const double weight : band) {
      if (!(weight >= 0 && weight <= 1.001)) return false;
    }
  }
  return true;
}

}  // namespace forewarm
