#include "app/move_tasks.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>

#include "edge/sqs/base64.h"
#include "edge/sqs/limits.h"
#include "edge/sqs/parse.h"

namespace forewarm {
namespace {

namespace json = boost::json;
using sqs::Fault;
using sqs::SqsResult;

constexpr std::string_view kTaskPrefix = "move-task/";
/// A key of its own: a program that knows nothing of groups must not take it for a task for all messages.
constexpr std::string_view kGroupPrefix = "group-redrive/";
constexpr std::int64_t kTaskVersion = 1;
constexpr std::uint32_t kMovesPerEventMax = 64;
constexpr Duration::rep kOneMessage = 1'000'000;

std::optional<std::uint64_t> task_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || stop != text.data() + text.size() || number == 0) return std::nullopt;
  return number;
}

std::unexpected<sqs::SqsError> no_resource(std::string_view parameter) {
  return sqs::refuse(Fault::ResourceNotFound, "The resource that you specified for the " +
                                                  std::string(parameter) + " parameter doesn't exist.");
}

QueueId read_queue_id(const json::object& object, std::string_view name) {
  return QueueId(static_cast<std::uint32_t>(object.at(name).as_int64()));
}

}  // namespace

std::string_view MoveTasks::word(Status status) {
  constexpr std::array<std::string_view, kStatusCount> kWords = {"RUNNING", "COMPLETED", "CANCELLING",
                                                                 "CANCELLED", "FAILED"};
  return kWords[static_cast<std::size_t>(status)];
}

void MoveTasks::operator()(const sqs::StartMessageMoveTask& request, const RequestContext& /*from*/,
                           const QueueReply& reply) {
  SqsResult<Task> proposed = propose(request);
  if (!proposed) return reply(std::unexpected(proposed.error()));
  const std::uint64_t id = next_id();
  const Task& task = tasks_.emplace(id, std::move(*proposed)).first->second;
  forget_old(task.source);
  const auto stored = [this, id, reply](const Result<void>& durable) {
    const auto found = tasks_.find(id);
    if (!durable) {
      tasks_.erase(id);
      return reply(std::unexpected(to_sqs_error(durable.error())));
    }
    if (found == tasks_.end()) return reply(no_resource("SourceArn"));
    found->second.waits = false;
    if (context_.options.wants_ticks) context_.options.wants_ticks();
    reply(sqs::MoveTaskStarted{handle(id, found->second)});
  };
  if (auto taken = context_.gate->send({}, {record(id, task)}, stored); !taken) stored(taken);
}

SqsResult<MoveTasks::Task> MoveTasks::propose(const sqs::StartMessageMoveTask& request) const {
  const QueueDirectory& directory = context_.directory;
  const QueueEntry* source = directory.find_arn(request.source_arn);
  if (!source) return no_resource("SourceArn");
  if (!directory.is_dead_letter_queue(*source)) {
    return sqs::refuse(Fault::InvalidParameterValue,
                       "Source queue must be configured as a Dead Letter Queue.");
  }
  const TimePoint now = context_.gate->now();
  Task task{.source = source->id,
            .destination = {},
            .destination_arn = {},
            .per_second = request.messages_per_second_max.value_or(0),
            .failure = {},
            .to_move = static_cast<std::int64_t>(context_.gate->core().queue(source->id).ready),
            .started = now,
            .waits = true,
            .allowance = kOneMessage,
            .allowed_until = now};
  if (request.destination_arn) {
    const QueueEntry* destination = directory.find_arn(*request.destination_arn);
    if (!destination) return no_resource("DestinationArn");
    if (destination->rules.fifo != source->rules.fifo) {
      return sqs::refuse(Fault::InvalidParameterValue,
                         "The source queue and destination queue must be of the same queue type.");
    }
    task.destination = destination->id;
    task.destination_arn = directory.arn(*destination);
  }
  if (active(source->id)) {
    return sqs::refuse(Fault::InvalidParameterValue,
                       "There is already a task running. Only one active task is allowed for a source queue "
                       "arn at a given time.");
  }
  const auto is_active = [](const auto& each) { return each.second.active(); };
  if (static_cast<std::size_t>(std::ranges::count_if(tasks_, is_active)) >= sqs::kMoveTasksActiveMax) {
    return sqs::refuse(Fault::RequestThrottled, "At most 100 message move tasks can be active at a time.");
  }
  return task;
}

