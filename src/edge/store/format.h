#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/model/message.h"
#include "edge/sqlite/sqlite.h"

namespace forewarm {

// What is in messages.db, as docs/formats/store.md describes it for people and other programs.

/// 2: the column dead_letter_source. 3: what is not in the tables yet is in the journal.
inline constexpr std::int64_t kStoreFormat = 3;
inline constexpr std::int64_t kStoreApplication = 0x6677726d;  // "fwrm"

/// Creates the tables in an empty database; one transaction, format version included.
sqlite::Code create_tables(sqlite::Connection& connection);
/// Makes a database of an earlier format one of this format; one transaction.
sqlite::Code bring_up_to_date(sqlite::Connection& connection, std::int64_t from);

/// The column `priority`: the priority in the lowest 8 bits, the type in the 32 above them, `received_before`
/// in the next 16. As own columns they would be another format; as it is, what has neither is stored as it
/// always was.
std::uint64_t packed_columns(const Message& message);
/// XXH3 of the columns that do not change while a message waits in one queue.
std::uint64_t message_checksum(const Message& message);
/// XXH3 of the columns that a delivery changes, with the id.
std::uint64_t lease_checksum(MessageId id, std::uint16_t receive_count, TimePoint visible_at);
/// XXH3 of a payload, seeded with its message's id so that a payload of another message is told apart.
std::uint64_t payload_checksum(MessageId id, std::string_view payload);
/// XXH3 of a record's value, seeded with the hash of its key.
std::uint64_t record_checksum(std::string_view key, std::string_view value);

/// The single row of the table `state`: what must be in the other tables, so that a missing row is noticed.
struct StoreState {
  std::uint64_t commits = 0;         ///< number of the last commit that is in the tables
  std::uint64_t last_message = 0;    ///< the largest id ever appended
  std::uint64_t messages = 0;        ///< rows in `messages`
  std::uint64_t message_digest = 0;  ///< sum of message_term() over them, modulo 2^64
  std::uint64_t records = 0;
  std::uint64_t record_digest = 0;

  void add(MessageId id);
  void remove(MessageId id);
  void add_record(std::string_view key);
  void remove_record(std::string_view key);
  std::uint64_t checksum() const;

  friend bool operator==(const StoreState&, const StoreState&) = default;
};

}  // namespace forewarm
