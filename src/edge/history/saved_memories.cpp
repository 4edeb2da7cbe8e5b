// What is remembered from one start to the next, as text that this folder does not read: a row for each name.

#include "edge/history/history_database.h"

namespace forewarm {

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
    saved = SavedMemory{one_memory_->integer(0), std::string(one_memory_->text(1))};
  if (one_memory_->code() != kSqlOk) return std::unexpected(failed(one_memory_->code(), "reading"));
  return saved;
}

}  // namespace forewarm
