#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "base/id_map.h"
#include "core/model/ids.h"

namespace forewarm {

/// The number of the commit that a submit became. Set once by the writer's thread, read by the caller's.
using SharedOutcome = std::shared_ptr<std::atomic<std::uint64_t>>;
inline constexpr std::uint64_t kPending = 0;
inline constexpr std::uint64_t kFailed = ~std::uint64_t{0};
using SharedPayload = std::shared_ptr<const std::string>;

/// The payloads of the latest messages, so that a message that is delivered soon is never read from disk.
///
/// First in, first out: most messages are read once, soon after they came, so recency of use says no more
/// than age does. What is not settled yet cannot be read elsewhere and stays whatever the bound says.
/// Caller's thread only.
class PayloadCache {
 public:
  /// Commits up to `settled` can be read elsewhere.
  PayloadCache(std::size_t bytes_max, const std::atomic<std::uint64_t>& settled)
      : bytes_max_(bytes_max), settled_(settled) {}

  void put(MessageId id, SharedPayload payload, SharedOutcome outcome);
  /// Its removal is on the way: it stays until that is committed, and after one that failed.
  void remove(MessageId id, SharedOutcome outcome);
  /// Null if it is not here, or if its append failed.
  SharedPayload find(MessageId id);
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    SharedPayload payload;
    SharedOutcome outcome;
  };

  struct Removal {
    MessageId id;
    SharedOutcome outcome;
  };

  void erase(MessageId id);
  void forget_removed();
  void evict();
  void forget_erased();

  std::size_t bytes_max_;
  const std::atomic<std::uint64_t>& settled_;
  std::size_t bytes_ = 0;
  IdMap<MessageId, Entry> entries_;
  std::deque<Removal> removals_;
  std::deque<MessageId> order_;  ///< ids of erased entries stay until they reach the front or are half of it
};

}  // namespace forewarm