void MoveTasks::operator()(const sqs::CancelMessageMoveTask& request, const RequestContext& /*from*/,
                           const QueueReply& reply) {
  const SqsResult<std::uint64_t> id = open(request.task_handle);
  if (!id) return reply(std::unexpected(id.error()));
  Task& task = tasks_.at(*id);
  task.status = Status::Cancelling;
  const auto stored = [moved = task.moved, reply](const Result<void>& durable) {
    if (!durable) return reply(std::unexpected(to_sqs_error(durable.error())));
    reply(sqs::MoveTaskCancelled{moved});
  };
  if (auto taken = context_.gate->send({}, {record(*id, task)}, stored); !taken) {
    task.status = Status::Running;
    stored(taken);
  }
}

void MoveTasks::operator()(const sqs::ListMessageMoveTasks& request, const RequestContext& /*from*/,
                           const QueueReply& reply) {
  const QueueEntry* source = context_.directory.find_arn(request.source_arn);
  if (!source) return reply(no_resource("SourceArn"));
  sqs::MoveTasks response;
  for (auto each = tasks_.rbegin(); each != tasks_.rend(); ++each) {
    const auto& [id, task] = *each;
    if (task.source != source->id) continue;
    if (static_cast<std::int64_t>(response.tasks.size()) == request.results_max) break;
    response.tasks.push_back(
        {.task_handle = task.status == Status::Running ? handle(id, task) : std::string(),
         .status = std::string(word(task.status)),
         .source_arn = context_.directory.arn(*source),
         .destination_arn = task.destination_arn,
         .messages_per_second_max = task.per_second > 0 ? std::optional(task.per_second) : std::nullopt,
         .messages_moved = task.moved,
         .messages_to_move = task.to_move,
         .failure_reason = task.failure,
         .started_ms = count_us(task.started) / 1000});
  }
  reply(std::move(response));
}

/// As the service's: base64 of a JSON object with the task's id and its source.
std::string MoveTasks::handle(std::uint64_t id, const Task& task) const {
  const QueueEntry* source = context_.directory.find(task.source);
  const json::object object = {{"taskId", std::to_string(id)},
                               {"sourceArn", source ? context_.directory.arn(*source) : std::string()}};
  return sqs::base64_encode(json::serialize(object));
}

SqsResult<std::uint64_t> MoveTasks::open(const std::string& handle) const {
  const std::optional<std::string> text = sqs::base64_decode(handle);
  json::error_code failure;
  const json::value document = text ? json::parse(*text, failure) : json::value();
  const json::object* members = failure ? nullptr : document.if_object();
  const json::value* task_id = members ? members->if_contains("taskId") : nullptr;
  const json::value* arn = members ? members->if_contains("sourceArn") : nullptr;
  if (!task_id || !task_id->is_string() || !arn || !arn->is_string()) {
    return sqs::refuse(Fault::InvalidParameterValue, "Value for parameter TaskHandle is invalid.");
  }
  const QueueEntry* source = context_.directory.find_arn(std::string_view(arn->get_string()));
  if (!source) return no_resource("SourceArn");
  const std::optional<std::uint64_t> id = task_number(std::string_view(task_id->get_string()));
  const auto found = id ? tasks_.find(*id) : tasks_.end();
  if (found == tasks_.end() || found->second.source != source->id ||
      found->second.status != Status::Running) {
    return sqs::refuse(Fault::ResourceNotFound, "Task does not exist.");
  }
  return *id;
}

