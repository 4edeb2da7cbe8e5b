#pragma once

#include "core/model/action.h"
#include "core/model/event_fields.h"

namespace forewarm {

// The fields of everything in an Action that event_fields.h has not described.

template <>
inline constexpr std::array<std::string_view, 10> kNames<ScaleReason> = {
    "plan", "reactive", "minimum", "surplus", "outdated", "failing", "shutdown", "room", "slow", "variant"};
template <>
inline constexpr std::array<std::string_view, 7> kNames<RouteReason> = {
    "only", "warmest", "group", "failures", "other", "cost", "finish"};
template <>
inline constexpr std::array<std::string_view, 4> kNames<MoveReason> = {"receive_count", "failure_odds",
                                                                       "attempts_used", "redrive"};
template <>
inline constexpr std::array<std::string_view, 4> kNames<RetryChoice> = {"now", "later", "dead_letter",
                                                                        "park"};
template <>
inline constexpr std::array<std::string_view, kFailureCauseCount> kNames<FailureCause> = {
    "unknown", "message", "outage", "deploy", "timeout", "capacity"};
template <>
inline constexpr std::array<std::string_view, 3> kNames<DeleteReason> = {"client", "run_succeeded",
                                                                         "expired"};
template <>
inline constexpr std::array<std::string_view, 14> kNames<Constraint> = {
    "cost",  "backlog", "minimum", "maximum", "budget",   "baseline", "no_forecast",
    "trust", "no_lead", "hazard",  "rule",    "override", "forced",   "paused"};

void describe(auto& visit, Like<Lease> auto& it) {
  visit("message", it.message)("receive_count", it.receive_count)("visible_at", it.visible_at);
}
void describe(auto& visit, Like<RetryDecision> auto& it) {
  visit("choice", it.choice)("delay", it.delay)("error", it.error)("attempt", it.attempt);
  visit("attempts_max", it.attempts_max)("failure_odds", it.failure_odds)("evidence", it.evidence);
  visit("cause", it.cause)("fingerprint", it.fingerprint);
}
void describe(auto& visit, Like<RoutingDecision> auto& it) {
  visit("reason", it.reason)("variant", it.variant)("free", it.free)("passed", it.passed);
  visit("evidence", it.evidence)("service", it.service)("next_best", it.next_best);
  visit("slowness", it.slowness);
}
void describe(auto& visit, Like<Demand> auto& it) {
  visit("messages", it.messages)("work_seconds", it.work_seconds)("concurrency", it.concurrency);
}
void describe(auto& visit, Like<PlanReason> auto& it) {
  visit("constraint", it.constraint)("model", it.model)("level", it.level)("lead", it.lead)("demand",
                                                                                            it.demand);
  visit("keep_price_seconds", it.keep_price_seconds)("starts_per_cold", it.starts_per_cold);
  visit("late_share", it.late_share);
  visit("one_more_saves", it.one_more_saves);
  visit("one_more_costs_seconds", it.one_more_costs_seconds);
  visit("one_less_late", it.one_less_late);
  visit("one_less_saves_seconds", it.one_less_saves_seconds);
}
void describe(auto& visit, Like<ScalingPlan> auto& it) {
  visit("queue", it.queue)("at", it.at)("until", it.until)("warm_floor", it.warm_floor);
  visit("instances", it.instances)("keep_idle", it.keep_idle)("reason", it.reason);
}
void describe(auto& visit, Like<Regressor> auto& it) {
  visit("signal", it.signal)("past", it.past)("future", it.future);
}
void describe(auto& visit, Like<FitRequest> auto& it) {
  visit("queue", it.queue)("serial", it.serial)("start", it.start)("step", it.step)("arrivals", it.arrivals);
  visit("regressors", it.regressors)("seasons", it.seasons)("horizon", it.horizon);
}

template <>
inline constexpr std::string_view kNames<Deliver> = "deliver";
void describe(auto& visit, Like<Deliver> auto& it) {
  visit("receiver", it.receiver)("leases", it.leases);
}
template <>
inline constexpr std::string_view kNames<StartInstance> = "start_instance";
void describe(auto& visit, Like<StartInstance> auto& it) {
  visit("instance", it.instance)("function", it.function)("version", it.version)("variant", it.variant);
  visit("queue", it.queue)("reason", it.reason);
}
template <>
inline constexpr std::string_view kNames<StopInstance> = "stop_instance";
void describe(auto& visit, Like<StopInstance> auto& it) {
  visit("instance", it.instance)("reason", it.reason);
}
template <>
inline constexpr std::string_view kNames<FreezeInstance> = "freeze_instance";
void describe(auto& visit, Like<FreezeInstance> auto& it) {
  visit("instance", it.instance);
}
template <>
inline constexpr std::string_view kNames<ThawInstance> = "thaw_instance";
void describe(auto& visit, Like<ThawInstance> auto& it) {
  visit("instance", it.instance);
}
template <>
inline constexpr std::string_view kNames<Run> = "run";
void describe(auto& visit, Like<Run> auto& it) {
  visit("run", it.run)("instance", it.instance)("function", it.function)("queue", it.queue);
  visit("leases", it.leases)("routing", it.routing);
}
template <>
inline constexpr std::string_view kNames<Delete> = "delete";
void describe(auto& visit, Like<Delete> auto& it) {
  visit("message", it.message)("reason", it.reason);
}
template <>
inline constexpr std::string_view kNames<Move> = "move";
void describe(auto& visit, Like<Move> auto& it) {
  visit("message", it.message)("from", it.from)("to", it.to)("reason", it.reason)("decision", it.decision);
  visit("sent", it.sent)("received_before", it.received_before);
}
template <>
inline constexpr std::string_view kNames<SetVisibility> = "set_visibility";
void describe(auto& visit, Like<SetVisibility> auto& it) {
  visit("message", it.message)("visible_at", it.visible_at)("receive_count", it.receive_count);
  visit("decision", it.decision);
}
template <>
inline constexpr std::string_view kNames<Purge> = "purge";
void describe(auto& visit, Like<Purge> auto& it) {
  visit("queue", it.queue)("up_to", it.up_to);
}
template <>
inline constexpr std::string_view kNames<FitForecast> = "fit_forecast";
void describe(auto& visit, Like<FitForecast> auto& it) {
  visit("request", it.request);
}
template <>
inline constexpr std::string_view kNames<PublishPlan> = "publish_plan";
void describe(auto& visit, Like<PublishPlan> auto& it) {
  visit("plan", it.plan);
}

}  // namespace forewarm
