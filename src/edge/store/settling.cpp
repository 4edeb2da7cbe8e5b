#include "edge/store/settling.h"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "edge/store/write_codec.h"

namespace forewarm {

using sqlite::Code;
using sqlite::kOk;

Result<JournalPosition> Settling::run(JournalReader& journal, const Stretch& stretch) {
  if (auto begun = done(tables_.begin()); !begun) return std::unexpected(begun.error());
  auto settled = read(journal, stretch);
  const JournalPosition end{.commit = journal.last(), .bytes = journal.bytes()};
  if (settled) settled = foresee(journal, stretch.foreseen_to);
  if (settled) settled = write();
  if (settled) settled = done(tables_.commit(end.commit));
  if (settled) return end;
  tables_.roll_back();
  return std::unexpected(settled.error());
}

Result<void> Settling::read(JournalReader& journal, const Stretch& stretch) {
  while (journal.last() < stretch.up_to && journal.bytes() < stretch.bytes_max) {
    const auto entry = journal.next();
    if (!entry) return std::unexpected(entry.error());
    if (!*entry) return {};
    if (auto added = add((*entry)->body); !added) return added;
  }
  return {};
}

Result<void> Settling::foresee(JournalReader& journal, std::uint64_t up_to) {
  while (journal.last() < up_to && !(born_.empty() && leases_.empty())) {
    const auto entry = journal.next();
    if (!entry) return std::unexpected(entry.error());
    if (!*entry) return {};
    auto seen = decode_writes((*entry)->body, [this](const Write& write) -> Result<void> {
      if (const auto* removed = std::get_if<RemoveMessage>(&write)) forget(removed->message);
      return {};
    });
    if (!seen) return seen;
  }
  return {};
}

/// True if it was not in the tables.
bool Settling::forget(MessageId message) {
  leases_.erase(message.value());
  return born_.erase(message.value()) > 0;
}

Result<void> Settling::add(std::string_view body) {
  return decode_writes(body, [this](Write write) {
    return done(std::visit([this](auto& one) { return apply(std::move(one)); }, write));
  });
}

Result<void> Settling::write() {
  tables_.know_message(MessageId(last_message_));
  for (const auto& [id, stored] : born_) {
    if (auto appended = done(tables_.apply(AppendMessage{{stored.message, {}}}, stored.payload)); !appended)
      return appended;
  }
  for (const auto& [id, lease] : leases_) {
    const UpdateMessage update{MessageId(id), lease.receive_count, lease.visible_at};
    if (auto updated = done(tables_.apply(update)); !updated) return updated;
  }
  for (const auto& [key, value] : records_) {
    const Code code = value ? tables_.apply(PutRecord{key, *value}) : tables_.apply(RemoveRecord{key});
    if (auto put = done(code); !put) return put;
  }
  return {};
}

Result<void> Settling::done(Code code) {
  if (code == kOk) return {};
  code_ = code;
  return std::unexpected(sqlite::to_error(code, "writing to", path_));
}

Code Settling::apply(AppendMessage write) {
  const std::uint64_t id = write.message.message.id.value();
  last_message_ = std::max(last_message_, id);
  born_.insert_or_assign(born_.end(), id, std::move(write.message));
  return kOk;
}

Code Settling::apply(const RemoveMessage& write) {
  return forget(write.message) ? kOk : tables_.apply(write);
}

Code Settling::apply(const UpdateMessage& write) {
  const auto born = born_.find(write.message.value());
  if (born == born_.end()) {
    leases_[write.message.value()] = {write.receive_count, write.visible_at};
  } else {
    born->second.message.receive_count = write.receive_count;
    born->second.message.visible_at = write.visible_at;
  }
  return kOk;
}

Code Settling::apply(const MoveMessage& write) {
  const auto born = born_.find(write.message.value());
  if (born != born_.end()) {
    Message& message = born->second.message;
    message.queue = write.to;
    message.receive_count = 0;
    message.visible_at = write.visible_at;
    message.sent = write.sent;
    message.dead_letter_source = write.source;
    message.received_before = write.received_before;
    return kOk;
  }
  leases_.erase(write.message.value());
  const Code code = tables_.apply(write);
  // A damaged row stays as it is, and is named when the store is opened or looked at: the move was
  // acknowledged before anyone could know, and everything else has to go on.
  return (code & 0xff) == SQLITE_CORRUPT ? kOk : code;
}

Code Settling::apply(const PurgeQueue& write) {
  std::erase_if(born_, [&](const auto& born) {
    return born.second.message.queue == write.queue && born.first <= write.up_to.value();
  });
  return tables_.apply(write);
}

Code Settling::apply(PutRecord write) {
  records_[std::move(write.key)] = std::move(write.value);
  return kOk;
}

Code Settling::apply(RemoveRecord write) {
  records_[std::move(write.key)] = std::nullopt;
  return kOk;
}

}  // namespace forewarm
