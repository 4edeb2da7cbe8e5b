// Message move tasks for the dead letters of one error: canaries first, watched, stopped when they fail
// again.

#include <algorithm>

#include "app/move_tasks.h"
#include "edge/sqs/limits.h"

namespace forewarm {

Result<void> MoveTasks::start_group(const GroupRequest& request,
                                    const std::function<void(Result<std::uint64_t>)>& done) {
  Result<Task> proposed = propose_group(request);
  if (!proposed) return std::unexpected(proposed.error());
  const std::uint64_t id = next_id();
  const Task& task = tasks_.emplace(id, std::move(*proposed)).first->second;
  forget_old(task.source);
  const auto stored = [this, id, done](const Result<void>& durable) {
    const auto found = tasks_.find(id);
    if (!durable) {
      tasks_.erase(id);
      return done(std::unexpected(durable.error()));
    }
    if (found == tasks_.end()) return done(error(ErrorCode::NotFound, "the queue was deleted meanwhile"));
    found->second.waits = false;
    if (context_.options.wants_ticks) context_.options.wants_ticks();
    done(id);
  };
  if (auto taken = context_.gate->send({}, {record(id, task)}, stored); !taken) {
    tasks_.erase(id);
    return taken;
  }
  return {};
}

Result<MoveTasks::Task> MoveTasks::propose_group(const GroupRequest& request) const {
  const QueueDirectory& directory = context_.directory;
  const auto no_queue = [](const std::string& name) {
    return error(ErrorCode::NotFound, "there is no queue named " + name);
  };
  const QueueEntry* source = directory.find(request.queue);
  if (!source) return no_queue(request.queue);
  if (source->rules.fifo)
    return error(ErrorCode::Invalid, "the dead letters of a FIFO queue go back in their order: redrive " +
                                         source->name + " without a group");
  std::int64_t messages = 0;
  for (const DeadLetters::Group& group : context_.dead_letters.groups(source->id)) {
    if (group.fingerprint == request.fingerprint) messages += static_cast<std::int64_t>(group.messages);
  }
  if (messages == 0)
    return error(ErrorCode::NotFound, "no message in " + source->name + " has failed with " +
                                          fingerprint_text(request.fingerprint) + "; forewarm dlq triage " +
                                          source->name + " lists what has");
  if (active(source->id))
    return error(ErrorCode::Conflict, "the messages of " + source->name +
                                          " are being moved already; cancel that or wait for its end");
  Task task{.source = source->id,
            .destination = {},
            .destination_arn = {},
            .per_second = request.per_second,
            .failure = {},
            .to_move = messages,
            .started = context_.gate->now(),
            .group = GroupRedrive(request.fingerprint, request.canaries),
            .waits = true,
            .allowance = Duration::rep{1'000'000},
            .allowed_until = context_.gate->now()};
  if (request.to.empty()) return task;
  const QueueEntry* to = directory.find(request.to);
  if (!to) return no_queue(request.to);
  if (to == source) return error(ErrorCode::Conflict, "a queue cannot be redriven to itself");
  if (to->rules.fifo)
    return error(ErrorCode::Conflict,
                 "messages move between queues of the same kind only (FIFO or standard)");
  task.destination = to->id;
  task.destination_arn = directory.arn(*to);
  return task;
}

Result<void> MoveTasks::cancel_group(std::string_view queue, std::uint64_t id,
                                     std::function<void(const Result<void>&)> done) {
  const QueueEntry* source = context_.directory.find(queue);
  const auto found = tasks_.find(id);
  if (!source || found == tasks_.end() || found->second.source != source->id || !found->second.group)
    return error(ErrorCode::NotFound,
                 "there is no redrive " + std::to_string(id) + " of " + std::string(queue));
  Task& task = found->second;
  if (task.status != Status::Running)
    return error(ErrorCode::Conflict, "redrive " + std::to_string(id) + " is over already");
  task.status = Status::Cancelling;
  return context_.gate->send({}, {record(id, task)}, std::move(done));
}

std::vector<MoveTasks::GroupProgress> MoveTasks::groups(QueueId queue) const {
  std::vector<GroupProgress> out;
  for (auto each = tasks_.rbegin(); each != tasks_.rend(); ++each) {
    const Task& task = each->second;
    if (task.source != queue || !task.group) continue;
    const QueueEntry* to = context_.directory.find(task.destination);
    out.push_back({.id = each->first,
                   .fingerprint = task.group->fingerprint(),
                   .to = to != nullptr ? to->name : std::string(),
                   .status = word(task.status),
                   .reason = task.failure,
                   .moved = task.moved,
                   .to_move = task.to_move,
                   .per_second = task.per_second,
                   .canaries = task.group->canaries(),
                   .testing = task.active() && task.group->testing(),
                   .succeeded = task.group->succeeded(),
                   .failed = task.group->failed(),
                   .under_way = task.group->under_way(),
                   .started = task.started});
  }
  return out;
}

void MoveTasks::observe(const Action& action) {
  for (auto& [id, task] : tasks_) {
    if (task.group && task.active()) task.group->observe(action);
  }
}

bool MoveTasks::can_be_moved(MessageId id, QueueId from) const {
  const Orchestrator& core = context_.gate->core();
  const Message* message = core.message(id);
  return message != nullptr && message->queue == from && !core.in_flight(id) &&
         message->visible_at <= context_.gate->now();
}

void MoveTasks::move_group_on(std::uint64_t id, Task& task) {
  GroupRedrive& group = *task.group;
  group.forget_gone([this](MessageId message) { return context_.gate->core().exists(message); });
  if (const auto verdict = group.verdict(context_.gate->now())) return fail(task, *verdict);
  const std::uint32_t may_follow = group.may_follow();
  const std::uint32_t count = may_follow > 0 ? take_allowance(task, may_follow) : 0;
  if (count == 0) return;
  for (const QueueId source : context_.dead_letters.sources(task.source, group.fingerprint())) {
    const QueueId to = task.destination ? task.destination : source;
    const std::vector<MessageId> chosen =
        context_.dead_letters.oldest(task.source, group.fingerprint(), source, count,
                                     [&](MessageId message) { return can_be_moved(message, task.source); });
    if (chosen.empty()) continue;
    if (!context_.directory.find(to)) return fail(task, sqs::names(sqs::Fault::QueueDoesNotExist).code);
    task.waits = true;
    const auto done = [this, id](const Actions& actions, const Result<void>& durable) {
      group_moved(id, actions, durable);
    };
    const ChosenRedriven event{.from = task.source, .to = to, .messages = chosen};
    if (!context_.gate->submit(event, done)) task.waits = false;
    return;
  }
  end_group(task);
}

void MoveTasks::group_moved(std::uint64_t id, const Actions& actions, const Result<void>& durable) {
  const auto found = tasks_.find(id);
  if (found == tasks_.end()) return;
  Task& task = found->second;
  task.waits = false;
  if (!durable) return;
  for (const Action& action : actions) {
    const auto* move = std::get_if<Move>(&action);
    if (!move || move->from != task.source || move->reason != MoveReason::Redrive) continue;
    task.group->moved(move->message, context_.gate->now());
    ++task.moved;
    task.changed = true;
  }
}

/// Nothing is left that can be moved: it is over when the outcomes are known.
void MoveTasks::end_group(Task& task) const {
  if (task.group->canaries() > 0 && task.group->under_way() > 0) return;
  task.status = Status::Completed;
  task.changed = true;
}

}  // namespace forewarm
