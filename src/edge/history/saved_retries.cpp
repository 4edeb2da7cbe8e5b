// What has been learnt of failures, as text that this folder does not read: one row.

#include "edge/history/history_database.h"

namespace forewarm {

Result<void> HistoryDatabase::keep_retries(const SavedMemory& saved, TimePoint now) {
  const auto work = [&] {
    put_retries_->bind(1, count_ms(now)).bind(2, saved.version).bind_text(3, saved.memory);
    return put_retries_->run();
  };
  return transaction(work, "writing to");
}

Result<std::optional<SavedMemory>> HistoryDatabase::retries() {
  std::optional<SavedMemory> saved;
  while (all_retries_->next())
    saved = SavedMemory{all_retries_->integer(0), std::string(all_retries_->text(1))};
  if (all_retries_->code() != kSqlOk) return std::unexpected(failed(all_retries_->code(), "reading"));
  return saved;
}

}  // namespace forewarm
