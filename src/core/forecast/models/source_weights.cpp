#include "core/forecast/models/source_weights.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"

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
constexpr std::size_t kPointsToPredict = 256;
// Index of the Recent source that stands in where a phase has no values.
constexpr std::size_t kOtherwise = 2;

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
  const std::size_t reach = std::max<std::size_t>(1, 2 * n / 3 - std::min(2 * n / 3, dense));
  for (std::size_t i = sparse; i > 0; --i)
    targets.push_back(n - 1 - dense - (i * reach / sparse + i % 7) % reach);
  for (std::size_t i = dense; i > 0; --i) targets.push_back(n - i);
  return targets;
}

}  // namespace

MixWeights learn_weights(const ValueHistory& history, const std::vector<ValueSource>& sources) {
  std::vector<MixPoint> points;
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
    MixPoint point{.said = std::vector<LevelValues>(sources.size()), .value = history[target], .lead = lead};
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
  return MixWeights::learn(points, sources.size());
}

LevelValues combined_quantiles(const ValueHistory& history, const std::vector<ValueSource>& sources,
                               const MixWeights& weights, const std::vector<LevelValues>& recent,
                               std::size_t origin, std::size_t target, std::vector<WeightedValue>& sample) {
  LevelValues combined{};
  const BetweenBands between(target + 1 - origin);
  for (std::size_t s = 0; s < sources.size(); ++s) {
    if (!weights.uses(between, s)) continue;
    const LevelValues said = is_recent(sources[s]) ? recent[s]
                                                   : source_quantiles(history, sources[s], origin, target,
                                                                      recent[kOtherwise], sample);
    weights.add(between, s, said, combined);
  }
  return combined;
}

std::vector<LevelValues> all_quantiles(const ValueHistory& history, const std::vector<ValueSource>& sources,
                                       const std::vector<LevelValues>& recent, std::size_t origin,
                                       std::size_t target, std::vector<WeightedValue>& sample) {
  std::vector<LevelValues> said;
  said.reserve(sources.size());
  for (std::size_t s = 0; s < sources.size(); ++s) {
    said.push_back(is_recent(sources[s])
                       ? recent[s]
                       : source_quantiles(history, sources[s], origin, target, recent[kOtherwise], sample));
  }
  return said;
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
