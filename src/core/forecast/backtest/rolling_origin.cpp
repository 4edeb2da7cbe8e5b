#include "core/forecast/backtest/rolling_origin.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "core/forecast/seasons.h"

namespace forewarm {
namespace {

std::vector<std::uint32_t> seasons_in(std::span<const float> values,
                                      const std::vector<std::uint32_t>& known) {
  std::vector<std::uint32_t> seasons = find_seasons(values);
  for (const std::uint32_t season : known) {
    // A season of which there are not two says nothing yet.
    if (2 * static_cast<std::size_t>(season) <= values.size()) seasons.push_back(season);
  }
  std::sort(seasons.begin(), seasons.end());
  seasons.erase(std::unique(seasons.begin(), seasons.end()), seasons.end());
  return seasons;
}

}  // namespace

std::vector<std::size_t> last_origins(std::size_t steps, std::size_t horizon, std::size_t count,
                                      std::size_t stride) {
  std::vector<std::size_t> origins;
  for (std::size_t k = 0; k < count; ++k) {
    const std::size_t after = horizon + k * std::max<std::size_t>(stride, 1);
    if (after >= steps) break;
    origins.push_back(steps - after);
  }
  std::reverse(origins.begin(), origins.end());
  return origins;
}

Result<RollingOrigin> RollingOrigin::make(const SeriesView& series, BacktestPlan plan) {
  const std::string has = "the series has " + std::to_string(series.values.size()) + " steps";
  if (plan.horizon == 0) return error(ErrorCode::Invalid, "the horizon must be one step or more");
  if (plan.origins.empty() || plan.origins.front() == 0)
    return error(ErrorCode::Invalid, has + ", which leaves no history before a horizon of " +
                                         std::to_string(plan.horizon) +
                                         "; give a longer history or a shorter horizon");
  for (std::size_t i = 0; i < plan.origins.size(); ++i) {
    if (i > 0 && plan.origins[i] <= plan.origins[i - 1])
      return error(ErrorCode::Invalid, "origins must ascend");
    if (plan.horizon > series.values.size() || plan.origins[i] > series.values.size() - plan.horizon)
      return error(ErrorCode::Invalid,
                   has + ": the horizon of " + std::to_string(plan.horizon) + " after origin " +
                       std::to_string(plan.origins[i]) +
                       " does not lie inside; give a longer history or a shorter horizon");
  }
  if (series.step <= Duration(0)) return error(ErrorCode::Invalid, "a step must be longer than zero");
  for (const std::span<const float> regressor : series.regressors) {
    if (regressor.size() != series.values.size())
      return error(ErrorCode::Invalid, has + " and a regressor " + std::to_string(regressor.size()) +
                                           "; they must be as long as each other");
  }
  plan.refit_every = std::max<std::size_t>(plan.refit_every, 1);
  std::erase(plan.seasons, 0U);
  return RollingOrigin(series, std::move(plan));
}

RollingOrigin::RollingOrigin(const SeriesView& series, BacktestPlan plan)
    : series_(series), plan_(std::move(plan)) {
  for (std::size_t i = 0; i < plan_.origins.size(); ++i) {
    const std::size_t origin = plan_.origins[i];
    past_.push_back(regressors(first_step(origin), origin));
    const bool known = plan_.future_regressors;
    future_.push_back(regressors(origin, known ? origin + plan_.horizon : origin));
    if (i % plan_.refit_every == 0) {
      const std::size_t first = first_step(origin);
      seasons_.push_back(seasons_in(series_.values.subspan(first, origin - first), plan_.seasons));
    }
  }
  if (!plan_.seasons.empty())
    season_ = *std::min_element(plan_.seasons.begin(), plan_.seasons.end());
  else if (!seasons_.front().empty())
    season_ = seasons_.front().front();
}

std::size_t RollingOrigin::first_step(std::size_t origin) const {
  return plan_.window == 0 ? 0 : origin - std::min(plan_.window, origin);
}

std::vector<std::span<const float>> RollingOrigin::regressors(std::size_t from, std::size_t to) const {
  std::vector<std::span<const float>> cut;
  for (const std::span<const float> regressor : series_.regressors)
    cut.push_back(regressor.subspan(from, to - from));
  return cut;
}

SeriesView RollingOrigin::history(std::size_t index) const {
  const std::size_t origin = plan_.origins[index];
  const std::size_t first = first_step(origin);
  return {.start = series_.start + series_.step * static_cast<Duration::rep>(first),
          .step = series_.step,
          .values = series_.values.subspan(first, origin - first),
          .regressors = past_[index],
          .seasons = seasons_[index / plan_.refit_every],
          .future = future_[index]};
}

std::span<const float> RollingOrigin::came(std::size_t index) const {
  return series_.values.subspan(plan_.origins[index], plan_.horizon);
}

Forecast RollingOrigin::yardstick(std::size_t index) const {
  const SeriesView past = history(index);
  Forecast forecast{.start = past.start + past.step * static_cast<Duration::rep>(past.values.size()),
                    .step = past.step,
                    .values = {}};
  for (const LevelValues& row : seasonal_naive(past.values, season_, plan_.horizon))
    append_row(row, forecast.values);
  return forecast;
}

void RollingOrigin::update(Forecaster& model, std::size_t from, std::size_t to) const {
  std::vector<float> beside(series_.regressors.size());
  for (std::size_t t = from; t < to; ++t) {
    for (std::size_t r = 0; r < beside.size(); ++r) beside[r] = series_.regressors[r][t];
    model.update(series_.values[t], beside);
  }
}

void RollingOrigin::run(Forecaster& model, const CpuClock& cpu_clock,
                        const std::function<void(const OriginForecast&)>& show) const {
  bool usable = false;
  for (std::size_t i = 0; i < plan_.origins.size(); ++i) {
    OriginForecast made{.index = i, .origin = plan_.origins[i], .forecast = {}};
    made.refitted = i % plan_.refit_every == 0;
    const double before = cpu_clock();
    if (made.refitted) {
      usable = model.fit(history(i)).has_value();
    } else if (usable) {
      update(model, plan_.origins[i - 1], plan_.origins[i]);
      made.updates = plan_.origins[i] - plan_.origins[i - 1];
    }
    if (usable) made.forecast = model.predict(plan_.horizon, future_[i]);
    made.cpu_seconds = cpu_clock() - before;
    made.stands_in = made.forecast.horizon() != plan_.horizon;
    if (made.stands_in) made.forecast = yardstick(i);
    show(made);
  }
}

}  // namespace forewarm
