#include "core/forecast/models/count_fit.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr std::size_t kSeasonOriginsMax = 256;
constexpr std::uint32_t kSeasonLeads[] = {1, 4, 16, 48};
constexpr std::uint32_t kCountBins = 48;
constexpr double kSeasonKeep = 0.98;
constexpr double kPlainKeep = 0.5;  // without a season normal is the mean of some hundred steps
constexpr double kSeasonWorth =
    8;  // of log likelihood: so many seasons tried on so few origins may gain some by chance

double log_likelihood(std::span<const CountPair> pairs, const CountScatter& scatter) {
  double sum = 0;
  for (const CountPair& pair : pairs)
    sum += scatter.around(pair.expected, pair.spread).log_probability(pair.value);
  return sum;
}

double season_likelihood(const ValueHistory& history, const std::vector<std::size_t>& origins,
                         const CountSeason& untaught) {
  CountSeason season = untaught;
  CountLevel level{.discount = 0.95};
  std::vector<CountPair> pairs;
  const auto look_ahead = [&](std::size_t i) {
    const std::size_t lead = kSeasonLeads[i % std::size(kSeasonLeads)];
    const std::size_t at = origins[i] + lead - 1;
    if (at >= history.size() || !history.measured_at(at)) return;
    pairs.push_back(
        {.expected = season.at(at) * level.mean(lead, 0.98), .spread = level.spread(), .value = history[at]});
  };
  walk_counts(history, origins, season, look_ahead,
              [&](std::size_t t, double exposure) { level.update(history[t], exposure); });
  return fit_scatter(pairs, 1).log_likelihood;
}

}  // namespace

ScatterFit fit_scatter(std::span<const CountPair> pairs, int tries) {
  double squares = 0, pearson = 0, excess = 0, count = 0;
  for (const CountPair& pair : pairs) {
    const double error = pair.value - pair.expected;
    squares += pair.expected * pair.expected;
    excess += error * error - pair.expected - pair.spread * pair.expected * pair.expected;
    pearson += error * error / std::max(pair.expected, 1e-3);
    count += 1;
  }
  if (count == 0) return {.scatter = {}, .log_likelihood = 0};
  if (pearson < 0.9 * count && excess < 0) {
    // A density in too small a unit is all rounding: the likelihood's unit has a floor, the scatter's none.
    const CountScatter scatter = {.spread = 0, .unit = std::clamp(pearson / count, 1e-12, 1.0)};
    const CountScatter rounded = {.spread = 0, .unit = std::max(scatter.unit, 1e-6)};
    return {.scatter = scatter, .log_likelihood = log_likelihood(pairs, rounded)};
  }
  ScatterFit best{.scatter = {}, .log_likelihood = -std::numeric_limits<double>::infinity()};
  const double by_moments = std::clamp(squares > 0 ? excess / squares : 0, 1e-4, 100.0);
  double spread = by_moments;
  for (int i = 0; i <= tries; ++i) {
    if (i == tries) spread = 0;
    const double now = log_likelihood(pairs, {.spread = spread});
    if (now > best.log_likelihood) best = {.scatter = {.spread = spread}, .log_likelihood = now};
    spread /= 3;
  }
  return best;
}

LeadScatters LeadScatters::fit(const std::array<std::vector<CountPair>, kLeads.size()>& pairs) {
  LeadScatters leads;
  for (std::size_t l = 0; l < kLeads.size(); ++l) {
    leads.scatters[l] = fit_scatter(pairs[l], 4).scatter;
    if (l == 0) continue;
    leads.scatters[l].spread = std::max(leads.scatters[l].spread, leads.scatters[l - 1].spread);
    leads.scatters[l].unit = std::max(leads.scatters[l].unit, leads.scatters[l - 1].unit);
  }
  return leads;
}

std::vector<std::size_t> spread_origins(std::size_t steps, std::size_t most) {
  const std::size_t first = std::max<std::size_t>(steps / 3, 4);
  std::vector<std::size_t> origins;
  if (first >= steps) return origins;
  const std::size_t count = std::min(most, steps - first);
  const std::size_t range = steps - first;
  for (std::size_t i = 0; i < count; ++i) {
    // Somewhere in its share: at equal distances they might all meet the same phase of a season.
    origins.push_back(first + (i * range + i * 7919 % range) / count);
  }
  return origins;
}

CountSeason choose_count_season(const ValueHistory& history, std::span<const std::uint32_t> periods) {
  const std::vector<std::size_t> origins = spread_origins(history.size(), kSeasonOriginsMax);
  CountSeason best{PhaseMeans({.period = 1, .keep = kPlainKeep})};
  double likelihood = season_likelihood(history, origins, best);
  const auto attempt = [&](const CountSeason& season) {
    const double now = season_likelihood(history, origins, season);
    if (!(now > likelihood + kSeasonWorth)) return;
    likelihood = now;
    best = season;
  };
  std::vector<PhaseMeans::Shape> shapes;
  for (const std::uint32_t period : periods) {
    shapes.push_back({.period = period, .keep = kSeasonKeep});
    if (period >= 2 * kCountBins)
      shapes.push_back({.period = period, .width = period / kCountBins, .keep = kSeasonKeep});
  }
  for (const PhaseMeans::Shape& shape : shapes) attempt(CountSeason(PhaseMeans(shape)));
  const std::uint32_t chosen = best.base.shape().period;
  if (chosen == 1) return best;
  const PhaseMeans base(best.base.shape());
  for (PhaseMeans::Shape shape : shapes) {
    if (shape.period == chosen || (shape.period >= 2 * kCountBins && shape.width == 1)) continue;
    shape.lean = 2;  // messages that a factor of one is worth
    attempt(CountSeason(base, PhaseMeans(shape)));
  }
  return best;
}

}  // namespace forewarm
