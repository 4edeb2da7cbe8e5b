// forewarm history archive, forewarm history restore

#include <filesystem>
#include <iostream>
#include <memory>

#include "app/archive_target.h"
#include "app/history_archive.h"
#include "app/opened_history.h"
#include "app/terminal.h"
#include "base/time_text.h"
#include "edge/observe/clock_text.h"
#include "edge/observe/json_writer.h"

namespace forewarm {
namespace {

/// A day as it is on the command line; none if the option is not given.
Result<std::optional<TimePoint>> day_option(const std::string& text, const char* option) {
  if (text.empty()) return std::optional<TimePoint>();
  const Result<TimePoint> day = parse_time(text + "T00:00:00Z");
  if (day && text.size() == 10) return std::optional(*day);
  return error(ErrorCode::Invalid,
               std::string(option) + ": '" + text + "' is not a day; expected one like 2026-03-01 (UTC)");
}

struct DayRange {
  TimePoint from;
  TimePoint to;  ///< after the last day
};

/// `otherwise`: the end if --to is not given.
Result<DayRange> day_range(const HistoryCommand& command, TimePoint otherwise) {
  const auto from = day_option(command.from, "--from");
  if (!from) return std::unexpected(from.error());
  const auto to = day_option(command.to, "--to");
  if (!to) return std::unexpected(to.error());
  const DayRange range{from->value_or(TimePoint()), *to ? **to + kArchiveDay : otherwise};
  if (range.from >= range.to)
    return error(ErrorCode::Invalid, "--from must be a day that is over and not after --to");
  return range;
}

Result<std::unique_ptr<ObjectStore>> open_target(const HistoryCommand& command) {
  return open_object_store(
      {.url = command.target, .endpoint = command.endpoint_url, .region = command.region});
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::uint64_t kKilo = 1000;
  if (bytes < kKilo) return std::to_string(bytes) + " B";
  const bool mega = bytes >= kKilo * kKilo;
  return fixed(static_cast<double>(bytes) / (mega ? 1e6 : 1e3), 1) + (mega ? " MB" : " kB");
}

void print_archive(const ArchiveReport& report, const HistoryCommand& command, const std::string& place) {
  std::uint64_t bytes = 0;
  for (const ArchiveReport::Sent& one : report.sent) bytes += one.size_bytes;
  if (command.json) {
    std::string text;
    JsonWriter json(text);
    json.open_object().member("dry_run", command.dry_run).member("unchanged", report.unchanged);
    json.member("bytes", bytes).key("sent").open_array();
    for (const ArchiveReport::Sent& one : report.sent)
      json.open_object().member("name", one.name).member("bytes", one.size_bytes).close_object();
    json.close_array().close_object();
    std::cout << text << "\n";
    return;
  }
  if (command.dry_run) {
    for (const ArchiveReport::Sent& one : report.sent)
      std::cout << one.name << "  " << size_text(one.size_bytes) << "\n";
  }
  if (report.sent.empty() && report.unchanged == 0)
    std::cerr
        << "there is no whole day to archive; --to with today's date takes the day that is not over too\n";
  std::cout << (command.dry_run ? "would send " : "sent ") << grouped(report.sent.size()) << " files ("
            << size_text(bytes) << ") to " << place << "; " << grouped(report.unchanged)
            << " were there already\n";
}

void print_restore(const RestoreReport& report, const HistoryCommand& command, const OpenedHistory& opened) {
  const Filled& intervals = report.intervals;
  if (command.json) {
    std::string text;
    JsonWriter json(text);
    json.open_object().member("files", report.files).member("added", intervals.added);
    json.member("present", intervals.present).member("too_old", intervals.too_old);
    json.member("future", intervals.future).close_object();
    std::cout << text << "\n";
    return;
  }
  std::cout << "added " << grouped(intervals.added) << " intervals from " << grouped(report.files)
            << " files\n";
  if (intervals.present > 0)
    std::cerr << grouped(intervals.present)
              << " were measured or imported before and stay as they are (--replace overwrites them)\n";
  if (intervals.too_old > 0)
    std::cerr << grouped(intervals.too_old)
              << " are older than history.coarse_keep and were left out; raise it\n";
  if (intervals.future > 0) std::cerr << grouped(intervals.future) << " are not over yet and were left out\n";
  if (intervals.added > 0 && std::filesystem::exists(opened.data + "/endpoints.json"))
    std::cerr << "a server runs on " << opened.data << "; it takes this up when it starts next\n";
}

}  // namespace

int run_history_archive(const HistoryCommand& command) {
  const TimePoint now = wall_time();
  const Result<DayRange> days = day_range(command, now - now.time_since_epoch() % kArchiveDay);
  if (!days) return failed(days.error());
  const auto store = open_target(command);
  if (!store) return failed(store.error());
  const Result<OpenedHistory> opened = open_history(command, false);
  if (!opened) return failed(opened.error());
  auto bar = std::make_unique<ProgressBar>("archive");
  const ArchiveOptions options{
      .names = command.names, .from = days->from, .to = days->to, .dry_run = command.dry_run};
  const auto report =
      archive_history(*opened->database, **store, options,
                      [&bar](double share, std::string_view detail) { bar->show(share, detail); });
  bar.reset();
  if (!report) return failed(report.error());
  print_archive(*report, command, (*store)->place(""));
  return 0;
}

int run_history_restore(const HistoryCommand& command) {
  const Result<DayRange> days = day_range(command, kNever);
  if (!days) return failed(days.error());
  const auto store = open_target(command);
  if (!store) return failed(store.error());
  const auto files = list_archive(**store, days->from, days->to);
  if (!files) return failed(files.error());
  const Result<OpenedHistory> opened = open_history(command, true);
  if (!opened) return failed(opened.error());
  auto bar = std::make_unique<ProgressBar>("restore");
  const RestoreOptions options{.names = command.names, .now = wall_time(), .replace = command.replace};
  const auto report =
      restore_history(*opened->database, **store, *files, options,
                      [&bar](double share, std::string_view detail) { bar->show(share, detail); });
  bar.reset();
  if (!report) return failed(report.error());
  print_restore(*report, command, *opened);
  return 0;
}

}  // namespace forewarm
