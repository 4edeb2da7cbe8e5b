#include "edge/observe/otlp/message_traces.h"

#include <algorithm>

#include "edge/observe/words.h"

namespace forewarm {
namespace {

constexpr std::size_t kSaidMax = 10'000;
constexpr std::size_t kMomentsASpan = 32;
constexpr std::size_t kLinksASpan = 128;  // the default limit of OpenTelemetry's SDKs

std::string_view outcome_of(DeleteReason reason) {
  switch (reason) {
    case DeleteReason::Client:
      return "deleted_by_client";
    case DeleteReason::RunSucceeded:
      return "run_succeeded";
    case DeleteReason::Expired:
      return "expired";
  }
  return "";
}

}  // namespace

std::uint64_t MessageTraces::new_span() {
  std::uint64_t id = 0;
  while (id == 0) id = random_.next();
  return id;
}

std::string MessageTraces::queue_name(QueueId queue) const {
  std::string name = surroundings_.names->queue(queue);
  return name.empty() ? "queue-" + std::to_string(queue.value()) : name;
}

void MessageTraces::sent(MessageId message, TraceContext context) {
  // A message whose commit failed never arrives.
  if (said_.size() >= kSaidMax) said_.erase(said_.begin());
  said_.insert_or_assign(message, std::move(context));
}

void MessageTraces::observe(const TimedEvent& event, const Actions& actions) {
  note(event.time, event.event);
  for (const Action& action : actions) note(event.time, action);
}

void MessageTraces::note(TimePoint now, const Event& event) {
  if (const auto* arrived = std::get_if<MessageArrived>(&event)) return arrive(*arrived);
  if (const auto* finished = std::get_if<RunFinished>(&event)) {
    std::string failure;
    if (finished->error != ErrorClass::None)
      failure = word(finished->error);
    else if (!finished->failed.empty())
      failure = std::to_string(finished->failed.size()) + " of its messages failed";
    return end_run(now, finished->run, failure);
  }
  if (const auto* lost = std::get_if<InstanceLost>(&event))
    return end_runs_of(now, lost->instance, lost->reason);
}

void MessageTraces::note(TimePoint now, const Action& action) {
  if (messages_.empty()) return;
  if (const auto* begun = std::get_if<Run>(&action)) return run(now, *begun);
  if (const auto* delivered = std::get_if<Deliver>(&action)) return deliver(now, *delivered);
  if (const auto* deleted = std::get_if<Delete>(&action))
    return end_message(now, deleted->message, outcome_of(deleted->reason),
                       deleted->reason == DeleteReason::Expired);
  if (const auto* moved = std::get_if<Move>(&action)) {
    const bool back = moved->reason == MoveReason::Redrive;
    return end_message(now, moved->message, back ? "redriven" : "dead_lettered", !back);
  }
  if (const auto* purged = std::get_if<Purge>(&action)) return purge(now, *purged);
  if (const auto* visible = std::get_if<SetVisibility>(&action)) {
    const auto found = messages_.find(visible->message);
    if (found == messages_.end()) return;
    found->second.waits = true;
    found->second.waits_since = std::max(now, visible->visible_at);
  }
}

void MessageTraces::arrive(const MessageArrived& event) {
  std::optional<TraceContext> parent;
  if (const auto said = said_.find(event.message.id); said != said_.end()) {
    parent = std::move(said->second);
    said_.erase(said);
  }
  if (event.origin != Origin::Sent) return;
  const bool decided = parent && parent->sampled.has_value();
  if (decided ? !*parent->sampled : !random_.chance(options_.ratio)) return;
  if (messages_.size() >= options_.messages_max) {
    ++left_out_;
    return;
  }
  Followed followed;
  followed.queue = event.message.queue;
  followed.waits_since = std::max(event.message.sent, event.message.visible_at);
  TraceSpan& span = followed.span;
  span.trace = parent ? parent->trace : TraceId{random_.next(), new_span()};
  span.id = new_span();
  span.parent = parent ? parent->span : 0;
  span.state = parent ? parent->state : "";
  span.name = "message " + queue_name(event.message.queue);
  span.start = event.message.sent;
  span.attributes = {
      {"messaging.system", std::string("forewarm")},
      {"messaging.destination.name", queue_name(event.message.queue)},
      {"messaging.message.id", surroundings_.id_text(event.message.id)},
      {"messaging.message.body.size", std::int64_t{event.message.bytes}},
      {"forewarm.message.priority", std::int64_t{event.message.priority}},
  };
  if (event.message.visible_at > event.message.sent)
    span.moments.push_back({event.message.visible_at, "visible"});
  messages_.emplace(event.message.id, std::move(followed));
}

void MessageTraces::end_wait(TimePoint now, Followed& message) {
  if (!message.waits) return;
  message.waits = false;
  TraceSpan wait;
  wait.trace = message.span.trace;
  wait.id = new_span();
  wait.parent = message.span.id;
  wait.state = message.span.state;
  wait.name = "wait " + queue_name(message.queue);
  wait.start = std::min(message.waits_since, now);
  wait.end = now;
  surroundings_.ended(std::move(wait));
}

void MessageTraces::run(TimePoint now, const Run& action) {
  std::vector<Followed*> followed;
  for (const Lease& lease : action.leases) {
    const auto found = messages_.find(lease.message);
    if (found == messages_.end()) continue;
    end_wait(now, found->second);
    ++found->second.runs;
    followed.push_back(&found->second);
  }
  if (followed.empty()) return;
  UnderWay under_way;
  under_way.instance = action.instance;
  TraceSpan& span = under_way.span;
  const TraceSpan& first = followed.front()->span;
  const bool alone = action.leases.size() == 1;
  span.trace = alone ? first.trace : TraceId{random_.next(), new_span()};
  span.id = new_span();
  span.parent = alone ? first.id : 0;
  if (alone) span.state = first.state;
  if (!alone)
    for (const Followed* message : followed)
      if (span.links.size() < kLinksASpan)
        span.links.push_back({message->span.trace, message->span.id, true, message->span.state});
  const std::string function = surroundings_.names->function(action.function);
  span.name = "process " + queue_name(action.queue);
  span.kind = TraceSpan::Kind::Consumer;
  span.start = now;
  span.attributes = {
      {"messaging.system", std::string("forewarm")},
      {"messaging.operation.type", std::string("process")},
      {"messaging.operation.name", std::string("process")},
      {"messaging.destination.name", queue_name(action.queue)},
      {"forewarm.function", function},
      {"forewarm.instance", static_cast<std::int64_t>(action.instance.value())},
      {"forewarm.attempt", std::int64_t{action.leases.front().receive_count}},
  };
  if (!alone)
    span.attributes.emplace_back("messaging.batch.message_count",
                                 static_cast<std::int64_t>(action.leases.size()));
  runs_.emplace(action.run, std::move(under_way));
}

void MessageTraces::deliver(TimePoint now, const Deliver& action) {
  for (const Lease& lease : action.leases) {
    const auto found = messages_.find(lease.message);
    if (found == messages_.end()) continue;
    Followed& message = found->second;
    end_wait(now, message);
    if (message.span.moments.size() < kMomentsASpan) message.span.moments.push_back({now, "delivered"});
    // Should the lease run out, it waits again from then on.
    message.waits = true;
    message.waits_since = lease.visible_at;
  }
}

void MessageTraces::end_run(TimePoint now, RunId run, const std::string& failure) {
  const auto found = runs_.find(run);
  if (found == runs_.end()) return;
  TraceSpan& span = found->second.span;
  span.end = now;
  span.failure = failure;
  if (!failure.empty()) span.attributes.emplace_back("error.type", failure);
  surroundings_.ended(std::move(span));
  runs_.erase(found);
}

void MessageTraces::end_runs_of(TimePoint now, InstanceId instance, LossReason reason) {
  std::vector<RunId> ended;
  for (const auto& [run, under_way] : runs_)
    if (under_way.instance == instance) ended.push_back(run);
  for (const RunId run : ended) end_run(now, run, std::string("instance ") + std::string(word(reason)));
}

void MessageTraces::end_message(TimePoint now, MessageId message, std::string_view outcome, bool failed) {
  const auto found = messages_.find(message);
  if (found == messages_.end()) return;
  TraceSpan& span = found->second.span;
  span.end = std::max(now, span.start);
  span.attributes.emplace_back("forewarm.outcome", std::string(outcome));
  span.attributes.emplace_back("forewarm.runs", std::int64_t{found->second.runs});
  if (failed) span.failure = outcome;
  surroundings_.ended(std::move(span));
  messages_.erase(found);
}

void MessageTraces::purge(TimePoint now, const Purge& action) {
  std::vector<MessageId> gone;
  for (const auto& [id, message] : messages_)
    if (message.queue == action.queue && id <= action.up_to) gone.push_back(id);
  for (const MessageId id : gone) end_message(now, id, "purged", false);
}

std::optional<TraceContext> MessageTraces::of_run(RunId run) const {
  const auto found = runs_.find(run);
  if (found == runs_.end()) return std::nullopt;
  const TraceSpan& span = found->second.span;
  return TraceContext{span.trace, span.id, true, span.state};
}

}  // namespace forewarm
