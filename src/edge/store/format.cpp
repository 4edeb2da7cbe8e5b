#include "edge/store/format.h"

#include <xxhash.h>

#include <array>
#include <bit>

#include "base/random.h"

namespace forewarm {

static_assert(std::endian::native == std::endian::little, "checksums are taken over little-endian words");

namespace {

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

template <std::size_t Count>
std::uint64_t hash_words(const std::array<std::uint64_t, Count>& words) {
  return XXH3_64bits(words.data(), sizeof(words));
}

std::uint64_t word(TimePoint time) {
  return static_cast<std::uint64_t>(count_us(time));
}

/// A sum of bare ids would not notice that 2 and 5 became 3 and 4.
std::uint64_t message_term(MessageId id) {
  return mix_bits(id.value() + 0x9e3779b97f4a7c15ULL);
}

constexpr const char* kTables = R"(
BEGIN IMMEDIATE;
CREATE TABLE messages (
  id INTEGER PRIMARY KEY, queue INTEGER NOT NULL, sent INTEGER NOT NULL, visible_at INTEGER NOT NULL,
  deadline INTEGER NOT NULL, tenant INTEGER NOT NULL, message_group INTEGER NOT NULL, bytes INTEGER NOT NULL,
  receive_count INTEGER NOT NULL, priority INTEGER NOT NULL, checksum INTEGER NOT NULL,
  lease_checksum INTEGER NOT NULL, dead_letter_source INTEGER NOT NULL DEFAULT 0);
CREATE TABLE payloads (id INTEGER PRIMARY KEY, payload BLOB NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE records (key TEXT PRIMARY KEY, value BLOB NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE state (
  one INTEGER PRIMARY KEY CHECK (one = 1), commits INTEGER NOT NULL, last_message INTEGER NOT NULL,
  messages INTEGER NOT NULL, message_digest INTEGER NOT NULL, records INTEGER NOT NULL,
  record_digest INTEGER NOT NULL, checksum INTEGER NOT NULL);
)";

}  // namespace

sqlite::Code create_tables(sqlite::Connection& connection) {
  const auto checksum = static_cast<std::int64_t>(StoreState{}.checksum());
  const std::string sql = std::string(kTables) + "INSERT INTO state VALUES (1, 0, 0, 0, 0, 0, 0, " +
                          std::to_string(checksum) +
                          "); PRAGMA application_id = " + std::to_string(kStoreApplication) +
                          "; PRAGMA user_version = " + std::to_string(kStoreFormat) + "; COMMIT;";
  return connection.execute(sql.c_str());
}

sqlite::Code bring_up_to_date(sqlite::Connection& connection, std::int64_t from) {
  const char* column =
      from < 2 ? "ALTER TABLE messages ADD COLUMN dead_letter_source INTEGER NOT NULL DEFAULT 0; " : "";
  const std::string sql = std::string("BEGIN IMMEDIATE; ") + column +
                          "PRAGMA user_version = " + std::to_string(kStoreFormat) + "; COMMIT;";
  return connection.execute(sql.c_str());
}

std::uint64_t packed_columns(const Message& message) {
  return std::uint64_t{message.received_before} << 40 | std::uint64_t{message.type.value()} << 8 |
         message.priority;
}

std::uint64_t message_checksum(const Message& message) {
  const std::array<std::uint64_t, 8> words = {
      message.id.value(),     message.queue.value(), word(message.sent), word(message.deadline),
      message.tenant.value(), message.group.value(), message.bytes,      packed_columns(message)};
  // A row of format 1 has no source, and keeps its checksum.
  if (!message.dead_letter_source) return hash_words(words);
  return hash_words(std::array<std::uint64_t, 2>{hash_words(words), message.dead_letter_source.value()});
}

std::uint64_t lease_checksum(MessageId id, std::uint16_t receive_count, TimePoint visible_at) {
  return hash_words(std::array<std::uint64_t, 3>{id.value(), receive_count, word(visible_at)});
}

std::uint64_t payload_checksum(MessageId id, std::string_view payload) {
  return hash_bytes(payload, id.value());
}

std::uint64_t record_checksum(std::string_view key, std::string_view value) {
  return hash_bytes(value, hash_bytes(key, 0));
}

void StoreState::add(MessageId id) {
  ++messages;
  message_digest += message_term(id);
}

void StoreState::remove(MessageId id) {
  --messages;
  message_digest -= message_term(id);
}

void StoreState::add_record(std::string_view key) {
  ++records;
  record_digest += hash_bytes(key, 0);
}

void StoreState::remove_record(std::string_view key) {
  --records;
  record_digest -= hash_bytes(key, 0);
}

std::uint64_t StoreState::checksum() const {
  return hash_words(
      std::array<std::uint64_t, 6>{commits, last_message, messages, message_digest, records, record_digest});
}

}  // namespace forewarm
