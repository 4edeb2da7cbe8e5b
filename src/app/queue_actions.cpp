#include "app/queue_actions.h"

#include <algorithm>
#include <iterator>

#include "app/queue_permissions.h"
#include "edge/sqs/base64.h"
#include "edge/sqs/limits.h"

namespace forewarm {
namespace {

using sqs::Fault;

std::int64_t whole_seconds(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

/// A queue that is there is answered for only once it is durable: the record is written again, so that the
/// answer comes after that of whoever created it a moment ago.
void QueueActions::operator()(const sqs::CreateQueue& request, const RequestContext& from,
                              const QueueReply& reply) {
  sqs::Response response = sqs::QueueUrl{context_.url(from, request.name)};
  if (const QueueEntry* queue = context_.directory.find(request.name)) {
    if (auto same = context_.directory.check_same(*queue, request.attributes); !same) {
      return reply(std::unexpected(same.error()));
    }
    auto change = context_.directory.set_tags(queue->id, queue->tags);
    if (!change) return reply(std::unexpected(change.error()));
    return carry_out(std::move(*change), {}, reply, std::move(response));
  }
  remove_expired_names();
  auto change = context_.directory.create(request, context_.gate->now());
  if (!change) return reply(std::unexpected(change.error()));
  const QueueEntry& made = *context_.directory.find(request.name);
  std::vector<Event> events;
  if (made.rules.paused) events.emplace_back(ConsumptionPaused{.queue = made.id, .paused = true});
  carry_out(std::move(*change), std::move(events), reply, std::move(response));
}

void QueueActions::operator()(const sqs::GetQueueUrl& request, const RequestContext& from,
                              const QueueReply& reply) {
  const bool own = request.owner.empty() || request.owner == context_.options.names.account;
  if (!own || !context_.directory.find(request.name)) {
    return reply(sqs::refuse(Fault::QueueDoesNotExist, "The specified queue does not exist."));
  }
  reply(sqs::QueueUrl{context_.url(from, request.name)});
}

void QueueActions::operator()(const sqs::ListQueues& request, const RequestContext& from,
                              const QueueReply& reply) {
  const auto wanted = [&](const QueueEntry& queue) { return queue.name.starts_with(request.prefix); };
  list(from, request.results_max, request.next_token, wanted, reply);
}

void QueueActions::operator()(const sqs::ListDeadLetterSourceQueues& request, const RequestContext& from,
                              const QueueReply& reply) {
  const auto target = context_.find(request.queue_url);
  if (!target) return reply(std::unexpected(target.error()));
  const auto wanted = [&](const QueueEntry& queue) {
    const auto policy = read_redrive_policy(queue.attributes);
    return policy && *policy && context_.directory.find_arn((*policy)->target_arn) == *target;
  };
  list(from, request.results_max, request.next_token, wanted, reply);
}

void QueueActions::list(const RequestContext& from, std::optional<std::int64_t> results_max,
                        const std::string& next_token, const std::function<bool(const QueueEntry&)>& wanted,
                        const QueueReply& reply) {
  const std::optional<std::string> after = sqs::base64_decode(next_token);
  if (!after) return reply(sqs::refuse(Fault::InvalidParameterValue, "Invalid or expired next token."));
  const auto most = static_cast<std::size_t>(results_max.value_or(sqs::kListResultsMax));
  sqs::QueueUrls response;
  std::string last;
  context_.directory.visit(*after, [&](const QueueEntry& queue) {
    if (!wanted(queue) || (from.sees && !from.sees(queue.name))) return true;
    if (response.urls.size() == most) {
      // Without MaxResults the service cuts at 1000 and says nothing.
      if (results_max) response.next_token = sqs::base64_encode(last);
      return false;
    }
    response.urls.push_back(context_.url(from, queue.name));
    last = queue.name;
    return true;
  });
  reply(std::move(response));
}

void QueueActions::operator()(const sqs::DeleteQueue& request, const RequestContext& /*from*/,
                              const QueueReply& reply) {
  const auto queue = context_.find(request.queue_url);
  if (!queue) return reply(std::unexpected(queue.error()));
  remove_expired_names();
  const QueueId id = (*queue)->id;
  // The record first: a crash in between leaves messages of a queue that is no more, which recovery drops.
  carry_out(context_.directory.remove(id, context_.gate->now()), {QueueRemoved{.queue = id}}, reply,
            sqs::Empty{});
}

void QueueActions::operator()(const sqs::GetQueueAttributes& request, const RequestContext& /*from*/,
                              const QueueReply& reply) {
  const auto found = context_.find(request.queue_url);
  if (!found) return reply(std::unexpected(found.error()));
  const QueueEntry& queue = **found;
  const sqs::StringMap computed = computed_attributes(queue);
  sqs::QueueAttributes response;
  for (const std::string& name : request.names) {
    if (!is_attribute_name(name)) {
      return reply(
          sqs::refuse(Fault::InvalidAttributeName, "Unknown Attribute " + name.substr(0, 128) + "."));
    }
    if (name == "All") {
      response.attributes.insert(computed.begin(), computed.end());
      response.attributes.merge(all_settable(queue.attributes, queue.rules.fifo));
    } else if (const auto value = computed.find(name); value != computed.end()) {
      response.attributes.insert(*value);
    } else if (auto set = effective_value(queue.attributes, queue.rules.fifo, name)) {
      response.attributes.emplace(name, std::move(*set));
    }
  }
  reply(std::move(response));
}

sqs::StringMap QueueActions::computed_attributes(const QueueEntry& queue) const {
  const QueueView view = context_.gate->core().queue(queue.id);
  return {{"ApproximateNumberOfMessages", std::to_string(view.ready)},
          {"ApproximateNumberOfMessagesNotVisible", std::to_string(view.in_flight)},
          {"ApproximateNumberOfMessagesDelayed", std::to_string(view.delayed)},
          {"CreatedTimestamp", std::to_string(whole_seconds(queue.created))},
          {"LastModifiedTimestamp", std::to_string(whole_seconds(queue.modified))},
          {"QueueArn", context_.directory.arn(queue)}};
}

void QueueActions::operator()(const sqs::SetQueueAttributes& request, const RequestContext& /*from*/,
                              const QueueReply& reply) {
  const auto queue = context_.find(request.queue_url);
  if (!queue) return reply(std::unexpected(queue.error()));
  const QueueRules before = (*queue)->rules;
  auto change = context_.directory.set_attributes((*queue)->id, request.attributes, context_.gate->now());
  if (!change) return reply(std::unexpected(change.error()));
  std::vector<Event> events;
  if (const bool paused = (*queue)->rules.paused; paused != before.paused)
    events.emplace_back(ConsumptionPaused{.queue = (*queue)->id, .paused = paused});
  if ((*queue)->rules.fifo && (*queue)->rules.delay != before.delay) add_delays(**queue, events);
  carry_out(std::move(*change), std::move(events), reply, sqs::Empty{});
}

/// The delay of a FIFO queue is that of the messages that are there too, as in the service.
void QueueActions::add_delays(const QueueEntry& queue, std::vector<Event>& events) const {
  constexpr std::size_t kDelaysChangedMax = 20'000;  // within a second
  const Orchestrator& core = context_.gate->core();
  const TimePoint now = context_.gate->now();
  for (const MessageId id : core.delayed(queue.id, kDelaysChangedMax)) {
    const Duration left = core.message(id)->sent + queue.rules.delay - now;
    events.emplace_back(
        VisibilityChanged{.message = id, .receive_count = 0, .timeout = std::max(left, Duration(0))});
  }
}

void QueueActions::operator()(const sqs::PurgeQueueRequest& request, const RequestContext& /*from*/,
                              const QueueReply& reply) {
  const auto queue = context_.find(request.queue_url);
  if (!queue) return reply(std::unexpected(queue.error()));
  const TimePoint now = context_.gate->now();
  if ((*queue)->purged != TimePoint{} && (*queue)->purged + 60s > now) {
    return reply(
        sqs::refuse(Fault::PurgeQueueInProgress,
                    "Only one PurgeQueue operation on " + (*queue)->name + " is allowed every 60 seconds."));
  }
  const QueueId id = (*queue)->id;
  carry_out(context_.directory.mark_purged(id, now), {QueuePurged{.queue = id}}, reply, sqs::Empty{});
}

void QueueActions::operator()(const sqs::TagQueue& request, const RequestContext& /*from*/,
                              const QueueReply& reply) {
  const auto queue = context_.find(request.queue_url);
  if (!queue) return reply(std::unexpected(queue.error()));
  sqs::StringMap tags = (*queue)->tags;
  for (const auto& [key, value] : request.tags) tags[key] = value;
  auto change = context_.directory.set_tags((*queue)->id, std::move(tags));
  if (!change) return reply(std::unexpected(change.error()));
  carry_out(std::move(*change), {}, reply, sqs::Empty{});
}

void QueueActions::operator()(const sqs::UntagQueue& request, const RequestContext& /*from*/,
                              const QueueReply& reply) {
  const auto queue = context_.find(request.queue_url);
  if (!queue) return reply(std::unexpected(queue.error()));
  sqs::StringMap tags = (*queue)->tags;
  for (const std::string& key : request.keys) tags.erase(key);
  auto change = context_.directory.set_tags((*queue)->id, std::move(tags));
  if (!change) return reply(std::unexpected(change.error()));
  carry_out(std::move(*change), {}, reply, sqs::Empty{});
}

void QueueActions::operator()(const sqs::ListQueueTags& request, const RequestContext& /*from*/,
                              const QueueReply& reply) {
  const auto queue = context_.find(request.queue_url);
  if (!queue) return reply(std::unexpected(queue.error()));
  reply(sqs::QueueTags{(*queue)->tags});
}

void QueueActions::operator()(const sqs::AddPermission& request, const RequestContext& /*from*/,
                              const QueueReply& reply) {
  const auto queue = context_.find(request.queue_url);
  if (!queue) return reply(std::unexpected(queue.error()));
  const std::string policy = effective_value((*queue)->attributes, false, "Policy").value_or("");
  put_policy(**queue, add_permission(policy, context_.directory.arn(**queue), request), reply);
}

void QueueActions::operator()(const sqs::RemovePermission& request, const RequestContext& /*from*/,
                              const QueueReply& reply) {
  const auto queue = context_.find(request.queue_url);
  if (!queue) return reply(std::unexpected(queue.error()));
  const std::string policy = effective_value((*queue)->attributes, false, "Policy").value_or("");
  put_policy(**queue, remove_permission(policy, request), reply);
}

void QueueActions::put_policy(const QueueEntry& queue, const sqs::SqsResult<std::string>& policy,
                              const QueueReply& reply) {
  if (!policy) return reply(std::unexpected(policy.error()));
  auto change = context_.directory.set_attributes(queue.id, {{"Policy", *policy}}, context_.gate->now());
  if (!change) return reply(std::unexpected(change.error()));
  carry_out(std::move(*change), {}, reply, sqs::Empty{});
}

/// Makes a change durable and known, then answers. The directory has changed already, so what store and core
/// have no room for now is tried again until they have.
void QueueActions::carry_out(QueueDirectory::Change change, std::vector<Event> more, const QueueReply& reply,
                             sqs::Response response) {
  Join join([reply, response = std::move(response)](const Result<void>& outcome) mutable {
    if (!outcome) return reply(std::unexpected(to_sqs_error(outcome.error())));
    reply(std::move(response));
  });
  const auto settled = [](const Result<void>& taken, const auto& part) {
    if (!taken && taken.error().code == ErrorCode::Exhausted) return false;
    if (!taken) part(taken);
    return true;
  };
  CoreGate& gate = *context_.gate;
  context_.unfinished.push_back([&gate, settled, record = std::move(change.record), part = join.part()] {
    return settled(gate.send({}, {record}, part), part);
  });
  std::vector<Event> events(change.events.begin(), change.events.end());
  std::ranges::move(more, std::back_inserter(events));
  for (Event& each : events) {
    context_.unfinished.push_back([&gate, settled, each = std::move(each), part = join.part()] {
      const auto done = [part](const Actions& /*actions*/, const Result<void>& durable) { part(durable); };
      return settled(gate.submit(each, done), part);
    });
  }
  join.close();
  context_.finish();
}

void QueueActions::remove_expired_names() {
  std::vector<Write> writes;
  for (RemoveRecord& record : context_.directory.take_expired(context_.gate->now()))
    writes.push_back(std::move(record));
  if (writes.empty()) return;
  // Only tidying: if it is not written, recovery finds the record and it is removed later.
  (void)context_.gate->store().submit(std::move(writes), Durability::Written, [](const Result<void>&) {});
}

}  // namespace forewarm
