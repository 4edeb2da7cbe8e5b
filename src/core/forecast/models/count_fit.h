#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/forecast/models/count_level.h"
#include "core/forecast/models/negative_binomial.h"
#include "core/forecast/value_history.h"

namespace forewarm {

/// An expected count and what came.
struct CountPair {
  double expected = 0;
  double spread = 0;  ///< of the expectation itself, as NegativeBinomial has it
  double value = 0;
};

/// How counts scatter around what is expected of them, besides what the expectation's own spread says.
struct CountScatter {
  double spread = 0;
  double unit = 1;  ///< below 1 where counts vary less than Poisson's; spreads then count for nothing

  NegativeBinomial around(double expected, double own_spread) const {
    return {.mean = expected, .spread = unit < 1 ? 0 : own_spread + spread, .unit = unit};
  }
  bool is_sound() const {
    return spread >= 0 && spread <= 1000 && unit >= 1e-12 && unit <= 1;  // false for NaN
  }
};

struct ScatterFit {
  CountScatter scatter;
  double log_likelihood = 0;
};

/// Overdispersion by likelihood, among `tries` thirds, ninths, ... of what the moments say, and none. Where
/// counts vary less than Poisson's, the unit in which they would be Poisson's.
ScatterFit fit_scatter(std::span<const CountPair> pairs, int tries);

/// Scatter at some leads; never surer of a later step than of an earlier one.
struct LeadScatters {
  static constexpr std::array<std::uint32_t, 7> kLeads = {1, 2, 4, 8, 16, 32, 64};
  std::array<CountScatter, kLeads.size()> scatters{};

  static LeadScatters fit(const std::array<std::vector<CountPair>, kLeads.size()>& pairs);
  const CountScatter& at(std::size_t lead) const {
    std::size_t below = 0;
    while (below + 1 < kLeads.size() && kLeads[below + 1] <= lead) ++below;
    return scatters[below];
  }
  bool is_sound() const {
    for (const CountScatter& scatter : scatters) {
      if (!scatter.is_sound()) return false;
    }
    return true;
  }
};

/// Origins at even distances over the newer two thirds of so many steps, ascending.
std::vector<std::size_t> spread_origins(std::size_t steps, std::size_t most);

/// Teaches a season from a history, one step after the other. Calls at_origin(i) when all before the i-th
/// origin has been seen, and learn(step, exposure) for each measured step before the season learns it.
void walk_counts(const ValueHistory& history, std::span<const std::size_t> origins, CountSeason& season,
                 const auto& at_origin, const auto& learn) {
  std::size_t next = 0;
  for (std::size_t t = 0; t < history.size(); ++t) {
    for (; next < origins.size() && origins[next] == t; ++next) at_origin(next);
    if (!history.measured_at(t)) continue;
    const double exposure = season.at(t);
    if (exposure > 0) learn(t, exposure);
    season.update(t, history[t]);
  }
}

/// The season of a count, still untaught: none, one of `periods` as it is or smoothed, or two together, by
/// predictive likelihood.
CountSeason choose_count_season(const ValueHistory& history, std::span<const std::uint32_t> periods);

}  // namespace forewarm
