// What control found at its targets, in a database that its copies share.

#include "edge/history/history_database.h"

namespace forewarm {
namespace {

/// NaN is bound as NULL; a count of 32 bits is exact as a double.
double count_or_null(const std::optional<std::uint32_t>& count) {
  return count ? *count : kNotMeasured;
}

std::optional<std::uint32_t> count_in(const SqlStatement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(static_cast<std::uint32_t>(row.integer(column)));
}

}  // namespace

void HistoryDatabase::prepare_targets() {
  put_target_ = session_->prepare(
      "INSERT INTO targets (queue, target, found, told, since, beside) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON "
      "CONFLICT (queue) DO UPDATE SET target = excluded.target, found = excluded.found, told = "
      "excluded.told, since = excluded.since, beside = excluded.beside WHERE targets.target <> "
      "excluded.target");
  told_target_ = session_->prepare("UPDATE targets SET told = ?3 WHERE queue = ?1 AND target = ?2");
  all_targets_ = session_->prepare("SELECT queue, target, found, told, since, beside FROM targets");
  forget_target_ = session_->prepare("DELETE FROM targets WHERE queue = ?1");
}

Result<std::map<std::string, KeptTarget>> HistoryDatabase::targets() {
  std::map<std::string, KeptTarget> all;
  while (all_targets_->next())
    all[std::string(all_targets_->text(0))] = {.target = std::string(all_targets_->text(1)),
                                               .found = count_in(*all_targets_, 2),
                                               .told = count_in(*all_targets_, 3),
                                               .changed = true,
                                               .since = time_point_ms(all_targets_->integer(4)),
                                               .beside = count_in(*all_targets_, 5)};
  if (all_targets_->code() != kSqlOk) return std::unexpected(failed(all_targets_->code(), "reading"));
  return all;
}

Result<KeptTarget> HistoryDatabase::keep_target(const std::string& queue, const KeptTarget& found) {
  const auto work = [&] {
    put_target_->bind_text(1, queue).bind_text(2, found.target).bind(3, count_or_null(found.found));
    put_target_->bind(4, count_or_null(found.told)).bind(5, count_ms(found.since));
    return put_target_->bind(6, count_or_null(found.beside)).run();
  };
  if (const Result<void> kept = transaction(work, "writing to"); !kept) return std::unexpected(kept.error());
  auto all = targets();
  if (!all) return std::unexpected(all.error());
  const auto mine = all->find(queue);
  if (mine != all->end() && mine->second.target == found.target) return mine->second;
  return error(ErrorCode::Conflict, "another copy has another target for '" + queue +
                                        "'. Give all copies that share the history one configuration");
}

Result<void> HistoryDatabase::keep_told(const std::string& queue, const KeptTarget& told) {
  const auto work = [&] {
    told_target_->bind_text(1, queue).bind_text(2, told.target).bind(3, count_or_null(told.told));
    return told_target_->run();
  };
  return transaction(work, "writing to");
}

Result<void> HistoryDatabase::forget_target(const std::string& queue) {
  return transaction([&] { return forget_target_->bind_text(1, queue).run(); }, "writing to");
}

}  // namespace forewarm
