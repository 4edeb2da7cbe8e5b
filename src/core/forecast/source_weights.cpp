#include "core/forecast/source_weights.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "core/forecast/ensemble.h"

namespace forewarm {
namespace {

// One after the other over the targets; seven, so that a timer's spikes meet all of them and not always the
// same.
constexpr std::size_t kWeightedLeads[] = {1, 24, 6, 40, 2, 60, 12};
constexpr std::size_t kLeadCount = sizeof(kWeightedLeads) / sizeof(kWeightedLeads[0]);
constexpr std::size_t kTargetsMax = 288;
constexpr std::size_t kOriginsApart = 16;  // the slow recent windows are looked at anew this often
constexpr std::size_t kSlowWindow = 100;
constexpr std::size_t kPointsToLearn =
    64;  // the tail of 64 is rough, but right in the mean over many targets
constexpr std::size_t kPointsToPredict = 1024;
constexpr int kPasses = 4;
constexpr double kRate = 0.25;
constexpr double kWeightMin = 0.02;  // below it a source only blurs what the others know exactly
// Index of the Recent source that stands in where a phase has no values.
constexpr std::size_t kOtherwise = 2;
constexpr std::size_t kUpperLevels = 3;  // from the first level above the median

struct Point {
  std::vector<LevelValues> said;  ///< by source
  double value = 0;
  std::size_t band = 0;
};

bool is_recent(const ValueSource& source) {
  return source.kind == ValueSource::Kind::Recent;
}

/// Steps to learn from: half of them the newest in a row, half spread over the rest of the newer two thirds.
std::vector<std::size_t> targets_of(const ValueHistory& history) {
  std::vector<std::size_t> targets;
  const std::size_t n = history.size();
  const std::size_t count = std::min(kTargetsMax, n / 2);
  const std::size_t dense = std::min(count, std::max<std::size_t>(count / 2, 16));
  const std::size_t sparse = count - dense;
  const std::size_t reach = 2 * n / 3 - std::min(2 * n / 3, dense);
  for (std::size_t i = sparse; i > 0; --i)
    targets.push_back(n - 1 - dense - (i * reach / sparse + i % 7) % reach);
  for (std::size_t i = dense; i > 0; --i) targets.push_back(n - i);
  return targets;
}

/// Weights by each source's own loss, to start from: near each other where sources are about as good, all on
/// one that is exact. A timer's spikes are too few among the points for a gradient to get there.
std::vector<double> by_own_loss(const std::vector<Point>& points, std::size_t sources) {
  std::vector<double> losses(sources);
  double mean = 0;
  for (const Point& point : points) {
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

struct Levels {
  std::size_t first = 0;
  std::size_t last = 0;  ///< one after
};

/// Weights for these levels from the points of one band (kBands: of all), starting from `weights`.
std::vector<double> exponentiated_gradient(const std::vector<Point>& points, std::size_t band, Levels levels,
                                           std::vector<double> weights) {
  const std::size_t sources = weights.size();
  std::vector<double> mean(sources, 0), gradient(sources);
  double averaged = 0;
  double scale = 0;
  double steps = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    for (const Point& point : points) {
      if (band != SourceWeights::kBands && point.band != band) continue;
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

void SourceWeights::learn(const ValueHistory& history, const std::vector<ValueSource>& sources) {
  std::vector<Point> points;
  std::vector<WeightedValue> sample;
  std::vector<LevelValues> recent(sources.size());
  std::size_t slow_origin = 0;
  std::size_t turn = 0;
  for (const std::size_t target : targets_of(history)) {
    const std::size_t lead = kWeightedLeads[turn++ % kLeadCount];
    if (lead > target || !history.measured_at(target)) continue;
    const std::size_t origin = target + 1 - lead;
    if (origin < 4) continue;
    const bool renew = slow_origin == 0 || origin > slow_origin + kOriginsApart || origin < slow_origin;
    if (renew) slow_origin = origin;
    Point point{
        .said = std::vector<LevelValues>(sources.size()), .value = history[target], .band = band_of(lead)};
    for (std::size_t s = 0; s < sources.size(); ++s) {
      if (is_recent(sources[s]) && (renew || sources[s].period < kSlowWindow)) {
        recent[s] = recent_quantiles(history, sources[s].period, origin, kPointsToLearn, sample);
      }
      point.said[s] = is_recent(sources[s])
                          ? recent[s]
                          : source_quantiles(history, sources[s], origin, target, recent[kOtherwise], sample);
    }
    points.push_back(std::move(point));
  }
  const std::vector<double> start = by_own_loss(points, sources.size());
  for (std::vector<double>& weights : weights_) weights.clear();
  for (const Levels levels : {Levels{0, kUpperLevels}, Levels{kUpperLevels, kForecastLevelCount}}) {
    const std::vector<double> over_all = exponentiated_gradient(points, kBands, levels, start);
    for (std::size_t band = 0; band < kBands; ++band) {
      std::vector<double> weights = exponentiated_gradient(points, band, levels, over_all);
      // Halfway to what all leads agree on: one band alone may have seen no event at all.
      for (std::size_t s = 0; s < sources.size(); ++s) weights[s] = 0.5 * (weights[s] + over_all[s]);
      weights = pruned(weights);
      weights_[band].insert(weights_[band].end(), weights.begin(), weights.end());
    }
  }
}

LevelValues combined_quantiles(const ValueHistory& history, const std::vector<ValueSource>& sources,
                               const std::vector<double>& weights, const std::vector<LevelValues>& recent,
                               std::size_t origin, std::size_t target, std::vector<WeightedValue>& sample) {
  LevelValues combined{};
  for (std::size_t s = 0; s < sources.size(); ++s) {
    const double lower = weights[s];
    const double upper = weights[sources.size() + s];
    if (lower == 0 && upper == 0) continue;
    const LevelValues said = is_recent(sources[s]) ? recent[s]
                                                   : source_quantiles(history, sources[s], origin, target,
                                                                      recent[kOtherwise], sample);
    for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
      combined[level] += (level < kUpperLevels ? lower : upper) * said[level];
    }
  }
  return combined;
}

std::vector<LevelValues> recent_of(const ValueHistory& history, const std::vector<ValueSource>& sources,
                                   std::size_t origin) {
  std::vector<LevelValues> recent(sources.size());
  std::vector<WeightedValue> sample;
  for (std::size_t s = 0; s < sources.size(); ++s) {
    if (is_recent(sources[s]))
      recent[s] = recent_quantiles(history, sources[s].period, origin, kPointsToPredict, sample);
  }
  return recent;
}

}  // namespace forewarm
