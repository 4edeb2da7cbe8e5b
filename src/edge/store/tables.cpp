#include "edge/store/tables.h"

#include <sqlite3.h>

#include <algorithm>
#include <string>
#include <vector>

namespace forewarm {

using sqlite::Code;
using sqlite::kOk;

Code Tables::prepare() {
  const std::string append = std::string("INSERT INTO messages (") + kMessageColumns +
                             ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
  const std::string find = std::string("SELECT ") + kMessageColumns + " FROM messages WHERE id = ?";
  const std::pair<sqlite::Statement*, const char*> statements[] = {
      {&begin_, "BEGIN IMMEDIATE"},
      {&commit_, "COMMIT"},
      {&roll_back_, "ROLLBACK"},
      {&append_, append.c_str()},
      {&append_payload_, "INSERT INTO payloads (id, payload, checksum) VALUES (?, ?, ?)"},
      {&remove_, "DELETE FROM messages WHERE id = ?"},
      {&remove_payload_, "DELETE FROM payloads WHERE id = ?"},
      {&update_, "UPDATE messages SET receive_count = ?, visible_at = ?, lease_checksum = ? WHERE id = ?"},
      {&find_, find.c_str()},
      {&move_,
       "UPDATE messages SET queue = ?, receive_count = ?, visible_at = ?, checksum = ?, lease_checksum = ?, "
       "sent = ?, dead_letter_source = ?, priority = ? WHERE id = ?"},
      {&list_, "SELECT id FROM messages WHERE id <= ? AND queue = ?"},
      {&update_record_, "UPDATE records SET value = ?, checksum = ? WHERE key = ?"},
      {&insert_record_, "INSERT INTO records (value, checksum, key) VALUES (?, ?, ?)"},
      {&remove_record_, "DELETE FROM records WHERE key = ?"},
      {&put_state_,
       "UPDATE state SET commits = ?, last_message = ?, messages = ?, message_digest = ?, records = ?, "
       "record_digest = ?, checksum = ? WHERE one = 1"},
  };
  for (const auto& [statement, sql] : statements) {
    if (const Code code = statement->prepare(connection_, sql); code != kOk) return code;
  }
  return kOk;
}

Code Tables::begin() {
  next_ = state_;
  return begin_.run();
}

void Tables::know_message(MessageId id) {
  next_.last_message = std::max(next_.last_message, id.value());
}

Code Tables::commit(std::uint64_t commits) {
  next_.commits = commits;
  if (const Code code = put_state(); code != kOk) return code;
  const Code code = commit_.run();
  if (code == kOk) state_ = next_;
  return code;
}

void Tables::roll_back() {
  // Some errors have rolled the transaction back already; then there is nothing to do.
  if (!sqlite3_get_autocommit(connection_.handle())) roll_back_.run();
}

Code Tables::apply(const AppendMessage& write, std::string_view payload) {
  const Message& message = write.message.message;
  append_.bind(1, message.id.value())
      .bind(2, std::int64_t{message.queue.value()})
      .bind(3, count_us(message.sent))
      .bind(4, count_us(message.visible_at))
      .bind(5, count_us(message.deadline))
      .bind(6, message.tenant.value())
      .bind(7, message.group.value())
      .bind(8, std::int64_t{message.bytes})
      .bind(9, std::int64_t{message.receive_count})
      .bind(10, static_cast<std::int64_t>(packed_columns(message)))
      .bind(11, message_checksum(message))
      .bind(12, lease_checksum(message.id, message.receive_count, message.visible_at))
      .bind(13, std::int64_t{message.dead_letter_source.value()});
  if (const Code code = append_.run(); code != kOk) return code;
  next_.add(message.id);
  know_message(message.id);
  return append_payload_.bind(1, message.id.value())
      .bind_blob(2, payload)
      .bind(3, payload_checksum(message.id, payload))
      .run();
}

Code Tables::apply(const RemoveMessage& write) {
  const Code code = remove_.bind(1, write.message.value()).run();
  if (code != kOk || !changed_a_row()) return code;
  next_.remove(write.message);
  return remove_payload_.bind(1, write.message.value()).run();
}

Code Tables::apply(const UpdateMessage& write) {
  return update_.bind(1, std::int64_t{write.receive_count})
      .bind(2, count_us(write.visible_at))
      .bind(3, lease_checksum(write.message, write.receive_count, write.visible_at))
      .bind(4, write.message.value())
      .run();
}

Code Tables::apply(const MoveMessage& write) {
  find_.bind(1, write.message.value());
  if (!find_.next()) return find_.code();
  Message message = read_message(find_);
  const bool intact = is_intact(message, find_);
  find_.reset();
  // A new checksum over damaged columns would hide the damage.
  if (!intact) return SQLITE_CORRUPT;
  message.queue = write.to;
  message.sent = write.sent;
  message.dead_letter_source = write.source;
  message.received_before = write.received_before;
  return move_.bind(1, std::int64_t{write.to.value()})
      .bind(2, std::int64_t{0})
      .bind(3, count_us(write.visible_at))
      .bind(4, message_checksum(message))
      .bind(5, lease_checksum(message.id, 0, write.visible_at))
      .bind(6, count_us(message.sent))
      .bind(7, std::int64_t{message.dead_letter_source.value()})
      .bind(8, static_cast<std::int64_t>(packed_columns(message)))
      .bind(9, message.id.value())
      .run();
}

Code Tables::apply(const PurgeQueue& write) {
  std::vector<MessageId> found;
  list_.bind(1, write.up_to.value()).bind(2, std::int64_t{write.queue.value()});
  while (list_.next()) found.emplace_back(list_.unsigned_integer(0));
  if (list_.code() != kOk) return list_.code();
  for (const MessageId id : found) {
    if (const Code code = apply(RemoveMessage{id}); code != kOk) return code;
  }
  return kOk;
}

Code Tables::apply(const PutRecord& write) {
  const std::uint64_t checksum = record_checksum(write.key, write.value);
  const Code code = update_record_.bind_blob(1, write.value).bind(2, checksum).bind_text(3, write.key).run();
  if (code != kOk || changed_a_row()) return code;
  next_.add_record(write.key);
  return insert_record_.bind_blob(1, write.value).bind(2, checksum).bind_text(3, write.key).run();
}

Code Tables::apply(const RemoveRecord& write) {
  const Code code = remove_record_.bind_text(1, write.key).run();
  if (code == kOk && changed_a_row()) next_.remove_record(write.key);
  return code;
}

Code Tables::put_state() {
  return put_state_.bind(1, next_.commits)
      .bind(2, next_.last_message)
      .bind(3, next_.messages)
      .bind(4, next_.message_digest)
      .bind(5, next_.records)
      .bind(6, next_.record_digest)
      .bind(7, next_.checksum())
      .run();
}

bool Tables::changed_a_row() const {
  return sqlite3_changes(connection_.handle()) > 0;
}

Message read_message(const sqlite::Statement& row) {
  return {.id = MessageId(row.unsigned_integer(0)),
          .queue = QueueId(static_cast<std::uint32_t>(row.integer(1))),
          .type = MessageTypeId(static_cast<std::uint32_t>(row.unsigned_integer(9) >> 8)),
          .sent = time_point_us(row.integer(2)),
          .visible_at = time_point_us(row.integer(3)),
          .deadline = time_point_us(row.integer(4)),
          .tenant = TenantId(row.unsigned_integer(5)),
          .group = GroupId(row.unsigned_integer(6)),
          .bytes = static_cast<std::uint32_t>(row.integer(7)),
          .receive_count = static_cast<std::uint16_t>(row.integer(8)),
          .priority = static_cast<Priority>(row.integer(9)),
          .dead_letter_source = QueueId(static_cast<std::uint32_t>(row.integer(12))),
          .received_before = static_cast<std::uint16_t>(row.unsigned_integer(9) >> 40)};
}

bool is_intact(const Message& message, const sqlite::Statement& row) {
  return row.unsigned_integer(10) == message_checksum(message) &&
         row.unsigned_integer(11) == lease_checksum(message.id, message.receive_count, message.visible_at);
}

}  // namespace forewarm
