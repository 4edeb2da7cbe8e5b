#include "core/forecast/models/smoothing_estimate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/forecast/models/smoothing_likelihood.h"

namespace forewarm {
namespace {

constexpr std::size_t kShortStepsMax = 200;
constexpr std::size_t kStartsLong = 2;
constexpr int kIterationsMax = 100;
constexpr int kIterationsLong = 15;
constexpr double kStartLevels[] = {0.02, 0.1, 0.3, 0.8};
constexpr std::size_t kStartsShort = 3;
constexpr double kTolerance = 0.005;  // of minus twice the log-likelihood, over three iterations

struct Start {
  double value = 0;
  std::vector<double> unknowns;
};

/// Starts that differ, the likeliest first: a likelihood can have maxima for slow and fast smoothing, and for
/// trends and seasons that stay and that change.
std::vector<Start> starts_of(SmoothingLikelihood& likelihood, const SmoothingForm& form) {
  std::vector<Start> starts;
  // Of each group the likeliest level is taken.
  const auto add = [&](std::span<const double> levels, SmoothingGuess guess) {
    Start best{.value = std::numeric_limits<double>::infinity(), .unknowns = {}};
    for (const double level : levels) {
      guess.level = level;
      std::vector<double> unknowns = likelihood.start(guess);
      const double value = likelihood.value(unknowns);
      if (value < best.value) best = {.value = value, .unknowns = std::move(unknowns)};
    }
    if (std::isfinite(best.value)) starts.push_back(std::move(best));
  };
  const std::span<const double> levels = kStartLevels;
  if (form.trend == SmoothingPart::None) {
    add(levels.first(2), {});
    add(levels.last(2), {});
  } else {
    add(levels, {.trend = 0.001, .steady = true});
    add(levels, {.trend = 0.1});
    add(levels, {.trend = 0.8});
  }
  if (form.season != SmoothingPart::None) add(levels.first(2), {.season = 0.8});
  std::sort(starts.begin(), starts.end(), [](const Start& a, const Start& b) { return a.value < b.value; });
  return starts;
}

}  // namespace

SmoothingEstimate estimate_smoothing(std::span<const double> values, const SmoothingForm& form,
                                     std::uint32_t period) {
  SmoothingEstimate estimate;
  SmoothingLikelihood likelihood(values, form, period);
  const auto measured = static_cast<double>(
      std::count_if(values.begin(), values.end(), [](double value) { return value == value; }));
  const auto unknowns = static_cast<double>(likelihood.size() + 1);  // and the variance
  if (unknowns + 1 >= measured) return estimate;
  std::vector<Start> starts = starts_of(likelihood, form);
  const bool brief = values.size() > kShortStepsMax;
  if (brief && !starts.empty()) {
    starts.resize(form.season == SmoothingPart::None ? std::min(starts.size(), kStartsLong) : 1);
  }
  const BoundedSearchSettings settings{.iterations_max = brief ? kIterationsLong : kIterationsMax,
                                       .tolerance = kTolerance};
  const std::vector<double> lower = likelihood.lower(), upper = likelihood.upper();
  Start best{.value = std::numeric_limits<double>::infinity(), .unknowns = {}};
  for (Start& start : starts) {
    start.value = search_between_bounds(likelihood, lower, upper, settings, start.unknowns);
    if (start.value < best.value) best = std::move(start);
  }
  if (!std::isfinite(best.value)) return estimate;
  estimate.parameters = likelihood.parameters(best.unknowns);
  estimate.initial = likelihood.initial_state(best.unknowns);
  estimate.log_likelihood = -0.5 * best.value;
  estimate.aicc = best.value + 2 * unknowns * measured / (measured - unknowns - 1);
  return estimate;
}

SmoothingEstimate choose_smoothing_form(std::span<const double> values, std::uint32_t period,
                                        bool additive_only) {
  using enum SmoothingPart;
  SmoothingEstimate best;
  const bool positive =
      !additive_only && std::none_of(values.begin(), values.end(), [](double value) { return value <= 0; });
  const auto attempt = [&](const SmoothingForm& form) {
    if (!form.is_admissible() || (form.multiplies() && !positive)) return;
    if (form.season != None && period < 2) return;
    const SmoothingEstimate estimate = estimate_smoothing(values, form, period);
    if (estimate.aicc < best.aicc) best = estimate;
  };
  const bool every_form = values.size() <= kShortStepsMax;
  for (const SmoothingPart error : {Additive, Multiplicative}) {
    for (const SmoothingPart season : {None, Additive, Multiplicative}) {
      attempt({.error = error, .trend = None, .season = season, .damped = false});
      if (!every_form) continue;
      for (const bool damped : {true, false}) {
        attempt({.error = error, .trend = Additive, .season = season, .damped = damped});
      }
    }
  }
  if (every_form || !std::isfinite(best.aicc)) return best;
  const SmoothingForm untrended = best.initial.form();
  for (const bool damped : {true, false}) {
    attempt({.error = untrended.error, .trend = Additive, .season = untrended.season, .damped = damped});
  }
  return best;
}

}  // namespace forewarm
