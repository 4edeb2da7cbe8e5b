#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "app/failure_record.h"
#include "base/id_map.h"
#include "core/model/action.h"
#include "core/model/message.h"

namespace forewarm {

/// What dead letters have failed with: kept beside each message in the store, in the commit that moves it,
/// until it leaves the dead-letter queue, and here by group (dead-letter queue, error, source queue).
///
/// A record is taken away in the commit of a delete or a redrive. A purge, or an older program that did not
/// know of records, leaves them behind: those are removed some at a time, and again at the next start.
///
/// About 100 bytes a dead letter; the text of an error is here once a group. All calls on the loop's thread.
class DeadLetters {
 public:
  struct Names {
    std::function<std::string(QueueId)> queue;
    std::function<std::uint16_t(QueueId)> receives_max;  ///< of its redrive policy; 0: none
  };
  explicit DeadLetters(Names names) : names_(std::move(names)) {}

  /// Messages failed in a run; what is known of each until it succeeds, is moved or fails again. The newest
  /// hundred thousand are remembered.
  void note_failed(std::span<const MessageId> messages, FailedRun run);
  void note_succeeded(const std::string& function) { ++succeeded_[function]; }

  /// What is to be written with this action of the core, in its commit.
  void accompany(const Action& action, TimePoint now, std::vector<Write>& writes);

  /// One record of the store, at recovery. False if it is not a failure's.
  Result<bool> recover(std::string_view key, std::string_view value);
  /// All records were given: those of messages that are not dead letters any more are forgotten.
  void recovered(std::span<const Message> messages);
  /// Up to `count` records that nothing belongs to any more.
  std::vector<Write> take_removals(std::size_t count);

  struct Group {
    QueueId queue;  ///< the dead-letter queue
    QueueId source;
    std::string source_name;
    std::uint64_t fingerprint = 0;
    FailureRecord newest;        ///< the one that came last
    std::uint64_t messages = 0;  ///< that are still there
    TimePoint first;             ///< of these
    TimePoint last;
    std::array<std::uint64_t, kFailureCauseCount> causes{};  ///< as they were given when they came
    std::uint64_t succeeded_since = 0;  ///< runs of the function since the last came, or since the start
  };
  std::size_t errors(QueueId queue) const;
  /// The largest first.
  std::vector<Group> groups(QueueId queue) const;
  /// The queues that dead letters of one error came from.
  std::vector<QueueId> sources(QueueId queue, std::uint64_t fingerprint) const;
  /// Messages of a queue of which nothing is known are not in it.
  std::uint64_t known(QueueId queue) const;
  /// The oldest of a group that `wanted` takes, at most `count`.
  std::vector<MessageId> oldest(QueueId queue, std::uint64_t fingerprint, QueueId source, std::size_t count,
                                const std::function<bool(MessageId)>& wanted) const;

 private:
  static constexpr std::size_t kRunsMax = 100'000;
  static constexpr std::size_t kLookedAtMax = 10'000;
  using Key = std::tuple<QueueId, std::uint64_t, QueueId>;  ///< queue, fingerprint, source
  struct Held : Group {
    MessageId oldest_message;
    MessageId newest_message;
    std::uint64_t succeeded_before = 0;
  };
  struct Letter {
    Held* group = nullptr;
    MessageId older;
    MessageId newer;
    TimePoint at;
    FailureCause cause = FailureCause::Unknown;
  };

  FailureRecord failure_of(const Move& move, TimePoint now) const;
  void add(QueueId queue, FailureRecord failure);
  bool remove(MessageId message);
  void purge(const Purge& purge);
  std::uint64_t succeeded(const std::string& function) const;

  Names names_;
  IdMap<MessageId, std::shared_ptr<const FailedRun>> runs_;
  std::deque<MessageId> runs_order_;
  std::map<Key, Held> groups_;
  IdMap<MessageId, Letter> letters_;
  std::map<std::string, std::uint64_t> succeeded_;  ///< messages by function, since the start
  std::deque<MessageId> removals_;
  std::vector<FailureRecord> recovering_;
};

}  // namespace forewarm
