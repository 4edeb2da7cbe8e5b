// forewarm history

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "app/config.h"
#include "app/history_commands.h"
#include "app/history_export.h"
#include "app/history_import.h"
#include "app/history_remote.h"
#include "app/opened_history.h"
#include "app/terminal.h"
#include "base/time_text.h"
#include "edge/cloud/credentials/aws_credentials.h"
#include "edge/observe/clock_text.h"
#include "edge/observe/json_writer.h"

namespace forewarm {
namespace {

Result<void> take_time(std::optional<TimePoint>& into, const std::string& text, const char* option) {
  if (text.empty()) return {};
  const Result<TimePoint> time = parse_time(text);
  if (!time) return error(ErrorCode::Invalid, std::string(option) + ": " + time.error().message);
  into = *time;
  return {};
}

Result<void> take_duration(Duration& into, const std::string& text, const char* option) {
  if (text.empty()) return {};
  const Result<Duration> duration = parse_duration(text);
  if (!duration) return error(ErrorCode::Invalid, std::string(option) + ": " + duration.error().message);
  into = *duration;
  return {};
}

Result<ImportOptions> import_options(const HistoryCommand& command) {
  ImportOptions options;
  options.names = command.names;
  options.as = command.as;
  options.absent_is_zero = command.absent == "zero";
  if (Result<void> set = take_time(options.start, command.start, "--start"); !set)
    return std::unexpected(set.error());
  if (Result<void> set = take_duration(options.shift, command.shift, "--shift"); !set)
    return std::unexpected(set.error());
  if (Result<void> set = take_duration(options.step, command.step, "--step"); !set)
    return std::unexpected(set.error());
  return options;
}

constexpr Duration kAskedFor = 24h * 14;

Result<std::string> read_token(const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path);
  std::string token;
  if (!std::getline(file, token) || token.empty())
    return error(ErrorCode::Io, "--bearer-token-file: " + path + " cannot be read or is empty");
  return token;
}

Result<std::vector<ImportedSeries>> ask_prometheus(const HistoryCommand& command, TimePoint from,
                                                   TimePoint to, const Progress01& progress) {
  PrometheusImport request{.url = command.prometheus,
                           .query = command.query,
                           .label = command.label,
                           .as = command.as,
                           .from = from,
                           .to = to,
                           .rate = command.values == "rate",
                           .signal = command.values == "signal"};
  if (request.query.empty()) {
    return error(ErrorCode::Invalid,
                 "--prometheus needs a --query, for example --query 'sum by (queue) "
                 "(increase(messages_sent_total[1m]))'");
  }
  if (Result<void> set = take_duration(request.step, command.step, "--step"); !set)
    return std::unexpected(set.error());
  if (request.step < 1s)
    return error(ErrorCode::Invalid, "--step: Prometheus is asked for a second at least");
  Result<std::string> token = read_token(command.bearer_token_file);
  if (!token) return std::unexpected(token.error());
  request.bearer_token = std::move(*token);
  return fetch_prometheus(request, progress);
}

Result<std::vector<ImportedSeries>> ask_cloudwatch(const HistoryCommand& command, TimePoint from,
                                                   TimePoint to, const Progress01& progress) {
  CloudWatchImport request{.queues = command.names,
                           .region = command.region,
                           .endpoint = command.endpoint_url,
                           .from = from,
                           .to = to,
                           .now = wall_time()};
  if (request.queues.empty())
    return error(ErrorCode::Invalid,
                 "--cloudwatch needs the names of SQS queues: --queue orders --queue mails");
  if (request.region.empty())
    return error(ErrorCode::Invalid, "--cloudwatch needs a --region, or AWS_REGION");
  if (Result<void> set = take_duration(request.step, command.step, "--step"); !set)
    return std::unexpected(set.error());
  if (request.step > Duration(0) && request.step % 1min != Duration(0))
    return error(ErrorCode::Invalid, "--step: CloudWatch has whole minutes");
  Result<AwsCredentials> credentials = find_aws_credentials();
  if (!credentials) return std::unexpected(credentials.error());
  request.credentials = std::move(*credentials);
  return fetch_cloudwatch(request, progress);
}

/// From the one source that was named.
Result<std::vector<ImportedSeries>> read_source(const HistoryCommand& command, const Progress01& progress) {
  const int sources = !command.source.empty() + !command.prometheus.empty() + command.cloudwatch;
  if (sources != 1)
    return error(ErrorCode::Invalid, "give one source: a CSV file, --prometheus ADDRESS or --cloudwatch");
  std::optional<TimePoint> from, to;
  if (Result<void> set = take_time(from, command.from, "--from"); !set) return std::unexpected(set.error());
  if (Result<void> set = take_time(to, command.to, "--to"); !set) return std::unexpected(set.error());
  if (!command.source.empty()) {
    if (from || to) return error(ErrorCode::Invalid, "--from and --to are for --prometheus and --cloudwatch");
    const Result<ImportOptions> options = import_options(command);
    return options ? read_history_csv(command.source, *options, progress) : std::unexpected(options.error());
  }
  const TimePoint end = std::min(to.value_or(wall_time()), wall_time());
  const TimePoint begin = from.value_or(end - kAskedFor);
  if (begin >= end) return error(ErrorCode::Invalid, "--from must be before --to and before now");
  return command.cloudwatch ? ask_cloudwatch(command, begin, end, progress)
                            : ask_prometheus(command, begin, end, progress);
}

void print_import(const ImportReport& report, const HistoryCommand& command, const std::string& data) {
  const Filled& intervals = report.intervals;
  if (command.json) {
    std::string text;
    JsonWriter json(text);
    json.open_object().member("series", report.series).member("added", intervals.added);
    json.member("present", intervals.present).member("too_old", intervals.too_old);
    json.member("future", intervals.future);
    if (report.first != kNever)
      json.member("first", utc_text(report.first)).member("until", utc_text(report.until));
    json.close_object();
    std::cout << text << "\n";
    return;
  }
  std::cout << "added " << grouped(intervals.added) << " intervals of " << grouped(report.series)
            << " series";
  if (report.first != kNever) std::cout << ", " << utc_text(report.first) << " to " << utc_text(report.until);
  std::cout << "\n";
  if (intervals.present > 0)
    std::cerr << grouped(intervals.present)
              << " were measured or imported before and stay as they are (--replace overwrites them)\n";
  if (intervals.too_old > 0)
    std::cerr
        << grouped(intervals.too_old)
        << " are older than history.coarse_keep and were left out; raise it, or move them with --shift\n";
  if (intervals.future > 0) std::cerr << grouped(intervals.future) << " are not over yet and were left out\n";
  if (intervals.added > 0 && std::filesystem::exists(data + "/endpoints.json"))
    std::cerr << "a server runs on " << data << "; it takes this up when it starts next\n";
}

}  // namespace