PutRecord MoveTasks::record(std::uint64_t id, const Task& task) {
  json::object object = {{"version", kTaskVersion},
                         {"source", task.source.value()},
                         {"destination", task.destination.value()},
                         {"destination_arn", task.destination_arn},
                         {"per_second", task.per_second},
                         {"status", word(task.status)},
                         {"failure", task.failure},
                         {"moved", task.moved},
                         {"to_move", task.to_move},
                         {"started_us", count_us(task.started)}};
  if (task.group) {
    object["fingerprint"] = fingerprint_text(task.group->fingerprint());
    object["canaries"] = task.group->canaries();
  }
  return {.key = std::string(task.group ? kGroupPrefix : kTaskPrefix) + std::to_string(id),
          .value = json::serialize(object)};
}

Result<bool> MoveTasks::recover(std::string_view key, std::string_view value) {
  const std::string_view prefix = key.starts_with(kGroupPrefix) ? kGroupPrefix : kTaskPrefix;
  if (!key.starts_with(prefix)) return false;
  const auto corrupt = [&](std::string_view why) {
    return error(ErrorCode::Corrupt, "the record " + std::string(key) + " is damaged: " + std::string(why));
  };
  const std::optional<std::uint64_t> id = task_number(key.substr(prefix.size()));
  if (!id) return corrupt("it is not the key of a task");
  Result<Task> task = read_task(value);
  if (!task) return corrupt(task.error().message);
  if (!tasks_.contains(*id)) {
    tasks_.emplace(*id, std::move(*task));
    return true;
  }
  // An older program, which did not see the other kind's record, has used its number.
  removals_.emplace_back(RemoveRecord{std::string(key)});
  task->changed = true;
  tasks_.emplace(next_id(), std::move(*task));
  return true;
}

Result<MoveTasks::Task> MoveTasks::read_task(std::string_view value) {
  try {
    const json::value document = json::parse(value);
    const json::object& object = document.as_object();
    if (object.at("version").as_int64() != kTaskVersion)
      return error(ErrorCode::Corrupt, "its version is not 1");
    Task task{.source = read_queue_id(object, "source"),
              .destination = read_queue_id(object, "destination"),
              .destination_arn = std::string(object.at("destination_arn").as_string()),
              .per_second = object.at("per_second").as_int64(),
              .failure = std::string(object.at("failure").as_string()),
              .moved = object.at("moved").as_int64(),
              .to_move = object.at("to_move").as_int64(),
              .started = time_point_us(object.at("started_us").as_int64()),
              .allowed_until = {}};
    const std::string_view status = object.at("status").as_string();
    std::size_t index = 0;
    while (index < kStatusCount && word(static_cast<Status>(index)) != status) ++index;
    if (index == kStatusCount) return error(ErrorCode::Corrupt, "its status is unknown");
    task.status = static_cast<Status>(index);
    if (const json::value* fingerprint = object.if_contains("fingerprint")) {
      const auto read = parse_fingerprint(fingerprint->as_string());
      if (!read) return std::unexpected(read.error());
      task.group.emplace(*read, object.at("canaries").to_number<std::uint32_t>());
    }
    return task;
  } catch (const std::exception& failure) {
    return error(ErrorCode::Corrupt, failure.what());
  }
}

bool MoveTasks::tick() {
  for (auto each = tasks_.begin(); each != tasks_.end();) {
    auto& [id, task] = *each;
    if (!context_.directory.find(task.source)) {
      removals_.emplace_back(RemoveRecord{record(id, task).key});
      each = tasks_.erase(each);
      continue;
    }
    if (!task.waits && task.active()) move_on(id, task);
    ++each;
  }
  write_changes();
  return any_active();
}

bool MoveTasks::active(QueueId source) const {
  return std::ranges::any_of(
      tasks_, [&](const auto& each) { return each.second.source == source && each.second.active(); });
}

bool MoveTasks::any_active() const {
  return !removals_.empty() || std::ranges::any_of(tasks_, [](const auto& each) {
    return each.second.active() || each.second.changed;
  });
}

