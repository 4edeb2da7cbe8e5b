#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/group_redrive.h"
#include "app/queue_context.h"

namespace forewarm {

/// StartMessageMoveTask and its companions: takes the messages of a dead-letter queue away at a rate.
///
/// A task is a record in the store and a redrive of some messages every tick, so after a crash it goes on
/// where the moves did: each of them is one durable step of its own, and only the count of them may lag. Not
/// one redrive for all of them, because that has no rate and could not be called off.
///
/// A task may be for the dead letters of one error only (start_group): then canaries go first, and it stops
/// when those or later ones fail (GroupRedrive). What was seen of them is not kept: after a crash it begins
/// with canaries again.
class MoveTasks {
 public:
  explicit MoveTasks(QueueContext& context) : context_(context) {}

  void operator()(const sqs::StartMessageMoveTask& request, const RequestContext& from,
                  const QueueReply& reply);
  void operator()(const sqs::CancelMessageMoveTask& request, const RequestContext& from,
                  const QueueReply& reply);
  void operator()(const sqs::ListMessageMoveTasks& request, const RequestContext& from,
                  const QueueReply& reply);

  struct GroupRequest {
    std::string queue;  ///< the dead-letter queue
    std::uint64_t fingerprint = 0;
    std::string to{};  ///< empty: each message to the queue that it came from
    std::int64_t per_second = 0;
    std::uint32_t canaries = GroupRedrive::kCanaries;
  };
  /// `done` once it is durable, with its number. NotFound, Invalid or Conflict say why it cannot be.
  Result<void> start_group(const GroupRequest& request,
                           const std::function<void(Result<std::uint64_t>)>& done);
  Result<void> cancel_group(std::string_view queue, std::uint64_t id,
                            std::function<void(const Result<void>&)> done);
  struct GroupProgress {
    std::uint64_t id = 0;
    std::uint64_t fingerprint = 0;
    std::string to;
    std::string_view status;  ///< as of a message move task
    std::string reason;       ///< why it stopped, if it did
    std::int64_t moved = 0;
    std::int64_t to_move = 0;
    std::int64_t per_second = 0;
    std::uint32_t canaries = 0;
    bool testing = false;  ///< the canaries' outcomes are waited for
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    std::uint64_t under_way = 0;
    TimePoint started;
  };
  /// Those of a queue, the newest first.
  std::vector<GroupProgress> groups(QueueId queue) const;
  /// Every action of the core.
  void observe(const Action& action);

  /// One record of the store, at recovery. False if it is not a task's.
  Result<bool> recover(std::string_view key, std::string_view value);
  /// Moves what is due. True while there are tasks that need the next tick.
  bool tick();
  /// True while a task moves messages of this queue or is being cancelled.
  bool active(QueueId source) const;
  /// True while there is a task that needs tick().
  bool any_active() const;

 private:
  enum class Status : std::uint8_t { Running, Completed, Cancelling, Cancelled, Failed };
  static constexpr std::size_t kStatusCount = 5;
  static std::string_view word(Status status);

  struct Task {
    QueueId source;
    QueueId destination;  ///< none: each message to the queue that it came from
    std::string destination_arn;
    std::int64_t per_second = 0;  ///< as asked for; 0: not said
    Status status = Status::Running;
    std::string failure;
    std::int64_t moved = 0;
    std::int64_t to_move = 0;
    TimePoint started;
    std::optional<GroupRedrive> group{};  ///< only the dead letters of one error

    bool waits = false;  ///< for the store or the core; not moved on meanwhile
    bool changed = false;
    Duration::rep allowance = 0;  ///< millionths of a message that may be moved now
    TimePoint allowed_until;      ///< what it was counted up to

    bool active() const { return status == Status::Running || status == Status::Cancelling; }
  };

  static PutRecord record(std::uint64_t id, const Task& task);
  sqs::SqsResult<Task> propose(const sqs::StartMessageMoveTask& request) const;
  std::string handle(std::uint64_t id, const Task& task) const;
  sqs::SqsResult<std::uint64_t> open(const std::string& handle) const;
  void move_on(std::uint64_t id, Task& task);
  void move_group_on(std::uint64_t id, Task& task);
  void group_moved(std::uint64_t id, const Actions& actions, const Result<void>& durable);
  void end_group(Task& task) const;
  bool can_be_moved(MessageId id, QueueId from) const;
  Result<Task> propose_group(const GroupRequest& request) const;
  static Result<Task> read_task(std::string_view value);
  std::uint64_t next_id() const { return tasks_.empty() ? 1 : tasks_.rbegin()->first + 1; }
  std::uint32_t take_allowance(Task& task, std::uint32_t most) const;
  void moved(std::uint64_t id, std::uint32_t asked, const Actions& actions, const Result<void>& durable);
  void fail(Task& task, std::string_view reason);
  void write_changes();
  void forget_old(QueueId source);

  QueueContext& context_;
  std::map<std::uint64_t, Task> tasks_;  ///< by number: the later started has the larger
  std::vector<Write> removals_;          ///< records of tasks that are forgotten
};

/// The name of the queue whose task a handle is of; empty for what is no handle.
std::string queue_of_task(const std::string& handle);

}  // namespace forewarm