int run_history_list(const HistoryCommand& command) {
  const Result<OpenedHistory> opened = open_history(command, false);
  if (!opened) return failed(opened.error());
  const auto list = opened->database->list();
  if (!list) return failed(list.error());
  std::string text;
  JsonWriter json(text);
  TextTable table;
  table.row({"kind", "name", "first", "until", "measured", "intervals of"});
  json.open_array();
  for (const SeriesSummary& one : *list) {
    const std::string kind(kSeriesKinds[static_cast<std::size_t>(one.kind)]);
    const double share = seconds(one.measured) / std::max(1e-3, seconds(one.until - one.first));
    std::string steps;
    json.open_object().member("kind", kind).member("name", one.name).member("first", utc_text(one.first));
    json.member("until", utc_text(one.until)).member("measured_seconds", seconds(one.measured));
    json.key("step_seconds").open_array();
    for (const Duration step : one.steps) {
      steps += (steps.empty() ? "" : ", ") + format_duration(step);
      json.value(seconds(step));
    }
    json.close_array().close_object();
    table.row(
        {kind, one.name, utc_text(one.first), utc_text(one.until), fixed(100 * share, 1) + " %", steps});
  }
  json.close_array();
  std::cout << (command.json ? text + "\n" : table.text());
  return 0;
}

int run_history_import(const HistoryCommand& command) {
  auto bar = std::make_unique<ProgressBar>("reading");
  const auto show = [&](double share) { bar->show(share); };
  const auto series = read_source(command, show);
  if (!series) {
    bar.reset();
    return failed(series.error());
  }
  bar = std::make_unique<ProgressBar>("writing");
  const Result<OpenedHistory> opened = open_history(command, true);
  const Result<ImportReport> report =
      opened ? import_series(*opened->database, *series, wall_time(), command.replace, show)
             : std::unexpected(opened.error());
  bar.reset();
  if (!report) return failed(report.error());
  print_import(*report, command, opened->data);
  return 0;
}

int run_history_export(const HistoryCommand& command) {
  ExportOptions options;
  options.names = command.names;
  options.json_lines = command.format == "jsonl";
  options.kind = command.kind == "signal"     ? SeriesKind::Signal
                 : command.kind == "function" ? SeriesKind::Function
                                              : SeriesKind::Queue;
  std::optional<TimePoint> from, to;
  if (Result<void> set = take_time(from, command.from, "--from"); !set) return failed(set.error());
  if (Result<void> set = take_time(to, command.to, "--to"); !set) return failed(set.error());
  options.from = from.value_or(TimePoint());
  options.to = to.value_or(wall_time());
  const Result<OpenedHistory> opened = open_history(command, false);
  if (!opened) return failed(opened.error());
  std::ofstream file;
  if (!command.output.empty()) file.open(command.output, std::ios::binary | std::ios::trunc);
  std::ostream& out = command.output.empty() ? std::cout : file;
  auto bar = std::make_unique<ProgressBar>("export");
  Result<std::uint64_t> written =
      export_history(*opened->database, options, out, [&](double share) { bar->show(share); });
  bar.reset();
  out.flush();
  if (written && !out)
    written = error(ErrorCode::Io,
                    (command.output.empty() ? "standard output" : command.output) + ": cannot be written");
  if (!written) return failed(written.error());
  if (!command.output.empty())
    std::cerr << "wrote " << grouped(*written) << " intervals to " << command.output << "\n";
  return 0;
}

}  // namespace forewarm
