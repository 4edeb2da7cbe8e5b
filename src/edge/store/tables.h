#pragma once

#include <string_view>

#include "edge/sqlite/sqlite.h"
#include "edge/store/format.h"
#include "edge/store/store.h"

namespace forewarm {

/// Applies writes to the tables inside a transaction that the caller begins and ends. One thread only.
///
/// Deliveries rewrite small rows in `messages`; payloads lie in a table of their own, are written once and
/// read by id. One table for both wrote a quarter more log per message with deliveries, and made opening read
/// every payload.
class Tables {
 public:
  Tables(sqlite::Connection& connection, const StoreState& state) : connection_(connection), state_(state) {}

  sqlite::Code prepare();

  sqlite::Code begin();
  // Writes to a message that is not there change nothing.

  /// `payload` is the message's; its own is not looked at.
  sqlite::Code apply(const AppendMessage& write, std::string_view payload);
  sqlite::Code apply(const RemoveMessage& write);
  sqlite::Code apply(const UpdateMessage& write);
  sqlite::Code apply(const MoveMessage& write);
  sqlite::Code apply(const PurgeQueue& write);
  sqlite::Code apply(const PutRecord& write);
  sqlite::Code apply(const RemoveRecord& write);
  /// An id that was given, whether its message is still there or not.
  void know_message(MessageId id);
  /// `commits`: number of the last commit that is in the tables now.
  sqlite::Code commit(std::uint64_t commits);
  void roll_back();

  /// As of the last commit that succeeded.
  const StoreState& state() const { return state_; }

 private:
  sqlite::Code put_state();
  bool changed_a_row() const;

  sqlite::Connection& connection_;
  StoreState state_;
  StoreState next_;  ///< what state_ becomes when the transaction commits

  sqlite::Statement begin_, commit_, roll_back_;
  sqlite::Statement append_, append_payload_, remove_, remove_payload_, update_, find_, move_, list_;
  sqlite::Statement update_record_, insert_record_, remove_record_, put_state_;
};

/// The columns of `messages` in the order of kMessageColumns.
inline constexpr const char* kMessageColumns =
    "id, queue, sent, visible_at, deadline, tenant, message_group, bytes, receive_count, priority, checksum, "
    "lease_checksum, dead_letter_source";
Message read_message(const sqlite::Statement& row);
/// True if both checksums of the row are right.
bool is_intact(const Message& message, const sqlite::Statement& row);

}  // namespace forewarm
