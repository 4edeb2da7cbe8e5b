#include "core/forecast/models/smoothing_fit.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr std::size_t kFarLead = 16;
constexpr std::size_t kFitStepsMax =
    2048;                                // a search over more steps would not change the parameters by much
constexpr std::size_t kErrorsMax = 400;  // per lead
constexpr double kCyclesToFit = 2;
constexpr double kLevels[] = {0.01, 0.03, 0.08, 0.2, 0.4, 0.7, 0.95};
constexpr double kTrends[] = {0, 0.02, 0.1, 0.3};
constexpr double kDampings[] = {0.8, 0.9, 0.97};
constexpr double kSeasonShares[] = {0, 0.05, 0.15, 0.4};

std::vector<double> scaled(std::span<const float> values, SmoothingScale scale) {
  std::vector<double> result(values.size());
  for (std::size_t t = 0; t < values.size(); ++t) result[t] = to_scale(values[t], scale);
  return result;
}

/// Mean absolute error, in messages, of forecasts 1 and `lead` steps ahead.
double loss(std::span<const double> values, SmoothingState state, const SmoothingParameters& parameters,
            SmoothingScale scale, std::size_t lead) {
  const std::size_t warm_up = std::min(values.size() / 3, std::max<std::size_t>(10, state.period()));
  const double near = damped_steps(1, parameters.damping);
  const double far = damped_steps(lead, parameters.damping);
  double sum = 0, count = 0;
  for (std::size_t t = 0; t < values.size(); ++t) {
    if (t >= warm_up) {
      // Odd steps look one ahead, even ones far: half the work, the same answer.
      const std::size_t distance = t % 2 == 0 && t + lead <= values.size() ? lead : 1;
      const double value = values[t + distance - 1];
      if (value == value) {
        const double expected = from_scale(state.expected(distance, distance == 1 ? near : far), scale);
        sum += std::abs(from_scale(value, scale) - expected);
        count += 1;
      }
    }
    state.update(values[t], parameters);
  }
  return count > 0 ? sum / count : 0;
}

struct Candidate {
  SmoothingScale scale = SmoothingScale::Plain;
  std::uint32_t period = 0;
  double loss = 0;
};

/// The newest steps of a series: enough for the search, and for some cycles of a season.
std::span<const double> fitting_window(std::span<const double> values, std::uint32_t period) {
  const std::size_t wanted = std::max<std::size_t>(kFitStepsMax, 3 * std::size_t{period});
  return values.last(std::min(values.size(), wanted));
}

template <std::size_t size>
void search(const double (&grid)[size], double& parameter, double& best, const auto& loss_now) {
  double chosen = parameter;
  for (const double value : grid) {
    parameter = value;
    const double now = loss_now();
    if (now < best) {
      best = now;
      chosen = value;
    }
  }
  parameter = chosen;
}

SmoothingParameters best_parameters(std::span<const double> values, const SmoothingState& start,
                                    SmoothingScale scale, std::size_t lead) {
  SmoothingParameters parameters;
  const auto loss_now = [&] { return loss(values, start, parameters, scale, lead); };
  double best = loss_now();
  for (int round = 0; round < 2; ++round) {
    search(kLevels, parameters.level, best, loss_now);
    if (start.period() > 0) search(kSeasonShares, parameters.season, best, loss_now);
    if (round > 0) break;
    search(kTrends, parameters.trend, best, loss_now);
    if (parameters.trend > 0) search(kDampings, parameters.damping, best, loss_now);
  }
  return parameters;
}

