#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>

#include "base/id_map.h"
#include "core/model/ids.h"

namespace forewarm {

/// What became of a submit. Set once by the writer's thread, read by the caller's.
enum class Outcome : std::uint8_t { Pending, Committed, Failed };
using SharedOutcome = std::shared_ptr<std::atomic<Outcome>>;
using SharedPayload = std::shared_ptr<const std::string>;

/// The payloads of the latest messages, so that a message that is delivered soon is never read from disk.
///
/// First in, first out: most messages are read once, soon after they came, so recency of use says no more
/// than age does. What is not committed yet cannot be read elsewhere and stays whatever the bound says.
/// Caller's thread only.
class PayloadCache {
 public:
  explicit PayloadCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  void put(MessageId id, SharedPayload payload, SharedOutcome outcome);
  void erase(MessageId id);
  /// Null if it is not here, or if its append failed.
  SharedPayload find(MessageId id);
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    SharedPayload payload;
    SharedOutcome outcome;
  };

  void evict();
  void forget_erased();

  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  IdMap<MessageId, Entry> entries_;
  std::deque<MessageId> order_;  ///< ids of erased entries stay until they reach the front or are half of it
};

}  // namespace forewarm
