#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "core/model/message.h"

namespace forewarm {

/// A message with its content. The payload is opaque here: body, attributes and identifiers as the protocol
/// packs them.
struct StoredMessage {
  Message message;
  std::string payload;
};

// What the queue needs of a store, and nothing more.
struct AppendMessage {
  StoredMessage message;
};
struct RemoveMessage {
  MessageId message;
};
/// Delivery count and next visibility of a message.
struct UpdateMessage {
  MessageId message;
  std::uint16_t receive_count = 0;
  TimePoint visible_at;
};
/// Its receive count becomes 0, and that of before `received_before`.
struct MoveMessage {
  MessageId message;
  QueueId to;
  TimePoint visible_at;
  TimePoint sent{};  ///< retention counts from here now
  QueueId source{};  ///< whose dead letter it is now, if any's
  std::uint16_t received_before = 0;
};
struct PurgeQueue {
  QueueId queue;
  MessageId up_to;
};
/// A small named value: queue definitions, functions, deduplication ids, the clock. Replaces what was there.
struct PutRecord {
  std::string key;
  std::string value;
};
struct RemoveRecord {
  std::string key;
};
using Write = std::variant<AppendMessage, RemoveMessage, UpdateMessage, MoveMessage, PurgeQueue, PutRecord,
                           RemoveRecord>;

/// Synced: survives a power cut before `done` is called. Written: survives kill -9, and is synced with the
/// next Synced one.
enum class Durability : std::uint8_t { Written, Synced };

/// The durable queue: one writer thread that commits to a journal whatever has gathered while the last commit
/// was being synced (group commit), a settler that brings the database up to it, payloads read back by id
/// with a bounded cache.
///
/// The caller's thread is one (the loop's); `done` is called on the writer's thread: give it a way home.
/// Writes are applied in the order of submission. After a failed sync nothing more is acknowledged: every
/// later write fails with Io until the store is opened anew, because the kernel may have dropped the pages.
class Store {
 public:
  struct Options {
    std::string directory;  ///< created if missing; locked against a second server
    std::size_t payload_cache_bytes = 64U << 20;
    std::size_t pending_bytes_max =
        64U << 20;  ///< of writes not yet committed; beyond it submit() returns Exhausted
    /// Disk space that is held for the time when the disk is full, in a file of its own; 0: none. Then
    /// messages are refused (Exhausted) until there is room for it again, and all other writes go on in it.
    std::uint64_t reserve_bytes = 0;
    std::function<void()> writer_begins = {};  ///< called first on the writer's thread
    /// Given what wakes the writer, to be called soon on the caller's thread: what is submitted until then
    /// becomes one commit. At once if unset.
    std::function<void(std::function<void()> wake)> wake_soon = {};
    /// Called on another thread when the database begins to take nothing of the journal.
    std::function<void(const std::string& problem)> warn = {};
  };
  /// What was there, message by message in the order of ids, then record by record. Called before open()
  /// returns.
  struct Recovery {
    std::function<void(const Message&)> message;
    std::function<void(std::string_view key, std::string_view value)> record;
  };
  /// Corrupt names the damaged file and what to do; a format newer than this program's is refused unharmed.
  static Result<std::unique_ptr<Store>> open(const Options& options, const Recovery& recovery);
  virtual ~Store() = default;  ///< commits what was submitted, then closes

  using Done = std::function<void(const Result<void>&)>;
  /// All of `writes` in one commit, or none. Exhausted and untouched when too much is pending.
  virtual Result<void> submit(std::vector<Write> writes, Durability durability, Done done) = 0;
  /// The payload of a message that was appended (committed or not) and not removed. Corrupt if its checksum
  /// is wrong.
  virtual Result<std::string> payload(MessageId message) = 0;
  /// Larger than every id ever appended, whether it still exists or not; rises by one with each call.
  virtual MessageId next_message_id() = 0;

  struct Statistics {
    std::uint64_t commits = 0;
    std::uint64_t writes = 0;
    std::uint64_t syncs = 0;
    std::uint64_t commit_us_max = 0;  ///< since the last call
    std::uint64_t file_bytes = 0;
    std::uint64_t pending_bytes = 0;
  };
  virtual Statistics statistics() = 0;
  /// Messages are refused because the disk is full. Any thread.
  virtual bool full() const { return false; }
};

}  // namespace forewarm
