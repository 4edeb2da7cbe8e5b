#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "core/model/ids.h"
#include "edge/store/store.h"

namespace forewarm {

/// The deduplication ids of FIFO queues for the five minutes in which each is remembered: which message had
/// it first.
///
/// Durable by a record each, written in the commit of its message, so that after any crash either both are
/// there or neither is. Bounded; at the bound sends are refused, since forgetting an id early would break the
/// promise.
class Deduplication {
 public:
  static constexpr Duration kWindow = 5min;
  /// A record that means nothing; written to be behind the others.
  static constexpr std::string_view kBarrierKey = "dedup-barrier";

  explicit Deduplication(std::size_t entries_max = 1'000'000) : entries_max_(entries_max) {}

  struct Original {
    MessageId message;
    bool durable = false;  ///< false while its commit is on its way
  };

  /// Names the id within its queue, or within a group of it where `group` is not empty.
  static std::string key(QueueId queue, std::string_view group, std::string_view deduplication_id);

  /// What was remembered before `purged`, when its queue was emptied, counts no more.
  std::optional<Original> find(const std::string& key, TimePoint now, TimePoint purged) const;
  /// Exhausted at the bound. The record must be written together with the message.
  Result<PutRecord> add(const std::string& key, MessageId message, TimePoint now);
  void mark_durable(const std::string& key, MessageId message);
  /// True if the key is still this message's.
  bool holds(const std::string& key, MessageId message) const;
  /// Its commit failed.
  void remove(const std::string& key, MessageId message);

  /// One record of the store, at recovery. False if it is not one of these.
  Result<bool> recover(std::string_view key, std::string_view value);
  /// Records whose time is over, a bounded number a call; forgets them.
  std::vector<RemoveRecord> take_expired(TimePoint now);

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    MessageId message;
    TimePoint expires;
    bool durable = false;
  };
  struct Expiry {
    TimePoint when;
    std::string key;
  };

  std::size_t entries_max_;
  std::unordered_map<std::string, Entry> entries_;
  std::deque<Expiry> expiries_;  ///< in the order of time, but for what recovery adds, which is sorted once
  bool sorted_ = true;
};

}  // namespace forewarm
