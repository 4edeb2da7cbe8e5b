#include "edge/observe/message_moments.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

#include "edge/observe/clock_text.h"
#include "edge/observe/words.h"

namespace forewarm {
namespace {

constexpr Duration kAtOnce = 20ms;  // a wait that nobody asks about

Moment moment_at(TimePoint at, MomentKind kind) {
  Moment moment;
  moment.at = at;
  moment.kind = kind;
  return moment;
}

bool starts(const Moment& moment) {
  return moment.kind == MomentKind::Run || moment.kind == MomentKind::Delivered;
}

bool appears(const Moment& moment) {
  return moment.kind == MomentKind::Sent || moment.kind == MomentKind::Recovered;
}

bool is_held(const Moment& moment) {
  return moment.kind == MomentKind::Retry && moment.choice == RetryChoice::Later &&
         (moment.cause == FailureCause::Outage || moment.cause == FailureCause::Deploy);
}

std::string tenths(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string lasted(Duration time) {
  const double in_seconds = std::max(0.0, seconds(time));
  return in_seconds < 1 ? tenths(1000 * in_seconds, 0) + " ms" : tenths(in_seconds, 1) + " s";
}

}  // namespace

std::string_view word(MomentKind kind) {
  constexpr std::array<std::string_view, 14> kWords = {
      "sent",           "recovered",     "delivered", "run",    "retry",
      "visibility",     "moved",         "deleted",   "purged", "instance_asked",
      "instance_ready", "instance_free", "paused",    "resumed"};
  return kWords[static_cast<std::size_t>(kind)];
}

void MessageMoments::observe(const TimedEvent& event, const Actions& actions) {
  note(event.time, event.event);
  for (const Action& action : actions) note(event.time, action);
}

void MessageMoments::add(Moment moment) {
  moments_.push_back(moment);
  if (moments_.size() <= moments_max_) return;
  left_out_ = moments_.front().at;
  moments_.pop_front();
}

void MessageMoments::note(TimePoint at, const Event& event) {
  if (const auto* arrived = std::get_if<MessageArrived>(&event)) {
    Moment moment = moment_at(at, arrived->origin == Origin::Sent ? MomentKind::Sent : MomentKind::Recovered);
    const Message& message = arrived->message;
    moment.message = message.id;
    moment.queue = message.queue;
    moment.group = message.group;
    moment.attempt = message.receive_count;
    moment.until = message.visible_at;
    add(moment);
  } else if (const auto* ready = std::get_if<InstanceReady>(&event)) {
    Moment moment = moment_at(at, MomentKind::InstanceReady);
    moment.instance = ready->instance;
    add(moment);
  } else if (const auto* finished = std::get_if<RunFinished>(&event)) {
    Moment moment = moment_at(at, MomentKind::InstanceFree);
    moment.run = finished->run;
    moment.error = finished->error;
    add(moment);
  } else if (const auto* paused = std::get_if<ConsumptionPaused>(&event)) {
    Moment moment = moment_at(at, paused->paused ? MomentKind::Paused : MomentKind::Resumed);
    moment.queue = paused->queue;
    add(moment);
  }
}

void MessageMoments::note(TimePoint at, const Action& action) {
  const auto leased = [&](MomentKind kind, const Lease& lease) {
    Moment moment = moment_at(at, kind);
    moment.message = lease.message;
    moment.attempt = lease.receive_count;
    moment.until = lease.visible_at;
    return moment;
  };
  if (const auto* deliver = std::get_if<Deliver>(&action)) {
    for (const Lease& lease : deliver->leases) add(leased(MomentKind::Delivered, lease));
  } else if (const auto* run = std::get_if<Run>(&action)) {
    for (const Lease& lease : run->leases) {
      Moment moment = leased(MomentKind::Run, lease);
      moment.queue = run->queue;
      moment.function = run->function;
      moment.instance = run->instance;
      moment.run = run->run;
      add(moment);
    }
  } else if (const auto* start = std::get_if<StartInstance>(&action)) {
    Moment moment = moment_at(at, MomentKind::InstanceAsked);
    moment.instance = start->instance;
    moment.function = start->function;
    add(moment);
  } else if (const auto* gone = std::get_if<Delete>(&action)) {
    Moment moment = moment_at(at, MomentKind::Deleted);
    moment.message = gone->message;
    moment.delete_reason = gone->reason;
    add(moment);
  } else if (const auto* purge = std::get_if<Purge>(&action)) {
    Moment moment = moment_at(at, MomentKind::Purged);
    moment.queue = purge->queue;
    moment.message = purge->up_to;
    add(moment);
  } else {
    const auto* move = std::get_if<Move>(&action);
    const auto* visibility = std::get_if<SetVisibility>(&action);
    if (move == nullptr && visibility == nullptr) return;
    const RetryDecision& decision = move != nullptr ? move->decision : visibility->decision;
    Moment moment = moment_at(at, MomentKind::Moved);
    if (move != nullptr) {
      moment.message = move->message;
      moment.queue = move->to;
      moment.move_reason = move->reason;
    } else {
      moment.kind = decision.error == ErrorClass::None ? MomentKind::Visibility : MomentKind::Retry;
      moment.message = visibility->message;
      moment.until = visibility->visible_at;
    }
    moment.attempt = decision.attempt;
    moment.error = decision.error;
    moment.cause = decision.cause;
    moment.choice = decision.choice;
    moment.failure_odds = decision.failure_odds;
    add(moment);
  }
}

std::vector<Moment> MessageMoments::of(MessageId message) const {
  std::vector<Moment> out;
  QueueId queue;
  for (const Moment& moment : moments_) {
    const bool about_queue = moment.kind == MomentKind::Purged;
    const bool its = about_queue ? !out.empty() && moment.queue == queue && message <= moment.message &&
                                       out.back().kind != MomentKind::Deleted
                                 : moment.message == message;
    if (!its) continue;
    if (moment.queue) queue = moment.queue;
    out.push_back(moment);
  }
  return out;
}

std::vector<RunId> MessageMoments::runs_of(MessageId message) const {
  std::vector<RunId> out;
  for (const Moment& moment : moments_) {
    if (moment.message == message && moment.kind == MomentKind::Run) out.push_back(moment.run);
  }
  return out;
}

std::optional<TimePoint> MessageMoments::known_since() const {
  return left_out_;
}

bool MessageMoments::group_was_busy(const Moment& sent, TimePoint from, TimePoint to) const {
  if (!sent.group) return false;
  std::set<MessageId> others;
  for (const Moment& moment : moments_) {
    if (appears(moment) && moment.group == sent.group && moment.queue == sent.queue &&
        moment.message < sent.message)
      others.insert(moment.message);
    // One before it in its group ended, or was tried again, while it waited.
    if (moment.at >= from && moment.at <= to &&
        (moment.kind == MomentKind::Deleted || moment.kind == MomentKind::Retry ||
         moment.kind == MomentKind::Moved) &&
        others.contains(moment.message))
      return true;
  }
  return false;
}

std::optional<MessageMoments::Lateness> MessageMoments::lateness(std::span<const Moment> time_line) const {
  if (time_line.empty()) return std::nullopt;
  const auto start = std::ranges::find_if(time_line, starts);
  if (start == time_line.end()) return std::nullopt;
  const Moment& sent = time_line.front();
  if (sent.kind != MomentKind::Sent) return std::nullopt;
  const TimePoint could = std::max(sent.at, sent.until);
  Lateness late{.waited = std::max(Duration(0), start->at - could), .cause = {}, .text = {}};
  if (late.waited <= kAtOnce) {
    if (could - sent.at <= kAtOnce) return std::nullopt;
    late.cause = "delay";
    late.text = "It was sent with a delay of " + lasted(could - sent.at) + " and started when that was over.";
    return late;
  }
  explain_wait(sent, *start, could, late);
  return late;
}

MessageMoments::Waits MessageMoments::waits_of(const Moment& sent, const Moment& start,
                                               TimePoint could) const {
  Waits waits;
  RunId last_run;
  std::set<MessageId> in_queue;
  for (const Moment& moment : moments_) {
    if (moment.at > start.at) break;
    if (moment.kind == MomentKind::Resumed && moment.queue == sent.queue) waits.paused_until = moment.at;
    if (moment.instance && moment.instance == start.instance) {
      if (moment.kind == MomentKind::InstanceAsked) waits.asked = moment.at;
      if (moment.kind == MomentKind::InstanceReady) waits.instance_ready = moment.at;
      if (moment.kind == MomentKind::Run && moment.run != start.run) last_run = moment.run;
    }
    if (moment.kind == MomentKind::InstanceFree && moment.run == last_run) waits.busy_until = moment.at;
    if (appears(moment) && moment.queue == sent.queue) in_queue.insert(moment.message);
    if (is_held(moment) && moment.until >= could && in_queue.contains(moment.message)) waits.breaker = true;
  }
  return waits;
}

void MessageMoments::explain_wait(const Moment& sent, const Moment& start, TimePoint could,
                                  Lateness& late) const {
  const Waits waits = waits_of(sent, start, could);
  const std::string waited = lasted(late.waited);
  if (waits.paused_until > could) {
    late.cause = "paused";
    late.text = "It waited " + waited + ": its queue was paused until " + utc_text(waits.paused_until) + ".";
  } else if (group_was_busy(sent, could, start.at)) {
    late.cause = "group";
    late.text =
        "It waited " + waited + " for the messages before it in its group: they go one after the other.";
  } else if (start.kind == MomentKind::Delivered) {
    late.cause = "no_receiver";
    late.text = "It waited " + waited + " until a client asked for messages.";
  } else if (waits.busy_until > could && waits.busy_until >= waits.instance_ready) {
    late.cause = "no_capacity";
    late.text = "It waited " + waited + " because no instance was free: instance " +
                std::to_string(start.instance.value()) + " was busy with other messages for " +
                lasted(waits.busy_until - could) + " of that.";
  } else if (waits.instance_ready > could) {
    late.cause = "cold_start";
    const std::string asked = waits.asked > could ? lasted(waits.asked - could) + " after"
                                                  : lasted(could - waits.asked) + " before";
    late.text = "It waited " + waited + " for instance " + std::to_string(start.instance.value()) +
                " to start: that was asked for " + asked +
                " the message could have been run, and was ready " + lasted(waits.instance_ready - could) +
                " after that.";
  } else if (waits.breaker) {
    late.cause = "breaker";
    late.text = "It waited " + waited + ": a circuit breaker held messages of its queue at that time.";
  } else {
    late.cause = "unknown";
    late.text = "It waited " + waited +
                " although an instance was free before: for its batch to fill, or for its turn.";
  }
}

std::string describe(const Moment& moment, std::string_view queue, std::string_view function) {
  const std::string until = moment.until > moment.at ? utc_text(moment.until) : std::string();
  switch (moment.kind) {
    case MomentKind::Sent:
      return "sent to " + std::string(queue) + (until.empty() ? "" : ", delayed until " + until);
    case MomentKind::Recovered:
      return "found in " + std::string(queue) + " when the server started, received " +
             std::to_string(moment.attempt) + " times before";
    case MomentKind::Delivered:
      return "delivered to a client (receive " + std::to_string(moment.attempt) + "), visible again at " +
             until;
    case MomentKind::Run:
      return "run on instance " + std::to_string(moment.instance.value()) + " of " + std::string(function) +
             " (receive " + std::to_string(moment.attempt) + ")";
    case MomentKind::Retry:
      if (is_held(moment))
        return "held by a circuit breaker (" + std::string(word(moment.cause)) + ") until " +
               (until.empty() ? "now" : until);
      return "attempt " + std::to_string(moment.attempt) + " failed (" + std::string(word(moment.error)) +
             "); again " + (until.empty() ? "at once" : "at " + until) + ", " +
             tenths(100 * moment.failure_odds, 0) + " % would fail again";
    case MomentKind::Visibility:
      return until.empty() ? "given back by its receiver" : "kept by its receiver until " + until;
    case MomentKind::Moved:
      if (moment.move_reason == MoveReason::Redrive) return "sent back to " + std::string(queue);
      return "dead-lettered to " + std::string(queue) + " (" + std::string(word(moment.move_reason)) + ")";
    case MomentKind::Deleted:
      return moment.delete_reason == DeleteReason::RunSucceeded ? "done: its run succeeded, deleted"
             : moment.delete_reason == DeleteReason::Expired    ? "deleted: its retention was over"
                                                                : "deleted by a client";
    case MomentKind::Purged:
      return "deleted with all messages of " + std::string(queue) + " (purge)";
    default:
      return std::string(word(moment.kind));
  }
}

}  // namespace forewarm
