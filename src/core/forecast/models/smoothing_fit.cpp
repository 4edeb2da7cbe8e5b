#include "core/forecast/models/smoothing_fit.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"
#include "core/forecast/models/smoothing_estimate.h"

namespace forewarm {
namespace {

constexpr std::size_t kFarLead = 16;
constexpr std::size_t kFitStepsMax =
    2048;  // a search over more steps would not change the parameters by much
constexpr std::size_t kTwoRoundsStepsMax = 12'000;  // a second round finds little and costs as much again
constexpr std::size_t kErrorsMax = 400;             // per lead
constexpr double kCyclesToFit = 2;
constexpr std::size_t kLikelihoodStepsMax =
    400;  // a likelihood costs more than a run, and newer steps say more
constexpr std::uint32_t kLikelihoodPeriodMax = 24;  // every phase is an unknown
constexpr double kCeilingFactor = 2;
constexpr std::size_t kJudgedLeads[] = {1, 8, 30};
constexpr std::size_t kJudgedMax = 200;  // origins
constexpr double kLevels[] = {0.01, 0.03, 0.08, 0.2, 0.4, 0.7, 0.95};
constexpr double kTrends[] = {0, 0.02, 0.1, 0.3};
constexpr double kDampings[] = {0.8, 0.9, 0.97};
constexpr double kSeasonShares[] = {0, 0.05, 0.15, 0.4};

std::vector<double> scaled(std::span<const float> values, SmoothingScale scale) {
  std::vector<double> result(values.size());
  for (std::size_t t = 0; t < values.size(); ++t) result[t] = to_scale(values[t], scale);
  return result;
}

/// One way to smooth a series, from the beginning of its window on.
struct Candidate {
  SmoothingScale scale = SmoothingScale::Plain;
  SmoothingParameters parameters;
  SmoothingState start;
  double loss = std::numeric_limits<double>::infinity();
};

/// Mean absolute error, in messages, of forecasts 1 and `lead` steps ahead that are made at step `from` or
/// later.
double loss(std::span<const double> values, const Candidate& candidate, std::size_t lead, std::size_t from) {
  SmoothingState state = candidate.start;
  const double near = damped_steps(1, candidate.parameters.damping);
  const double far = damped_steps(lead, candidate.parameters.damping);
  double sum = 0, count = 0;
  for (std::size_t t = 0; t < values.size(); ++t) {
    if (t >= from) {
      // Odd steps look one ahead, even ones far: half the work, the same answer.
      const std::size_t distance = t % 2 == 0 && t + lead <= values.size() ? lead : 1;
      const double value = values[t + distance - 1];
      if (value == value) {
        const double expected =
            from_scale(state.expected(distance, distance == 1 ? near : far), candidate.scale);
        sum += std::abs(from_scale(value, candidate.scale) - expected);
        count += 1;
      }
    }
    state.update(values[t], candidate.parameters);
  }
  return count > 0 ? sum / count : 0;
}

std::size_t warm_up(std::size_t steps, std::uint32_t period) {
  return std::min(steps / 3, std::max<std::size_t>(10, period));
}

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

void search_parameters(std::span<const double> values, Candidate& candidate, std::size_t lead) {
  SmoothingParameters& parameters = candidate.parameters;
  const std::size_t from = warm_up(values.size(), candidate.start.period());
  const auto loss_now = [&] { return loss(values, candidate, lead, from); };
  candidate.loss = loss_now();
  const int rounds = values.size() > kTwoRoundsStepsMax ? 1 : 2;
  for (int round = 0; round < rounds; ++round) {
    search(kLevels, parameters.level, candidate.loss, loss_now);
    if (candidate.start.period() > 0) search(kSeasonShares, parameters.season, candidate.loss, loss_now);
    if (round > 0) break;
    search(kTrends, parameters.trend, candidate.loss, loss_now);
    if (parameters.trend > 0) search(kDampings, parameters.damping, candidate.loss, loss_now);
  }
}

/// A damped trend with one of the seasons or none, on one of the scales, of least loss.
Candidate search_candidates(const std::vector<double> (&series)[2], std::span<const std::uint32_t> periods,
                            std::size_t lead) {
  using enum SmoothingPart;
  Candidate best;
  for (const SmoothingScale scale : {SmoothingScale::Plain, SmoothingScale::SquareRoot}) {
    for (const std::uint32_t period : periods) {
      const std::span<const double> window = fitting_window(series[static_cast<std::size_t>(scale)], period);
      const SmoothingForm form{
          .error = Additive, .trend = Additive, .season = period > 0 ? Additive : None, .damped = true};
      Candidate candidate{
          .scale = scale, .parameters = {}, .start = SmoothingState(form, window, period, false)};
      candidate.loss = loss(window, candidate, lead, warm_up(window.size(), period));
      if (candidate.loss < best.loss) best = candidate;
    }
  }
  const std::span<const double> window =
      fitting_window(series[static_cast<std::size_t>(best.scale)], best.start.period());
  search_parameters(window, best, lead);
  return best;
}

/// The form of greatest likelihood on the newest steps, started at the beginning of the window that is
/// smoothed. None where most steps are empty: a normal likelihood then sees the bursts alone.
Candidate likeliest_candidate(std::span<const double> values, SmoothingScale scale, std::uint32_t period) {
  const std::span<const double> newest = values.last(std::min(values.size(), kLikelihoodStepsMax));
  const auto empty = std::count(newest.begin(), newest.end(), 0.0);
  if (2 * static_cast<std::size_t>(empty) > newest.size()) return {};
  const SmoothingEstimate estimate =
      choose_smoothing_form(newest, period, scale == SmoothingScale::SquareRoot);
  if (!std::isfinite(estimate.aicc)) return {};
  Candidate candidate{
      .scale = scale, .parameters = estimate.parameters, .start = estimate.initial, .loss = 0};
  // A level that never moved is likeliest not to follow anything; what comes may move it.
  candidate.parameters.level = std::max(candidate.parameters.level, kLevels[0]);
  const std::span<const double> window = fitting_window(values, estimate.initial.period());
  if (window.size() > newest.size()) {
    const SmoothingState seen(estimate.initial.form(), window, estimate.initial.period(), false);
    candidate.start = SmoothingState(seen.form(), seen.level(), estimate.initial.trend(),
                                     {seen.season().begin(), seen.season().end()});
  }
  return candidate;
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

/// What a loss would be on values that the model was not fitted to, by Akaike's final prediction error
/// (1969).
double prediction_loss(double fitted, const SmoothingModel& model, std::size_t steps) {
  const auto n = static_cast<double>(steps);
  const double unknowns = std::min(0.9 * n, 4.0 + model.state.period());
  return fitted * sqrt((n + unknowns) / (n - unknowns));
}

/// The model at the end of the window, with its errors.
SmoothingModel measured_model(std::span<const double> window, const Candidate& candidate) {
  SmoothingModel model;
  model.scale = candidate.scale;
  model.parameters = candidate.parameters;
  model.state = candidate.start;
  for (const double value : window) {
    if (value == value) {
      model.ceiling = std::max(model.ceiling, kCeilingFactor * from_scale(value, model.scale));
    }
  }
  measure_errors(window, model, std::min<std::size_t>(window.size() / 4, 64));
  widen_for_few_cycles(model, window.size());
  return model;
}

/// Mean pinball loss, in messages, of the model's quantiles some steps ahead, over the newest steps. The
/// absolute error of what is expected would not do: quantiles make up for a bias.
double quantile_loss(std::span<const double> window, const Candidate& candidate,
                     const SmoothingModel& model) {
  SmoothingModel then = model;
  then.state = candidate.start;
  const std::size_t judged = std::min(window.size(), kFitStepsMax);
  const std::size_t from = window.size() - judged + judged / 3;
  const std::size_t stride = std::max<std::size_t>(1, (window.size() - from) / kJudgedMax);
  double sum = 0, count = 0;
  for (std::size_t t = 0; t < window.size(); ++t) {
    if (t >= from && (window.size() - t) % stride == 0) {
      for (const std::size_t distance : kJudgedLeads) {
        if (t + distance > window.size() || window[t + distance - 1] != window[t + distance - 1]) continue;
        const double value = from_scale(window[t + distance - 1], model.scale);
        const LevelValues quantiles = then.quantiles(distance);
        for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
          sum += pinball_loss(value, quantiles[level], kForecastLevels[level]);
        }
        count += 1;
      }
    }
    then.state.update(window[t], then.parameters);
  }
  return count > 0 ? sum / count : 0;
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
  if (!share(parameters.damping) || !state.is_sound()) return false;
  if (!(ceiling >= 0 && ceiling <= kCeilingFactor * 1e15)) return false;
  return errors.is_sound();
}

void SmoothingModel::update(float value) {
  state.update(to_scale(value, scale), parameters);
  if (std::isfinite(value)) ceiling = std::max(ceiling, kCeilingFactor * std::min(double{value}, 1e15));
}

LevelValues SmoothingModel::quantiles(std::size_t lead) const {
  // A trend is believed as far as its errors are known.
  const std::size_t reach = errors.leads.empty() ? lead : std::min<std::size_t>(lead, errors.leads.back());
  const double expected = state.expected(lead, damped_steps(reach, parameters.damping));
  LevelValues row = errors.around(expected, lead);
  for (double& value : row) value = std::min(ceiling, from_scale(value, scale));
  return row;
}

SmoothingModel fit_smoothing(std::span<const float> values, std::span<const std::uint32_t> seasons) {
  const std::vector<double> series[] = {scaled(values, SmoothingScale::Plain),
                                        scaled(values, SmoothingScale::SquareRoot)};
  const std::size_t lead = std::clamp<std::size_t>(values.size() / 4, 1, kFarLead);
  std::vector<std::uint32_t> periods = {0};
  for (const std::uint32_t season : seasons) {
    if (season >= 2 && kCyclesToFit * season <= static_cast<double>(values.size())) periods.push_back(season);
  }
  std::vector<Candidate> candidates = {search_candidates(series, periods, lead)};
  const std::uint32_t short_period =
      periods.size() > 1 && periods[1] <= kLikelihoodPeriodMax ? periods[1] : 0;
  for (const SmoothingScale scale : {SmoothingScale::Plain, SmoothingScale::SquareRoot}) {
    const Candidate likeliest =
        likeliest_candidate(series[static_cast<std::size_t>(scale)], scale, short_period);
    if (std::isfinite(likeliest.loss)) candidates.push_back(likeliest);
  }
  SmoothingModel best;
  double best_loss = std::numeric_limits<double>::infinity();
  for (const Candidate& candidate : candidates) {
    const std::vector<double>& on_scale = series[static_cast<std::size_t>(candidate.scale)];
    const std::span<const double> window = fitting_window(on_scale, candidate.start.period());
    SmoothingModel model = measured_model(window, candidate);
    const double now = prediction_loss(quantile_loss(window, candidate, model), model, window.size());
    if (now >= best_loss) continue;
    best_loss = now;
    best = std::move(model);
  }
  return best;
}

}  // namespace forewarm
