// Forecasts of a rolling-origin benchmark by each model and by the online choice between them, as CSV for its
// score.py.
//   bench_forecast_models DIRECTORY [SET...] > forecasts.csv
// DIRECTORY holds meta.csv and one CSV a series (column y, an empty line is a missing value).
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "core/forecast/ensemble/fit.h"
#include "core/forecast/ensemble/model_choice.h"
#include "core/forecast/seasons.h"

namespace forewarm {
namespace {

constexpr int kOriginsBefore = 6;  // forecasts before the scored one, from which the choice learns

struct Series {
  std::string name, set;
  std::uint32_t step_s = 60, season = 0, long_season = 0;
  std::size_t horizon = 0, window = 0, origins = 0, stride = 0;
  std::vector<float> values;
};

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream stream(line);
  for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
  return cells;
}

std::vector<float> read_values(const std::string& path) {
  std::ifstream file(path);
  std::vector<float> values;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    float value = std::numeric_limits<float>::quiet_NaN();
    std::from_chars(line.data(), line.data() + line.size(), value);
    values.push_back(value);
  }
  return values;
}

std::vector<Series> read_series(const std::string& directory, const std::set<std::string>& sets) {
  std::ifstream file(directory + "/meta.csv");
  std::vector<Series> all;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    const std::vector<std::string> cells = split(line);
    if (cells.size() < 9 || (!sets.empty() && !sets.contains(cells[1]))) continue;
    const auto number = [&](std::size_t i) { return static_cast<std::size_t>(std::stoul(cells[i])); };
    Series series;
    series.name = cells[0];
    series.set = cells[1];
    series.step_s = static_cast<std::uint32_t>(number(2));
    series.season = static_cast<std::uint32_t>(number(3));
    series.long_season = static_cast<std::uint32_t>(number(4));
    series.horizon = number(5);
    series.window = number(6);
    series.origins = number(7);
    series.stride = number(8);
    series.values = read_values(directory + "/" + series.name + ".csv");
    all.push_back(std::move(series));
  }
  return all;
}

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

FitRequest request_at(const Series& series, std::size_t origin) {
  const std::size_t first = origin - std::min(series.window, origin);
  FitRequest request;
  request.step = std::chrono::seconds(series.step_s);
  request.start = TimePoint(request.step * static_cast<Duration::rep>(first));
  request.arrivals.assign(series.values.begin() + static_cast<std::ptrdiff_t>(first),
                          series.values.begin() + static_cast<std::ptrdiff_t>(origin));
  request.horizon = static_cast<std::uint16_t>(series.horizon);
  // What an operator would say; what the data show besides is found.
  request.seasons = find_seasons(request.arrivals);
  for (const std::uint32_t season : {series.season, series.long_season}) {
    const bool known =
        std::find(request.seasons.begin(), request.seasons.end(), season) != request.seasons.end();
    if (!known && 2 * season <= request.arrivals.size()) request.seasons.push_back(season);
  }
  std::sort(request.seasons.begin(), request.seasons.end());
  return request;
}

void print(const Series& series, std::size_t origin, const char* method, double cpu_s,
           const Forecast& forecast) {
  for (std::size_t h = 0; h < forecast.horizon(); ++h) {
    std::printf("%s,%s,%s,%zu,%.6f,%zu", series.name.c_str(), series.set.c_str(), method, origin, cpu_s,
                h + 1);
    for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
      std::printf(",%.6g", static_cast<double>(forecast.at(h, level)));
    }
    std::printf("\n");
  }
}

const char* name_of(ModelId model) {
  return model == ModelId::SeasonalQuantiles ? "fw_seasonal" : "fw_smoothing";
}

/// The forecast made at `origin`, and the choice that the forecasts before it would have led to.
void run(const Series& series, std::size_t origin) {
  ModelChoice ensemble;
  for (int before = kOriginsBefore; before > 0; --before) {
    const std::size_t at = origin - series.horizon * static_cast<std::size_t>(before);
    if (at > origin) continue;
    const FitRequest request = request_at(series, at);
    ensemble.accept(fit_forecasts(request).forecasts);
    for (std::size_t t = at; t < at + series.horizon; ++t) {
      ensemble.observe(TimePoint(request.step * static_cast<Duration::rep>(t)), series.values[t]);
    }
  }
  const double begin = cpu_seconds();
  const ForecastFitted fitted = fit_forecasts(request_at(series, origin));
  const double cpu_s = cpu_seconds() - begin;
  for (const ModelForecast& forecast : fitted.forecasts) {
    print(series, origin, name_of(forecast.model), cpu_s, forecast.forecast);
  }
  ensemble.accept(fitted.forecasts);
  if (fitted.forecasts.empty()) {
    std::fprintf(stderr, "%s at %zu: no model could be fitted\n", series.name.c_str(), origin);
    return;
  }
  print(series, origin, "fw_chosen", cpu_s, ensemble.best(fitted.forecasts[0].forecast.start)->forecast);
}

}  // namespace
}  // namespace forewarm

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_forecast_models DIRECTORY [SET...] > forecasts.csv\n");
    return 2;
  }
  const std::vector<forewarm::Series> all =
      forewarm::read_series(argv[1], std::set<std::string>(argv + 2, argv + argc));
  std::printf("series,set,method,origin,cpu_s,step,q01,q05,q10,q25,q50,q75,q90,q95,q99\n");
  for (const forewarm::Series& series : all) {
    const std::size_t last = series.values.size() - series.horizon;
    for (std::size_t k = 0; k < series.origins; ++k) forewarm::run(series, last - k * series.stride);
  }
  return all.empty() ? 1 : 0;
}
