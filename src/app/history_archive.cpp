#include "app/history_archive.h"

#include <algorithm>
#include <map>

#include "app/history_export.h"
#include "edge/archive/content_digest.h"
#include "edge/observe/clock_text.h"
#include "edge/trace/gzip.h"

namespace forewarm {
namespace {

TimePoint day_of(TimePoint at) {
  return at - at.time_since_epoch() % kArchiveDay;
}

/// One archive's writing: what is there, what is to go there.
class Archiving {
 public:
  Archiving(HistoryDatabase& database, ObjectStore& store, const ArchiveOptions& options)
      : database_(database), store_(store), options_(options) {}

  Result<ArchiveReport> run(const ArchiveProgress& progress);

 private:
  Result<void> look();
  Result<void> all_there() const;
  std::vector<std::string> names_on(SeriesKind kind, TimePoint day) const;
  Result<void> archive_day(SeriesKind kind, TimePoint day);
  Result<void> archive_file(const ArchiveFile& file, const std::string& text);
  Result<void> send(const std::string& name, const std::string& bytes);

  HistoryDatabase& database_;
  ObjectStore& store_;
  const ArchiveOptions& options_;
  std::vector<SeriesSummary> series_;
  std::map<std::string, StoredObject> there_;
  ArchiveReport report_;
};

Result<void> Archiving::all_there() const {
  for (const std::string& wanted : options_.names) {
    if (std::ranges::find(series_, wanted, &SeriesSummary::name) == series_.end())
      return error(ErrorCode::NotFound, "there is no history of a queue or a signal '" + wanted +
                                            "'; forewarm history list shows what there is");
  }
  for (const SeriesSummary& one : series_) {
    if (one.name.find_first_of(",\"\r\n") != std::string::npos)
      return error(ErrorCode::Invalid,
                   "the name '" + one.name +
                       "' has a character that CSV without quotes cannot hold; archive the "
                       "other series, each named with --queue");
  }
  return {};
}

Result<void> Archiving::look() {
  auto list = database_.list();
  if (!list) return std::unexpected(list.error());
  for (SeriesSummary& one : *list) {
    const bool wanted =
        options_.names.empty() || std::ranges::find(options_.names, one.name) != options_.names.end();
    if (wanted && one.kind != SeriesKind::Function) series_.push_back(std::move(one));
  }
  if (Result<void> good = all_there(); !good) return good;
  auto objects = store_.list();
  if (!objects) return std::unexpected(objects.error());
  for (StoredObject& object : *objects) there_[object.name] = std::move(object);
  return {};
}

std::vector<std::string> Archiving::names_on(SeriesKind kind, TimePoint day) const {
  std::vector<std::string> names;
  for (const SeriesSummary& one : series_) {
    if (one.kind == kind && one.first < day + kArchiveDay && one.until > day) names.push_back(one.name);
  }
  return names;
}

Result<void> Archiving::send(const std::string& name, const std::string& bytes) {
  if (bytes.size() > kObjectBytesMax)
    return error(ErrorCode::Exhausted, store_.place(name) + ": the file has more than " +
                                           std::to_string(kObjectBytesMax >> 20) +
                                           " MB. Archive fewer queues under one prefix, named with --queue");
  report_.sent.push_back({name, bytes.size()});
  return options_.dry_run ? Result<void>() : store_.put(name, bytes);
}

Result<void> Archiving::archive_file(const ArchiveFile& file, const std::string& text) {
  const std::string name = file.name();
  if (text.size() > kArchiveTextBytesMax)
    return error(ErrorCode::Exhausted,
                 store_.place(name) + ": the day has more than " +
                     std::to_string(kArchiveTextBytesMax >> 20) +
                     " MB of text. Archive fewer queues under one prefix, named with --queue");
  const std::string bytes = gzip_text(text);
  const auto found = there_.find(name);
  if (found == there_.end()) return send(name, bytes);
  const StoredObject& object = found->second;
  const bool same_md5 = !object.md5_hex.empty() && object.md5_hex == hex_digits(md5_bytes(bytes));
  if (same_md5 && object.size_bytes == bytes.size()) {
    report_.unchanged += 1;
    return {};
  }
  // Another checksum need not be other content: it may be encrypted, or compressed by another zlib.
  const Result<std::string> there = read_archive_file(store_, file);
  if (!there) return std::unexpected(there.error());
  const std::string merged = merged_csv(text, *there);
  if (merged != *there) return send(name, gzip_text(merged));
  report_.unchanged += 1;
  return {};
}

Result<void> Archiving::archive_day(SeriesKind kind, TimePoint day) {
  const std::vector<std::string> names = names_on(kind, day);
  if (names.empty()) return {};
  const auto texts = export_by_step(database_, kind, names, day, day + kArchiveDay);
  if (!texts) return std::unexpected(texts.error());
  for (const auto& [step, text] : *texts) {
    if (Result<void> done = archive_file({kind, step, day}, text); !done) return done;
  }
  return {};
}

Result<ArchiveReport> Archiving::run(const ArchiveProgress& progress) {
  if (const Result<void> looked = look(); !looked) return std::unexpected(looked.error());
  TimePoint first = options_.to, until = options_.from;
  for (const SeriesSummary& one : series_) {
    first = std::min(first, day_of(one.first));
    until = std::max(until, one.until);
  }
  first = std::max(first, options_.from);
  until = std::min(until, options_.to);
  for (TimePoint day = first; day < until; day += kArchiveDay) {
    progress(static_cast<double>((day - first).count()) / static_cast<double>((until - first).count()),
             utc_text(day).substr(0, 10));
    for (const SeriesKind kind : {SeriesKind::Queue, SeriesKind::Signal}) {
      if (const Result<void> done = archive_day(kind, day); !done) return std::unexpected(done.error());
    }
  }
  return std::move(report_);
}

}  // namespace

Result<ArchiveReport> archive_history(HistoryDatabase& database, ObjectStore& store,
                                      const ArchiveOptions& options, const ArchiveProgress& progress) {
  return Archiving(database, store, options).run(progress);
}

}  // namespace forewarm
