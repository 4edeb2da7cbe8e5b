// What has been learnt of failures, as text that this folder does not read: one row.

#include "edge/history/history_database.h"

namespace forewarm {

using sqlite::Code;
using sqlite::kOk;

Code HistoryDatabase::prepare_retries() {
  // Databases of before it was kept have no such table.
  Code code = connection_.execute(
      "CREATE TABLE IF NOT EXISTS retries (one INTEGER PRIMARY KEY CHECK (one = 1), saved INTEGER NOT NULL, "
      "version INTEGER NOT NULL, memory TEXT NOT NULL) STRICT");
  const std::pair<sqlite::Statement*, const char*> statements[] = {
      {&put_retries_, "INSERT OR REPLACE INTO retries (one, saved, version, memory) VALUES (1, ?, ?, ?)"},
      {&all_retries_, "SELECT version, memory FROM retries"}};
  for (const auto& [statement, sql] : statements) {
    if (code == kOk) code = statement->prepare(connection_, sql);
  }
  return code;
}

Result<void> HistoryDatabase::keep_retries(const SavedMemory& saved, TimePoint now) {
  const auto work = [&] {
    put_retries_.bind(1, count_ms(now)).bind(2, saved.version).bind_text(3, saved.memory);
    return put_retries_.run();
  };
  return transaction(work, "writing to");
}

Result<std::optional<SavedMemory>> HistoryDatabase::retries() {
  std::optional<SavedMemory> saved;
  while (all_retries_.next())
    saved = SavedMemory{all_retries_.integer(0), std::string(all_retries_.bytes(1))};
  if (all_retries_.code() != kOk)
    return std::unexpected(sqlite::to_error(all_retries_.code(), "reading", options_.path));
  return saved;
}

}  // namespace forewarm
