#include "app/backtest_benchmark.h"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "core/forecast/backtest/rolling_origin.h"
#include "edge/trace/benchmark.h"

namespace forewarm {
namespace {

constexpr const char* kHeader = "series,set,method,origin,cpu_s,step,q01,q05,q10,q25,q50,q75,q90,q95,q99\n";
static_assert(kForecastLevelCount == 9, "the header names the levels");

BacktestPlan plan_of(const BenchmarkSeries& one) {
  BacktestPlan plan{.origins = {}, .horizon = one.horizon, .window = one.window};
  const std::size_t last = one.series.values.size() - one.horizon;
  for (std::size_t k = one.origins; k > 0; --k) plan.origins.push_back(last - (k - 1) * one.stride);
  plan.seasons = {one.season, one.long_season};
  plan.future_regressors = true;
  return plan;
}

std::string lines(const BenchmarkSeries& one, std::string_view method, const OriginForecast& made) {
  std::string out;
  char number[40];
  for (std::size_t h = 0; h < made.forecast.horizon(); ++h) {
    out += one.series.name + "," + one.set + "," + std::string(method) + "," + std::to_string(made.origin);
    std::snprintf(number, sizeof number, ",%.6f,%zu", made.cpu_seconds, h + 1);
    out += number;
    for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
      std::snprintf(number, sizeof number, ",%.6g", static_cast<double>(made.forecast.at(h, level)));
      out += number;
    }
    out += '\n';
  }
  return out;
}

}  // namespace

Result<void> forecast_benchmark(const BenchmarkOptions& options, const std::string& csv_path,
                                const std::function<void(const std::string&)>& note) {
  const Result<std::vector<BenchmarkSeries>> all = read_benchmark(options.folder, options.sets);
  if (!all) return std::unexpected(all.error());
  std::ofstream file(csv_path, std::ios::binary | std::ios::trunc);
  file << kHeader;
  std::size_t forecasts = 0, done = 0;
  for (const BenchmarkSeries& one : *all) forecasts += one.origins * options.models.size();
  for (const BenchmarkSeries& one : *all) {
    std::vector<std::span<const float>> regressors;
    if (options.regressors) regressors.assign(one.series.regressors.begin(), one.series.regressors.end());
    const SeriesView view{.start = one.series.start,
                          .step = one.series.step,
                          .values = one.series.values,
                          .regressors = regressors,
                          .seasons = {}};
    const Result<RollingOrigin> rolling = RollingOrigin::make(view, plan_of(one));
    if (!rolling)
      return error(rolling.error().code,
                   options.folder + "/" + one.series.name + ".csv: " + rolling.error().message);
    for (const BacktestModel& model : options.models) {
      const std::unique_ptr<Forecaster> forecaster = model.make(one.horizon);
      rolling->run(*forecaster, &thread_cpu_seconds, [&](const OriginForecast& made) {
        file << lines(one, model.name, made);
        if (made.stands_in)
          note(one.series.name + " at " + std::to_string(made.origin) + ": " + std::string(model.name) +
               " has no forecast; seasonal naive stands in");
        if (options.progress)
          options.progress(static_cast<double>(++done) / static_cast<double>(forecasts), one.series.name);
      });
    }
    if (!file) break;
  }
  file.flush();
  if (!file) return error(ErrorCode::Io, csv_path + ": cannot be written");
  return {};
}

}  // namespace forewarm