/// Runs the model over the series, collecting its errors at each lead from spread origins.
void measure_errors(std::span<const double> values, SmoothingModel& model, std::size_t origins_from) {
  LeadErrorSample errors(values.size());
  const std::span<const std::uint32_t> leads = errors.leads();
  const double phi = model.parameters.damping;
  std::vector<double> damped;
  damped.reserve(leads.size());
  for (const std::uint32_t lead : leads) damped.push_back(damped_steps(lead, phi));
  const std::size_t stride = std::max<std::size_t>(1, (values.size() - origins_from) / kErrorsMax);
  double product = 0, square = 0;
  for (std::size_t t = 0; t < values.size(); ++t) {
    if (t >= origins_from && (values.size() - t) % stride == 0) {
      const double weight = 0.3 + 0.7 * static_cast<double>(t) / static_cast<double>(values.size());
      for (std::size_t i = 0; i < leads.size() && t + leads[i] <= values.size(); ++i) {
        errors.add(i, values[t + leads[i] - 1] - model.state.expected(leads[i], damped[i]), weight);
      }
      if (t + 3 <= values.size()) {
        const double second = values[t + 1] - model.state.expected(2, damped_steps(2, phi));
        const double third = values[t + 2] - model.state.expected(3, damped_steps(3, phi));
        if (second == second && third == third) {
          product += second * third;
          square += 0.5 * (second * second + third * third);
        }
      }
    }
    model.state.update(values[t], model.parameters);
  }
  model.errors = errors.quantiles();
  model.persistence = square > 0 ? std::clamp(product / square, 0.0, 0.95) : 0;
}

/// Phase means were taken from the same values that the errors are measured on, so with few cycles errors
/// look smaller than they will be.
void widen_for_few_cycles(SmoothingModel& model, std::size_t steps) {
  if (model.state.period() == 0) return;
  const double cycles = static_cast<double>(steps) / model.state.period();
  for (LevelValues& quantiles : model.errors.quantiles) {
    for (double& value : quantiles) value *= cycles / (cycles - 1);
  }
}

}  // namespace

double to_scale(float value, SmoothingScale scale) {
  if (!std::isfinite(value)) return std::numeric_limits<double>::quiet_NaN();
  const double safe = std::clamp(static_cast<double>(value), 0.0, 1e15);
  return scale == SmoothingScale::SquareRoot ? sqrt(safe) : safe;
}

double from_scale(double value, SmoothingScale scale) {
  const double positive = std::max(0.0, value);
  return scale == SmoothingScale::SquareRoot ? positive * positive : positive;
}

bool SmoothingModel::is_sound() const {
  const auto share = [](double value) { return value >= 0 && value <= 1; };  // false for NaN
  if (scale != SmoothingScale::Plain && scale != SmoothingScale::SquareRoot) return false;
  if (!share(parameters.level) || !share(parameters.trend) || !share(parameters.season) ||
      !share(persistence)) {
    return false;
  }
  if (!(parameters.damping >= 0 && parameters.damping < 1) || !state.is_sound()) return false;
  return errors.is_sound();
}

SmoothingModel fit_smoothing(std::span<const float> values, std::span<const std::uint32_t> seasons) {
  const std::vector<double> series[] = {scaled(values, SmoothingScale::Plain),
                                        scaled(values, SmoothingScale::SquareRoot)};
  const std::size_t lead = std::clamp<std::size_t>(values.size() / 4, 1, kFarLead);
  std::vector<std::uint32_t> periods = {0};
  for (const std::uint32_t season : seasons) {
    if (season >= 2 && kCyclesToFit * season <= static_cast<double>(values.size())) periods.push_back(season);
  }
  Candidate best{.loss = std::numeric_limits<double>::infinity()};
  for (const SmoothingScale scale : {SmoothingScale::Plain, SmoothingScale::SquareRoot}) {
    for (const std::uint32_t period : periods) {
      const std::span<const double> window = fitting_window(series[static_cast<std::size_t>(scale)], period);
      const double now = loss(window, SmoothingState(window, period), {}, scale, lead);
      if (now < best.loss) best = {.scale = scale, .period = period, .loss = now};
    }
  }
  const std::vector<double>& chosen = series[static_cast<std::size_t>(best.scale)];
  const std::span<const double> window = fitting_window(chosen, best.period);
  SmoothingModel model;
  model.scale = best.scale;
  model.parameters = best_parameters(window, SmoothingState(window, best.period), best.scale, lead);
  model.state = SmoothingState(window, best.period);
  measure_errors(window, model, std::min<std::size_t>(window.size() / 4, 64));
  widen_for_few_cycles(model, window.size());
  return model;
}

}  // namespace forewarm
