#include "app/archive_file.h"

#include <charconv>
#include <map>

#include "app/config.h"
#include "app/history_export.h"
#include "base/time_text.h"
#include "edge/observe/clock_text.h"
#include "edge/trace/gzip.h"

namespace forewarm {
namespace {

constexpr std::string_view kStepFolder = "/step=";
constexpr std::string_view kFileEnd = ".csv.gz";
constexpr std::size_t kDayText = 10;  // 2026-03-01

/// Rows by series and time; what was put first stays.
class CsvRows {
 public:
  void add(std::string_view text) {
    text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      add_line(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }
  const auto& all() const { return rows_; }

 private:
  void add_line(std::string_view line) {
    const std::size_t stamp = std::min(line.find(','), line.size());
    const std::size_t name = std::min(line.find(',', stamp + 1), line.size());
    double at = 0;
    if (line.empty() || name <= stamp) return;
    const std::string_view number = line.substr(0, stamp);
    std::from_chars(number.data(), number.data() + number.size(), at);
    rows_.try_emplace({line.substr(stamp + 1, name - stamp - 1), at}, line);
  }

  std::map<std::pair<std::string_view, double>, std::string_view> rows_;
};

}  // namespace

std::string ArchiveFile::name() const {
  return std::string(kSeriesKinds[static_cast<std::size_t>(kind)]) + std::string(kStepFolder) +
         format_duration(step) + "/" + utc_text(day).substr(0, kDayText) + std::string(kFileEnd);
}

std::optional<ArchiveFile> ArchiveFile::parse(std::string_view name) {
  const std::size_t step = name.find(kStepFolder);
  const std::size_t day = name.rfind('/');
  if (step == std::string_view::npos || day < step + kStepFolder.size() || !name.ends_with(kFileEnd))
    return std::nullopt;
  const auto width = parse_duration(name.substr(step + kStepFolder.size(), day - step - kStepFolder.size()));
  const auto at = parse_time(std::string(name.substr(day + 1, kDayText)) + "T00:00:00Z");
  if (!width || !at) return std::nullopt;
  for (const SeriesKind kind : {SeriesKind::Queue, SeriesKind::Signal}) {
    const ArchiveFile file{kind, *width, *at};
    if (file.name() == name) return file;
  }
  return std::nullopt;
}

Result<std::string> read_archive_file(ObjectStore& store, const ArchiveFile& file) {
  const std::string place = store.place(file.name());
  const std::string remedy =
      ". Delete it and archive that day again, or leave the day out with --from and --to";
  const Result<std::string> bytes = store.get(file.name());
  if (!bytes) return std::unexpected(bytes.error());
  Result<std::string> text = gunzip_text(*bytes, place, kArchiveTextBytesMax);
  if (!text) return error(text.error().code, text.error().message + remedy);
  const std::string header = csv_header(file.kind);
  if (text->substr(0, text->find('\n')) == header) return text;
  return error(ErrorCode::Corrupt, place + ":1: it is not what forewarm archived: its first line is not '" +
                                       header.substr(0, header.find(",step_s")) + ",step_s,...'" + remedy);
}

std::string merged_csv(std::string_view ours, std::string_view theirs) {
  CsvRows rows;
  rows.add(ours);
  rows.add(theirs);
  std::string text(ours.substr(0, ours.find('\n')));
  text += '\n';
  for (const auto& [key, line] : rows.all()) (text += line) += '\n';
  return text;
}

}  // namespace forewarm
