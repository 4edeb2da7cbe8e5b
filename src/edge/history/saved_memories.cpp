// What is remembered from one start to the next, as text that this folder does not read: a row for each
// series that something was learnt of, and one for each other name.

#include "edge/history/history_database.h"

namespace forewarm {

Result<void> HistoryDatabase::keep_learnt(SeriesKind kind, std::span<const SavedMemory> memories,
                                          TimePoint now) {
  const auto work = [&] {
    SqlCode code = kSqlOk;
    for (const SavedMemory& each : memories) {
      SeriesNumber series = 0;
      if (code == kSqlOk) code = tables_.series(kind, each.name, true, series);
      if (code != kSqlOk) break;
      put_learnt_->bind(1, series).bind(2, count_ms(now)).bind(3, each.version).bind_text(4, each.memory);
      code = put_learnt_->run();
    }
    return code;
  };
  return transaction(work, "writing to");
}

Result<std::vector<SavedMemory>> HistoryDatabase::learnt(SeriesKind kind) {
  std::vector<SavedMemory> memories;
  all_learnt_->bind_text(1, kSeriesKinds[static_cast<std::size_t>(kind)]);
  while (all_learnt_->next())
    memories.push_back(
        {std::string(all_learnt_->text(0)), all_learnt_->integer(1), std::string(all_learnt_->text(2))});
  if (all_learnt_->code() != kSqlOk) return std::unexpected(failed(all_learnt_->code(), "reading"));
  return memories;
}

Result<void> HistoryDatabase::keep_memory(std::string_view name, const SavedMemory& saved, TimePoint now) {
  const auto work = [&] {
    put_memory_->bind_text(1, name).bind(2, count_ms(now)).bind(3, saved.version);
    return put_memory_->bind_text(4, saved.memory).run();
  };
  return transaction(work, "writing to");
}

Result<std::optional<SavedMemory>> HistoryDatabase::memory(std::string_view name) {
  std::optional<SavedMemory> saved;
  one_memory_->bind_text(1, name);
  while (one_memory_->next())
    saved = SavedMemory{{}, one_memory_->integer(0), std::string(one_memory_->text(1))};
  if (one_memory_->code() != kSqlOk) return std::unexpected(failed(one_memory_->code(), "reading"));
  return saved;
}

}  // namespace forewarm