void MoveTasks::move_on(std::uint64_t id, Task& task) {
  if (task.status == Status::Cancelling) {
    task.status = Status::Cancelled;
    task.changed = true;
    return;
  }
  if (task.destination && !context_.directory.find(task.destination)) {
    return fail(task, sqs::names(Fault::QueueDoesNotExist).code);
  }
  // An operator's redrive of the same queue goes first: a second one would cut it short.
  if (context_.gate->core().queue(task.source).redrive.remaining > 0) return;
  if (task.group) return move_group_on(id, task);
  const std::uint32_t count = take_allowance(task, kMovesPerEventMax);
  if (count == 0) return;
  task.waits = true;
  const auto done = [this, id, count](const Actions& actions, const Result<void>& durable) {
    moved(id, count, actions, durable);
  };
  const RedriveRequested event{.from = task.source, .to = task.destination, .messages_max = count};
  if (!context_.gate->submit(event, done)) task.waits = false;
}

/// How many messages may be moved now. What is not used within a second is lost, so that a queue that was
/// busy otherwise is not met with a burst.
std::uint32_t MoveTasks::take_allowance(Task& task, std::uint32_t most) const {
  const TimePoint now = context_.gate->now();
  const Duration passed = std::clamp<Duration>(now - task.allowed_until, Duration(0), 1s);
  const std::int64_t rate = task.per_second > 0 ? task.per_second : sqs::kMovesPerSecondMax;
  task.allowed_until = now;
  task.allowance = std::min(task.allowance + passed.count() * rate, rate * kOneMessage);
  const auto count = std::min<Duration::rep>(task.allowance / kOneMessage, std::min(most, kMovesPerEventMax));
  task.allowance -= count * kOneMessage;
  return static_cast<std::uint32_t>(count);
}

void MoveTasks::moved(std::uint64_t id, std::uint32_t asked, const Actions& actions,
                      const Result<void>& durable) {
  const auto found = tasks_.find(id);
  if (found == tasks_.end()) return;
  Task& task = found->second;
  task.waits = false;
  if (!durable) return;
  const auto count = std::ranges::count_if(actions, [&](const Action& action) {
    const auto* move = std::get_if<Move>(&action);
    return move && move->from == task.source && move->reason == MoveReason::Redrive;
  });
  task.moved += count;
  task.changed = true;
  if (task.status != Status::Running || count >= asked) return;
  const MessageId stuck = context_.gate->core().queue(task.source).redrive.stuck;
  if (!stuck) {
    task.status = Status::Completed;
    return;
  }
  const Message* message = context_.gate->core().message(stuck);
  const bool has_source = task.destination || (message && message->dead_letter_source);
  fail(task, has_source ? sqs::names(Fault::QueueDoesNotExist).code
                        : std::string_view("CouldNotDetermineMessageSource"));
}

void MoveTasks::fail(Task& task, std::string_view reason) {
  task.status = Status::Failed;
  task.failure = reason;
  task.changed = true;
}

/// What the store has no room for now is written at the next tick.
void MoveTasks::write_changes() {
  std::vector<Write> writes = removals_;
  for (const auto& [id, task] : tasks_) {
    if (task.changed) writes.emplace_back(record(id, task));
  }
  if (writes.empty()) return;
  if (!context_.gate->store().submit(std::move(writes), Durability::Written, [](const Result<void>&) {}))
    return;
  removals_.clear();
  for (auto& [id, task] : tasks_) task.changed = false;
}

/// As many as can be listed stay.
void MoveTasks::forget_old(QueueId source) {
  std::int64_t kept = 0;
  std::vector<std::uint64_t> old;
  for (auto each = tasks_.rbegin(); each != tasks_.rend(); ++each) {
    if (each->second.source == source && ++kept > sqs::kMoveTasksListedMax) old.push_back(each->first);
  }
  for (const std::uint64_t id : old) {
    removals_.emplace_back(RemoveRecord{record(id, tasks_.at(id)).key});
    tasks_.erase(id);
  }
}

std::string queue_of_task(const std::string& handle) {
  const std::optional<std::string> text = sqs::base64_decode(handle);
  json::error_code failure;
  const json::value document = text ? json::parse(*text, failure) : json::value();
  const json::object* members = failure ? nullptr : document.if_object();
  const json::value* arn = members ? members->if_contains("sourceArn") : nullptr;
  if (!arn || !arn->is_string()) return {};
  return std::string(sqs::queue_name_of_arn(std::string_view(arn->get_string())));
}

}  // namespace forewarm
