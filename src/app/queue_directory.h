#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/queue_attributes.h"
#include "base/result.h"
#include "core/model/event.h"
#include "edge/sqs/request.h"
#include "edge/sqs/sqs_error.h"
#include "edge/store/store.h"

namespace forewarm {

/// A queue as its users see it.
struct QueueEntry {
  QueueId id;
  std::string name;
  sqs::StringMap attributes;  ///< as set
  sqs::StringMap tags;
  TimePoint created;
  TimePoint modified;
  TimePoint purged;  ///< last; TimePoint{} if never
  QueueRules rules;  ///< what `attributes` mean
};

/// The queues by name and by id: which there are, and what was set on them. One record of the store each
/// (docs/formats/records.md).
///
/// It only knows: it neither writes nor tells the core. Each change returns the record that makes it durable
/// and the events that make it known, and whoever asked for the change sees to both.
class QueueDirectory {
 public:
  struct Options {
    std::string region = "us-east-1";
    std::string account = "000000000000";
    Duration deleted_name_pause = 60s;  ///< the service's; a name cannot be used again for so long
  };
  struct Change {
    PutRecord record;
    std::vector<QueueChanged> events;  ///< a queue may change because another one appeared or went
  };

  explicit QueueDirectory(Options options) : options_(std::move(options)) {}

  /// One record of the store, at recovery. False if it is not a queue's. Corrupt names the record.
  Result<bool> recover(std::string_view key, std::string_view value);
  /// The queues as the core must know them; for recovery, before their messages.
  std::vector<QueueChanged> events() const;
  /// Records of queues that were deleted long ago, to be removed; forgets them.
  std::vector<RemoveRecord> take_expired(TimePoint now);

  const QueueEntry* find(std::string_view name) const;
  const QueueEntry* find(QueueId id) const;
  /// By the name in an ARN; its region and account are not looked at, as those of queue URLs are not.
  const QueueEntry* find_arn(std::string_view arn) const;
  /// True if some queue's redrive policy names it.
  bool is_dead_letter_queue(const QueueEntry& queue) const;
  std::size_t size() const { return by_name_.size(); }
  /// Calls `visit` in the order of names, from the first name after `after`, until it returns false.
  void visit(std::string_view after, const std::function<bool(const QueueEntry&)>& visit) const;

  std::string arn(const QueueEntry& queue) const;
  std::string arn_of_name(std::string_view name) const;

  /// CreateQueue for a name that is not there yet.
  sqs::SqsResult<Change> create(const sqs::CreateQueue& request, TimePoint now);
  /// Refused unless all given attributes have these values already (CreateQueue for a name that is there).
  sqs::SqsResult<void> check_same(const QueueEntry& queue, const sqs::StringMap& attributes) const;
  sqs::SqsResult<Change> set_attributes(QueueId id, const sqs::StringMap& attributes, TimePoint now);
  sqs::SqsResult<Change> set_tags(QueueId id, sqs::StringMap tags);
  Change mark_purged(QueueId id, TimePoint now);
  /// The queue is not found from now on. `events` has the queues that lose it as their dead-letter queue.
  Change remove(QueueId id, TimePoint now);

 private:
  struct Deleted {
    std::string name;
    TimePoint when;
  };

  QueueEntry& entry(QueueId id);
  bool deleted_recently(std::string_view name, TimePoint now) const;
  sqs::SqsResult<void> check_redrive(const QueueEntry& queue, const sqs::StringMap& attributes) const;
  QueueSettings settings(const QueueEntry& queue) const;
  Change change(const QueueEntry& queue) const;
  void add_sources(std::string_view dead_letter_name, std::vector<QueueChanged>& events) const;

  Options options_;
  std::map<std::string, std::unique_ptr<QueueEntry>, std::less<>> by_name_;
  std::map<QueueId, QueueEntry*> by_id_;
  std::map<QueueId, Deleted> deleted_;
  std::uint32_t last_id_ = 0;
};

}  // namespace forewarm
