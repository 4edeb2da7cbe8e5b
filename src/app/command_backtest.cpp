// forewarm backtest: how good forecasts of a recorded series would have been

#include <boost/json.hpp>
#include <fstream>
#include <iostream>
#include <limits>
#include <memory>
#include <tuple>

#include "app/admin_client.h"
#include "app/backtest.h"
#include "app/backtest_benchmark.h"
#include "app/backtest_command.h"
#include "app/commands.h"
#include "app/config.h"
#include "app/terminal.h"
#include "edge/trace/series_parser.h"

namespace forewarm {
namespace {

constexpr std::size_t kSeriesPictured = 6;

int benchmark(const BacktestCommand& command) {
  if (command.out.empty())
    return failed({ErrorCode::Invalid, "--bench: say with --out FILE where the forecasts shall be written"});
  Result<std::vector<BacktestModel>> models =
      backtest_models(command.models.empty() ? "ensemble" : command.models);
  if (!models) return failed(models.error());
  auto bar = std::make_unique<ProgressBar>("backtest");
  BenchmarkOptions options{.folder = command.bench,
                           .sets = command.sets,
                           .models = std::move(*models),
                           .regressors = !command.no_regressors};
  options.progress = [&](double share, const std::string& series) { bar->show(share, series); };
  std::vector<std::string> notes;
  const Result<void> done =
      forecast_benchmark(options, command.out, [&](const std::string& note) { notes.push_back(note); });
  bar.reset();
  for (const std::string& note : notes) std::cerr << note << "\n";
  if (!done) return failed(done.error());
  std::cerr << "wrote " << command.out << "\n";
  return 0;
}

Result<SeriesOptions> series_options(const BacktestCommand& command) {
  SeriesOptions options{.queues = command.queues, .column = command.column, .regressors = command.regressors};
  if (!command.step.empty()) {
    const Result<Duration> step = parse_duration(command.step);
    if (!step || *step <= Duration(0))
      return error(ErrorCode::Invalid, "--step: " + (step ? "must be above zero" : step.error().message));
    options.step = *step;
  }
  if (command.absent == "zero") options.absent = AbsentRow::Zero;
  if (command.absent == "missing") options.absent = AbsentRow::NotMeasured;
  return options;
}

Result<BacktestOptions> backtest_options(const BacktestCommand& command) {
  Result<std::vector<BacktestModel>> models =
      backtest_models(command.models.empty() ? "all" : command.models);
  if (!models) return std::unexpected(models.error());
  BacktestOptions options{.models = std::move(*models)};
  for (const auto& [into, text, name] : {std::tuple{&options.horizon, &command.horizon, "--horizon"},
                                         std::tuple{&options.every, &command.every, "--every"},
                                         std::tuple{&options.window, &command.window, "--window"}}) {
    if (text->empty()) continue;
    const Result<Duration> parsed = parse_duration(*text);
    if (!parsed || *parsed <= Duration(0))
      return error(ErrorCode::Invalid,
                   std::string(name) + ": " + (parsed ? "must be above zero" : parsed.error().message));
    *into = *parsed;
  }
  options.origins = command.origins;
  options.refit_every = command.refit_every;
  options.series_max = command.top;
  options.future_regressors = !command.unknown_ahead;
  if (!command.html.empty()) options.series_kept = kSeriesPictured;
  return options;
}

Result<void> write_page(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  file.flush();
  if (!file) return error(ErrorCode::Io, path + ": cannot be written");
  return {};
}

/// The history of queues on the running server.
Result<std::vector<RecordedSeries>> server_series(const ServerAddress& server,
                                                  const std::vector<std::string>& queues) {
  std::vector<RecordedSeries> all;
  for (const std::string& queue : queues) {
    const Result<HttpResponse> response =
        call_admin(server, {"GET", "/v1/queues/" + percent_encode(queue) + "/arrivals", "", {}, ""});
    if (!response) return std::unexpected(response.error());
    const boost::json::value answer = boost::json::parse(response->body);
    RecordedSeries& one = all.emplace_back(RecordedSeries{.name = queue, .start = {}, .values = {}});
    one.start = TimePoint(from_seconds(answer.at("start").to_number<double>()));
    one.step = from_seconds(answer.at("step_seconds").to_number<double>());
    for (const boost::json::value& value : answer.at("values").as_array())
      one.values.push_back(value.is_null() ? std::numeric_limits<float>::quiet_NaN()
                                           : value.to_number<float>());
  }
  return all;
}

int trace(const ServerAddress& server, const BacktestCommand& command) {
  Result<BacktestOptions> options = backtest_options(command);
  if (!options) return failed(options.error());
  const Result<SeriesOptions> reading = series_options(command);
  if (!reading) return failed(reading.error());
  const bool live = command.trace.empty();
  Result<std::vector<RecordedSeries>> series =
      live ? server_series(server, command.queues) : read_series(command.trace, *reading);
  if (!series) return failed(series.error());
  auto bar = std::make_unique<ProgressBar>("backtest");
  options->progress = [&](double share, const std::string& what) { bar->show(share, what); };
  const Result<BacktestReport> report =
      backtest(live ? server.admin : command.trace, std::move(*series), *options);
  bar.reset();
  if (!report) return failed(report.error());
  std::cout << (server.json ? backtest_json(*report, false) : backtest_table(*report));
  if (command.html.empty()) return 0;
  if (Result<void> written = write_page(command.html, backtest_html(*report)); !written)
    return failed(written.error());
  std::cerr << "wrote " << command.html << "\n";
  return 0;
}

}  // namespace

int run_backtest(const ServerAddress& server, const BacktestCommand& command) {
  if (!command.bench.empty()) return benchmark(command);
  if (!command.trace.empty() || !command.queues.empty()) return trace(server, command);
  std::cerr
      << "forewarm backtest: give a trace, or a queue of the running server with --queue, or a benchmark's "
         "folder with --bench\n";
  return 2;
}

}  // namespace forewarm
