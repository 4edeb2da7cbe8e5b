#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "app/backtest.h"
#include "app/config.h"
#include "app/forecast_reasons.h"
#include "app/terminal.h"
#include "edge/observe/json_writer.h"

namespace forewarm {
namespace {

constexpr std::size_t kShownLevels[] = {4, 6, 7, 8};  // 50, 90, 95 and 99 %
constexpr std::size_t kUnusableShown = 5;
constexpr std::size_t kCarriersShown = 7;

std::string figure(double value, int digits) {
  return std::isfinite(value) ? fixed(value, digits) : "-";
}

std::string milliseconds_text(double seconds_spent) {
  const double ms = seconds_spent * 1e3;
  return fixed(ms, ms < 10 ? 2 : ms < 100 ? 1 : 0) + " ms";
}

/// Models by their losses, the best first.
std::vector<std::size_t> by_loss(const BacktestReport& report) {
  std::vector<std::size_t> order(report.models.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {},
                    [&](std::size_t model) { return std::pair(report.league[model].wql_mean, model); });
  return order;
}

/// Four significant digits are more than a picture or a person needs, and a
/// third of the bytes.
void write_short(double value, JsonWriter& json) {
  if (!std::isfinite(value)) {
    json.null();
    return;
  }
  char text[40];
  std::snprintf(text, sizeof text, "%.4g", value);
  json.raw(text);
}

template <class Values>
void write_list(std::string_view name, const Values& values, JsonWriter& json) {
  json.key(name).open_array();
  for (const auto value : values) write_short(static_cast<double>(value), json);
  json.close_array();
}

void write_score(const ForecastScore& score, JsonWriter& json) {
  json.open_object();
  json.member("series", score.series).member("origins", score.origins).member("steps", score.steps);
  for (const auto& [name, value] :
       {std::pair("wql", score.wql_mean), std::pair("rel", score.relative), std::pair("mase", score.mase),
        std::pair("smape", score.smape), std::pair("calerr", score.calibration_error),
        std::pair("cpu_seconds_per_fit", score.cpu_seconds_per_fit)}) {
    json.key(name);
    write_short(value, json);
  }
  json.member("fits", score.fits).member("stand_ins", score.stand_ins);
  write_list("wql_by_level", score.wql, json);
  write_list("coverage", score.coverage, json);
  for (const auto& [name, thirds] : {std::pair("coverage_by_third", &score.coverage_thirds),
                                     std::pair("miss_by_third", &score.miss_thirds)}) {
    json.key(name).open_array();
    for (const LevelValues& third : *thirds) {
      json.open_array();
      for (const double share : third) write_short(share, json);
      json.close_array();
    }
    json.close_array();
  }
  write_list("calerr_by_third", score.calibration_error_thirds, json);
  write_list("pit", score.pit, json);
  json.close_object();
}

void write_kept(const BacktestRun& run, JsonWriter& json) {
  constexpr std::size_t kBandLevels[] = {1, 3, 4, 5, 7};  // 5, 25, 50, 75 and 95 %
  json.key("forecasts").open_array();
  for (const KeptForecast& kept : run.kept) {
    json.open_object().member("origin", kept.origin).key("q").open_array();
    for (const std::size_t level : kBandLevels) {
      json.open_array();
      for (std::size_t h = 0; h < kept.forecast.horizon(); ++h)
        write_short(static_cast<double>(kept.forecast.at(h, level)), json);
      json.close_array();
    }
    json.close_array().close_object();
  }
  json.close_array();
}

/// The mix by origin: the heaviest carriers over all origins, and the rest together.
void write_carriers(const BacktestRun& run, Duration step, JsonWriter& json) {
  std::vector<std::pair<std::string, double>> totals;
  const auto total_of = [&](const std::string& name) -> double& {
    for (auto& [known, total] : totals) {
      if (known == name) return total;
    }
    return totals.emplace_back(name, 0).second;
  };
  for (const std::vector<ForecastReason>& origin : run.carriers) {
    for (const ForecastReason& carrier : origin) total_of(reason_text(carrier, {}, step)) += carrier.share;
  }
  std::stable_sort(totals.begin(), totals.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (totals.size() > kCarriersShown) totals.resize(kCarriersShown);
  json.key("carriers").open_array();
  for (const auto& [name, total] : totals) {
    json.open_object().member("name", name).key("shares").open_array();
    for (const std::vector<ForecastReason>& origin : run.carriers) {
      double share = 0;
      for (const ForecastReason& carrier : origin) {
        if (reason_text(carrier, {}, step) == name) share += carrier.share;
      }
      write_short(share, json);
    }
    json.close_array().close_object();
  }
  json.close_array();
}

void write_series(const BacktestSeries& one, const BacktestReport& report, bool pictures, JsonWriter& json) {
  json.open_object().member("name", one.series.name);
  json.member("start", static_cast<double>(count_us(one.series.start)) / 1e6);
  json.member("step_seconds", static_cast<double>(one.series.step.count()) / 1e6)
      .member("steps", one.series.values.size());
  json.member("horizon", one.horizon).member("season", one.season);
  json.key("origins").open_array();
  for (const std::size_t origin : one.origins) json.value(origin);
  json.close_array();
  const bool has_pictures = pictures && !one.runs.front().kept.empty();
  if (has_pictures) {
    // What the pictures show: some horizons before the first origin, and all
    // after it.
    const std::size_t before = std::max<std::size_t>(3 * one.horizon, one.season * std::size_t{2});
    const std::size_t first = one.origins.front() - std::min(before, one.origins.front());
    json.member("shown_from", first);
    write_list("shown", std::span(one.series.values).subspan(first), json);
  }
  json.key("models").open_object();
  for (std::size_t m = 0; m < report.models.size(); ++m) {
    json.key(report.models[m]).open_object().key("score");
    write_score(one.runs[m].score, json);
    write_list("losses", one.runs[m].losses, json);
    if (has_pictures) write_kept(one.runs[m], json);
    if (has_pictures) write_carriers(one.runs[m], one.series.step, json);
    json.close_object();
  }
  json.close_object().close_object();
}

}  // namespace

std::string backtest_table(const BacktestReport& report) {
  TextTable table;
  table.row({"model", "wQL", "rel", "MASE", "sMAPE", "wQL50", "wQL90", "wQL95", "wQL99", "cov50", "cov90",
             "cov95", "cov99", "calerr", "CPU/fit"});
  std::size_t stand_ins = 0;
  for (const std::size_t model : by_loss(report)) {
    const ForecastScore& score = report.league[model];
    std::vector<std::string> cells = {report.models[model], figure(score.wql_mean, 4),
                                      figure(score.relative, 3), figure(score.mase, 3),
                                      figure(score.smape, 1)};
    for (const std::size_t level : kShownLevels) cells.push_back(figure(score.wql[level], 4));
    for (const std::size_t level : kShownLevels) cells.push_back(figure(100 * score.coverage[level], 1));
    cells.push_back(figure(score.calibration_error, 1));
    cells.push_back(milliseconds_text(score.cpu_seconds_per_fit));
    table.row(std::move(cells));
    stand_ins += score.stand_ins;
  }
  const ForecastScore& any = report.league.back();
  const BacktestSeries& first = report.series.front();
  std::string out = table.text() + "\n" + grouped(any.origins) + " origins on " + grouped(any.series) +
                    " series, horizon " +
                    format_duration(first.series.step * static_cast<Duration::rep>(first.horizon)) +
                    " in steps of " + format_duration(first.series.step) +
                    ". wQL: weighted quantile loss, mean of nine levels; rel: "
                    "against seasonal naive; less is "
                    "better.\ncov: per cent of values at or below the "
                    "quantile; calerr: percentage points off, "
                    "as far as counts can tell.\n";
  for (std::size_t model = 0; model < report.models.size() && stand_ins > 0; ++model) {
    if (report.league[model].stand_ins == 0) continue;
    out += report.models[model] + " had no forecast at " + grouped(report.league[model].stand_ins) +
           " origins: seasonal naive stood in.\n";
  }
  if (report.left_out > 0)
    out += "The " + grouped(report.series.size() + report.unusable.size()) + " busiest of " +
           grouped(report.left_out + report.series.size() + report.unusable.size()) +
           " queues; --top takes more.\n";
  for (std::size_t i = 0; i < report.unusable.size() && i < kUnusableShown; ++i)
    out += "Left out: " + report.unusable[i] + "\n";
  if (report.unusable.size() > kUnusableShown)
    out += "Left out besides: " + grouped(report.unusable.size() - kUnusableShown) + " more\n";
  return out;
}

std::string backtest_json(const BacktestReport& report, bool pictures) {
  std::string out;
  JsonWriter json(out);
  json.open_object().member("source", report.source).member("refit_every", report.refit_every);
  json.key("levels").open_array();
  for (const double level : kForecastLevels) json.value(level);
  json.close_array().key("league").open_array();
  for (const std::size_t model : by_loss(report)) {
    json.open_object().member("model", report.models[model]).key("score");
    write_score(report.league[model], json);
    json.close_object();
  }
  json.close_array().member("left_out", report.left_out).key("unusable").open_array();
  for (const std::string& name : report.unusable) json.value(name);
  json.close_array().key("series").open_array();
  for (const BacktestSeries& one : report.series) write_series(one, report, pictures, json);
  json.close_array().close_object();
  return out + "\n";
}

}  // namespace forewarm
