#include "app/backtest.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "app/config.h"
#include "core/forecast/ensemble/ensemble.h"

namespace forewarm {
namespace {

constexpr std::size_t kDefaultHorizon = 30;
constexpr std::size_t kKeptOrigins = 25;

double total(const RecordedSeries& series) {
  return std::accumulate(series.values.begin(), series.values.end(), 0.0, [](double sum, float value) {
    return std::isfinite(value) ? sum + std::abs(static_cast<double>(value)) : sum;
  });
}

/// The busiest first; equal ones as they came.
void keep_busiest(std::vector<RecordedSeries>& series, BacktestReport& report, std::size_t most) {
  std::erase_if(series, [&](const RecordedSeries& one) {
    const bool silent = total(one) == 0;
    if (silent) report.unusable.push_back(one.name + ": nothing but zeros and gaps");
    return silent;
  });
  std::vector<std::pair<double, std::size_t>> order;
  order.reserve(series.size());
  for (std::size_t i = 0; i < series.size(); ++i) order.emplace_back(-total(series[i]), i);
  std::sort(order.begin(), order.end());
  if (order.size() > most) {
    report.left_out = order.size() - most;
    order.resize(most);
  }
  std::vector<RecordedSeries> kept;
  kept.reserve(order.size());
  for (const auto& [key, index] : order) kept.push_back(std::move(series[index]));
  series = std::move(kept);
}

std::size_t steps_of(Duration duration, Duration step) {
  return static_cast<std::size_t>((duration + step - Duration(1)) / step);
}

BacktestPlan plan_for(const RecordedSeries& series, const BacktestOptions& options) {
  BacktestPlan plan{.origins = {}};
  plan.horizon = options.horizon > Duration(0) ? steps_of(options.horizon, series.step) : kDefaultHorizon;
  std::size_t stride = steps_of(options.every, series.step);
  if (stride == 0) {
    const std::size_t half = series.values.size() / 2;
    const std::size_t room = half > plan.horizon ? half - plan.horizon : 0;
    stride = std::max<std::size_t>(1, room / std::max<std::size_t>(1, options.origins));
  }
  plan.origins = last_origins(series.values.size(), plan.horizon, options.origins, stride);
  plan.window = steps_of(options.window, series.step);
  plan.refit_every = options.refit_every;
  plan.future_regressors = options.future_regressors;
  return plan;
}

bool is_kept(std::size_t index, std::size_t origins) {
  if (origins <= kKeptOrigins) return true;
  // Evenly spread, the last one always.
  const std::size_t from_end = origins - 1 - index;
  const std::size_t apart = (origins + kKeptOrigins - 1) / kKeptOrigins;
  return from_end % apart == 0;
}

/// Adds one forecast to a run.
class RunMaker {
 public:
  RunMaker(const RollingOrigin& rolling, bool keep)
      : rolling_(rolling), keep_(keep), sums_(rolling.season()) {}

  void add(const OriginForecast& made, const Forecaster* by = nullptr) {
    sums_.add(made.forecast, {.came = rolling_.came(made.index),
                              .history = rolling_.history(made.index).values,
                              .stand_ins = made.stands_in ? 1U : 0U,
                              .fits = made.refitted ? 1U : 0U,
                              .fit_cpu_seconds = made.refitted ? made.cpu_seconds : 0});
    if (keep_ && is_kept(made.index, rolling_.plan().origins.size()))
      kept_.push_back({.origin = made.origin, .forecast = made.forecast});
    const auto* ensemble = dynamic_cast<const Ensemble*>(by);
    if (!keep_ || ensemble == nullptr) return;
    std::vector<std::size_t> leads(made.forecast.horizon());
    std::iota(leads.begin(), leads.end(), std::size_t{1});
    carriers_.push_back(made.stands_in ? std::vector<ForecastReason>{} : ensemble->carriers(leads));
  }
  const ScoreSums& sums() const { return sums_; }
  BacktestRun finish(const ScoreSums& yardstick) {
    return {.score = score_of(std::span(&sums_, 1), std::span(&yardstick, 1)),
            .losses = sums_.losses(),
            .kept = std::move(kept_),
            .carriers = std::move(carriers_)};
  }

