#include <algorithm>
#include <map>
#include <set>

#include "app/history_archive.h"
#include "edge/observe/clock_text.h"

namespace forewarm {
namespace {

/// Starts of intervals, whichever measures they have.
template <class M>
bool all_on_day(const std::vector<Measured<M>>& rows, TimePoint day) {
  return std::ranges::all_of(
      rows, [&](const Measured<M>& row) { return row.start >= day && row.start < day + kArchiveDay; });
}

class Restoring {
 public:
  Restoring(HistoryDatabase& database, ObjectStore& store, const RestoreOptions& options)
      : database_(database), store_(store), options_(options) {}

  Result<void> restore(const ArchiveFile& file);
  Result<RestoreReport> finish() const;

 private:
  Result<std::vector<ImportedSeries>> read(const ArchiveFile& file) const;
  bool wanted(const ImportedSeries& one) const {
    return options_.names.empty() || std::ranges::find(options_.names, one.name) != options_.names.end();
  }
  /// Overwriting with wider intervals would take away the finer ones that were just brought back.
  void leave_out_finer(ImportedSeries& one) const;

  HistoryDatabase& database_;
  ObjectStore& store_;
  const RestoreOptions& options_;
  std::set<std::string> seen_;
  std::map<std::pair<SeriesKind, std::string>, SpanSet> restored_;
  RestoreReport report_;
};

Result<std::vector<ImportedSeries>> Restoring::read(const ArchiveFile& file) const {
  const std::string place = store_.place(file.name());
  const Result<std::string> text = read_archive_file(store_, file);
  if (!text) return std::unexpected(text.error());
  auto all = read_history_text(place, *text, {});
  if (!all) return all;
  for (const ImportedSeries& one : *all) {
    const bool fits = one.kind == file.kind && one.step == file.step && all_on_day(one.queue, file.day) &&
                      all_on_day(one.signal, file.day);
    if (!fits)
      return error(ErrorCode::Corrupt,
                   place + ": '" + one.name +
                       "' has intervals of another width or another day than the file's name "
                       "says. Delete it and archive that day again, or leave the day out "
                       "with --from and --to");
  }
  return all;
}

void Restoring::leave_out_finer(ImportedSeries& one) const {
  const auto finer = restored_.find({one.kind, one.name});
  if (finer == restored_.end()) return;
  const std::int64_t width = count_ms(one.step);
  SpanSet covered;
  for (const Span& span : one.covered) covered.add(span);
  for (const Span& span : finer->second.spans()) covered.remove(widened(span, width));
  one.covered = covered.spans();
}

Result<void> Restoring::restore(const ArchiveFile& file) {
  Result<std::vector<ImportedSeries>> all = read(file);
  if (!all) return std::unexpected(all.error());
  std::erase_if(*all, [this](const ImportedSeries& one) { return !wanted(one); });
  for (ImportedSeries& one : *all) {
    seen_.insert(one.name);
    if (options_.replace) leave_out_finer(one);
  }
  const auto report = import_series(
      database_, *all, options_.now, options_.replace, [](double) {}, true);
  if (!report) return error(report.error().code, store_.place(file.name()) + ": " + report.error().message);
  report_.files += 1;
  report_.intervals.added += report->intervals.added;
  report_.intervals.present += report->intervals.present;
  report_.intervals.too_old += report->intervals.too_old;
  report_.intervals.future += report->intervals.future;
  if (!options_.replace || report->intervals.present > 0) return {};
  for (const ImportedSeries& one : *all) {
    for (const Span& span : one.covered) restored_[{one.kind, one.name}].add(span);
  }
  return {};
}

Result<RestoreReport> Restoring::finish() const {
  for (const std::string& name : options_.names) {
    if (!seen_.contains(name))
      return error(ErrorCode::NotFound,
                   store_.place("") + ": there is no '" + name + "' in the archived days");
  }
  return report_;
}

}  // namespace

Result<std::vector<ArchiveFile>> list_archive(ObjectStore& store, TimePoint from, TimePoint to) {
  const auto objects = store.list();
  if (!objects) return std::unexpected(objects.error());
  std::vector<ArchiveFile> files;
  std::size_t outside = 0;
  for (const StoredObject& object : *objects) {
    const auto file = ArchiveFile::parse(object.name);
    if (file && file->day >= from && file->day < to) files.push_back(*file);
    if (file && (file->day < from || file->day >= to)) ++outside;
  }
  if (files.empty()) {
    return error(ErrorCode::NotFound,
                 store.place("") + (outside > 0 ? ": no archived day is between --from and --to; " +
                                                      std::to_string(outside) + " files are outside"
                                                : ": there is no archive of forewarm's history. Give the "
                                                  "target that forewarm history archive was given"));
  }
  std::ranges::sort(files, {},
                    [](const ArchiveFile& file) { return std::tuple(file.step, file.day, file.kind); });
  return files;
}

Result<RestoreReport> restore_history(HistoryDatabase& database, ObjectStore& store,
                                      const std::vector<ArchiveFile>& files, const RestoreOptions& options,
                                      const ArchiveProgress& progress) {
  Restoring restoring(database, store, options);
  for (std::size_t i = 0; i < files.size(); ++i) {
    progress(static_cast<double>(i) / static_cast<double>(files.size()),
             utc_text(files[i].day).substr(0, 10));
    if (const Result<void> done = restoring.restore(files[i]); !done) {
      return error(done.error().code, done.error().message + ". " + std::to_string(i) + " of " +
                                          std::to_string(files.size()) +
                                          " files are restored; the same command goes on from there");
    }
  }
  return restoring.finish();
}

}  // namespace forewarm
