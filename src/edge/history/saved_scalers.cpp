// What scalers have learnt, as text that this folder does not read.

#include "edge/history/history_database.h"

namespace forewarm {

using sqlite::Code;
using sqlite::kOk;

Code HistoryDatabase::prepare_scalers() {
  // Databases of before scalers were kept have no such table.
  Code code = connection_.execute(
      "CREATE TABLE IF NOT EXISTS scalers (series INTEGER PRIMARY KEY REFERENCES series (id), saved INTEGER "
      "NOT "
      "NULL, version INTEGER NOT NULL, memory TEXT NOT NULL) STRICT");
  const std::pair<sqlite::Statement*, const char*> statements[] = {
      {&put_scaler_, "INSERT OR REPLACE INTO scalers (series, saved, version, memory) VALUES (?, ?, ?, ?)"},
      {&old_scalers_, "DELETE FROM scalers WHERE saved < ?"},
      {&all_scalers_,
       "SELECT s.name, c.version, c.memory FROM scalers c JOIN series s ON s.id = c.series WHERE s.kind = "
       "'queue' ORDER BY s.name"}};
  for (const auto& [statement, sql] : statements) {
    if (code == kOk) code = statement->prepare(connection_, sql);
  }
  return code;
}

Result<void> HistoryDatabase::keep_scalers(std::span<const SavedScaler> scalers, TimePoint now) {
  const auto work = [&] {
    Code code = kOk;
    for (const SavedScaler& each : scalers) {
      SeriesNumber series = 0;
      if (code == kOk) code = tables_.series(SeriesKind::Queue, each.queue, true, series);
      if (code != kOk) break;
      put_scaler_.bind(1, series).bind(2, count_ms(now)).bind(3, each.version).bind_text(4, each.memory);
      code = put_scaler_.run();
    }
    return code;
  };
  return transaction(work, "writing to");
}

Result<std::vector<SavedScaler>> HistoryDatabase::scalers() {
  std::vector<SavedScaler> scalers;
  while (all_scalers_.next())
    scalers.push_back(
        {std::string(all_scalers_.bytes(0)), all_scalers_.integer(1), std::string(all_scalers_.bytes(2))});
  if (all_scalers_.code() != kOk)
    return std::unexpected(sqlite::to_error(all_scalers_.code(), "reading", options_.path));
  return scalers;
}

}  // namespace forewarm