 private:
  const RollingOrigin& rolling_;
  bool keep_;
  ScoreSums sums_;
  std::vector<KeptForecast> kept_;
  std::vector<std::vector<ForecastReason>> carriers_;
};

/// All models on one series; the yardstick last.
std::vector<RunMaker> run_all(const RollingOrigin& rolling, const BacktestOptions& options, bool keep,
                              const std::function<void(std::size_t model)>& step_done) {
  std::vector<RunMaker> runs(options.models.size() + 1, RunMaker(rolling, keep));
  for (std::size_t i = 0; i < rolling.plan().origins.size(); ++i) {
    OriginForecast made{.index = i, .origin = rolling.plan().origins[i], .refitted = true, .forecast = {}};
    const double before = thread_cpu_seconds();
    made.forecast = rolling.yardstick(i);
    made.cpu_seconds = thread_cpu_seconds() - before;
    runs.back().add(made);
  }
  for (std::size_t m = 0; m < options.models.size(); ++m) {
    const std::unique_ptr<Forecaster> model = options.models[m].make(rolling.plan().horizon);
    rolling.run(*model, &thread_cpu_seconds, [&](const OriginForecast& made) {
      runs[m].add(made, model.get());
      step_done(m);
    });
  }
  return runs;
}

}  // namespace

Result<BacktestReport> backtest(const std::string& source, std::vector<RecordedSeries> series,
                                const BacktestOptions& options) {
  BacktestReport report{.source = source, .models = {}, .league = {}, .series = {}, .unusable = {}};
  report.refit_every = options.refit_every;
  for (const BacktestModel& model : options.models) report.models.emplace_back(model.name);
  report.models.emplace_back(kYardstickName);
  keep_busiest(series, report, options.series_max);

  std::vector<std::vector<ScoreSums>> sums(report.models.size());
  std::string refused;
  for (std::size_t s = 0; s < series.size(); ++s) {
    RecordedSeries& one = series[s];
    const std::vector<std::span<const float>> regressors(one.regressors.begin(), one.regressors.end());
    const SeriesView view{
        .start = one.start, .step = one.step, .values = one.values, .regressors = regressors, .seasons = {}};
    const Result<RollingOrigin> rolling = RollingOrigin::make(view, plan_for(one, options));
    if (!rolling) {
      refused = one.name + " (a step is " + format_duration(one.step) + "): " + rolling.error().message;
      report.unusable.push_back(refused);
      continue;
    }
    std::size_t done = 0;
    const auto all = static_cast<double>(rolling->plan().origins.size() * options.models.size());
    std::vector<RunMaker> runs =
        run_all(*rolling, options, report.series.size() < options.series_kept, [&](std::size_t model) {
          const double share = (static_cast<double>(s) + static_cast<double>(++done) / all) /
                               static_cast<double>(series.size());
          if (options.progress) options.progress(share, one.name + " " + report.models[model]);
        });
    BacktestSeries result{.series = {},
                          .horizon = rolling->plan().horizon,
                          .season = rolling->season(),
                          .origins = rolling->plan().origins,
                          .runs = {}};
    report.window = rolling->plan().window;
    for (std::size_t m = 0; m < runs.size(); ++m) {
      sums[m].push_back(runs[m].sums());
      result.runs.push_back(runs[m].finish(runs.back().sums()));
    }
    result.series = std::move(one);
    report.series.push_back(std::move(result));
  }
  if (report.series.empty())
    return error(ErrorCode::Invalid,
                 source + ": " + (refused.empty() ? "no series has anything but zeros and gaps" : refused));
  for (const std::vector<ScoreSums>& of_model : sums)
    report.league.push_back(score_of(of_model, sums.back()));
  return report;
}

}  // namespace forewarm
