// What scalers have learnt, as text that this folder does not read.

#include "edge/history/history_database.h"

namespace forewarm {

Result<void> HistoryDatabase::keep_scalers(std::span<const SavedScaler> scalers, TimePoint now) {
  const auto work = [&] {
    SqlCode code = kSqlOk;
    for (const SavedScaler& each : scalers) {
      SeriesNumber series = 0;
      if (code == kSqlOk) code = tables_.series(SeriesKind::Queue, each.queue, true, series);
      if (code != kSqlOk) break;
      put_scaler_->bind(1, series).bind(2, count_ms(now)).bind(3, each.version).bind_text(4, each.memory);
      code = put_scaler_->run();
    }
    return code;
  };
  return transaction(work, "writing to");
}

Result<std::vector<SavedScaler>> HistoryDatabase::scalers() {
  std::vector<SavedScaler> scalers;
  while (all_scalers_->next())
    scalers.push_back(
        {std::string(all_scalers_->text(0)), all_scalers_->integer(1), std::string(all_scalers_->text(2))});
  if (all_scalers_->code() != kSqlOk) return std::unexpected(failed(all_scalers_->code(), "reading"));
  return scalers;
}

}  // namespace forewarm
