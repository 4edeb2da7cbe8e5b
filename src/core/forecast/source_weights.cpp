#include "core/forecast/source_weights.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr std::size_t kLeads[] = {1,  9, 24, 2, 14,
                                  40, 4, 6,  60};  // one after the other, so that each band has a third
constexpr std::size_t kLeadCount = sizeof(kLeads) / sizeof(kLeads[0]);
constexpr std::size_t kTargetsMax = 288;
constexpr std::size_t kOriginsApart = 16;  // the slow recent windows are looked at anew this often
constexpr std::size_t kSlowWindow = 100;
constexpr int kPasses = 4;
constexpr double kRate = 0.3;
constexpr double kWeightMin = 0.02;  // below it a source only blurs what the others know exactly
constexpr std::size_t kOtherwise =
    2;  // index of the Recent source that stands in where a phase has no values

struct Point {
  std::vector<LevelValues> said;  ///< by source
  double value = 0;
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

std::vector<double> exponentiated_gradient(const std::vector<Point>& points, std::size_t sources) {
  std::vector<double> weights(sources, 1.0 / static_cast<double>(sources));
  std::vector<double> mean(sources, 0), gradient(sources);
  if (points.empty()) return weights;
  double scale = 0;
  double steps = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    for (const Point& point : points) {
      std::fill(gradient.begin(), gradient.end(), 0.0);
      for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
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
      }
    }
  }
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
  std::vector<Point> points[kBands];
  std::vector<WeightedValue> sample;
  std::vector<LevelValues> recent(sources.size());
  std::size_t slow_origin = 0;
  std::size_t turn = 0;
  for (const std::size_t target : targets_of(history)) {
    const std::size_t lead = kLeads[turn++ % kLeadCount];
    if (lead > target || !history.measured_at(target)) continue;
    const std::size_t origin = target + 1 - lead;
    if (origin < 4) continue;
    const bool renew = slow_origin == 0 || origin > slow_origin + kOriginsApart || origin < slow_origin;
    if (renew) slow_origin = origin;
    Point point{.said = std::vector<LevelValues>(sources.size()), .value = history[target]};
    for (std::size_t s = 0; s < sources.size(); ++s) {
      if (is_recent(sources[s]) && (renew || sources[s].period < kSlowWindow)) {
        recent[s] = recent_quantiles(history, sources[s].period, origin, sample);
      }
      point.said[s] = is_recent(sources[s])
                          ? recent[s]
                          : source_quantiles(history, sources[s], origin, target, recent[kOtherwise], sample);
    }
    points[band_of(lead)].push_back(std::move(point));
  }
  for (std::size_t band = 0; band < kBands; ++band) {
    weights_[band] = pruned(exponentiated_gradient(points[band], sources.size()));
  }
}

LevelValues combined_quantiles(const ValueHistory& history, const std::vector<ValueSource>& sources,
                               const std::vector<double>& weights, const std::vector<LevelValues>& recent,
                               std::size_t origin, std::size_t target, std::vector<WeightedValue>& sample) {
  LevelValues combined{};
  for (std::size_t s = 0; s < sources.size(); ++s) {
    if (weights[s] == 0) continue;
    const LevelValues said = is_recent(sources[s]) ? recent[s]
                                                   : source_quantiles(history, sources[s], origin, target,
                                                                      recent[kOtherwise], sample);
    for (std::size_t level = 0; level < kForecastLevelCount; ++level)
      combined[level] += weights[s] * said[level];
  }
  return combined;
}

std::vector<LevelValues> recent_of(const ValueHistory& history, const std::vector<ValueSource>& sources,
                                   std::size_t origin) {
  std::vector<LevelValues> recent(sources.size());
  std::vector<WeightedValue> sample;
  for (std::size_t s = 0; s < sources.size(); ++s) {
    if (is_recent(sources[s])) recent[s] = recent_quantiles(history, sources[s].period, origin, sample);
  }
  return recent;
}

}  // namespace forewarm
