#include "edge/observe/words.h"

#include <array>

namespace forewarm {
namespace {

template <class Enum, std::size_t N>
std::string_view pick(const std::array<std::string_view, N>& words, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < N ? words[index] : "unknown";
}

constexpr std::array<std::string_view, kErrorClassCount> kErrors = {"none", "handler", "timeout", "crash",
                                                                    "capacity"};
constexpr std::array<std::string_view, kRetryChoiceCount> kChoices = {"now", "later", "dead_letter", "park"};
constexpr std::array<std::string_view, kFailureCauseCount> kCauses = {"unknown", "message", "outage",
                                                                      "deploy",  "timeout", "capacity"};
constexpr std::array<std::string_view, kScaleReasonCount> kScaleReasonWords = {
    "plan", "reactive", "minimum", "surplus", "outdated", "failing", "shutdown", "room", "slow", "variant"};
constexpr std::array<std::string_view, kRouteReasonCount> kRouteReasons = {
    "only", "warmest", "group", "failures", "other", "cost", "finish"};
constexpr std::array<std::string_view, kMoveReasonCount> kMoveReasons = {"receive_count", "failure_odds",
                                                                         "attempts_used", "redrive"};
constexpr std::array<std::string_view, kLossReasonCount> kLossReasons = {
    "stopped", "start_failed", "start_timeout", "crashed", "killed"};
constexpr std::array<std::string_view, kConstraintCount> kConstraints = {
    "cost",    "backlog", "minimum", "maximum",  "budget", "baseline", "no_forecast", "trust",
    "no_lead", "hazard",  "rule",    "override", "forced", "paused",   "silence"};
constexpr std::array<std::string_view, 4> kOrders = {"none", "pause_in", "pause_out", "force"};
constexpr std::array<std::string_view, kOriginCount> kOrigins = {"sent", "recovered", "redriven"};

static_assert(static_cast<std::size_t>(RetryChoice::Park) + 1 == kRetryChoiceCount);
static_assert(static_cast<std::size_t>(ScaleReason::Variant) + 1 == kScaleReasonCount);
static_assert(static_cast<std::size_t>(RouteReason::Finish) + 1 == kRouteReasonCount);
static_assert(static_cast<std::size_t>(MoveReason::Redrive) + 1 == kMoveReasonCount);
static_assert(static_cast<std::size_t>(LossReason::Killed) + 1 == kLossReasonCount);
static_assert(static_cast<std::size_t>(Constraint::Silence) + 1 == kConstraintCount);
static_assert(static_cast<std::size_t>(Origin::Redriven) + 1 == kOriginCount);

}  // namespace

std::string_view word(ErrorClass error) {
  return pick(kErrors, error);
}
std::string_view word(RetryChoice choice) {
  return pick(kChoices, choice);
}
std::string_view word(FailureCause cause) {
  return pick(kCauses, cause);
}
std::string_view word(ScaleReason reason) {
  return pick(kScaleReasonWords, reason);
}
std::string_view word(MoveReason reason) {
  return pick(kMoveReasons, reason);
}
std::string_view word(RouteReason reason) {
  return pick(kRouteReasons, reason);
}
std::string_view word(LossReason reason) {
  return pick(kLossReasons, reason);
}
std::string_view word(Constraint constraint) {
  return pick(kConstraints, constraint);
}
std::string_view word(ModelId model) {
  return pick(kModelNames, model);
}
std::string_view word(Origin origin) {
  return pick(kOrigins, origin);
}
std::string_view word(OrderKind kind) {
  return pick(kOrders, kind);
}

}  // namespace forewarm
