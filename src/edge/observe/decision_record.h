#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "core/model/decision.h"
#include "core/model/scaling_plan.h"

namespace forewarm {

/// A queue's new number of instances. Recorded when it says something else than the one before.
struct PlanDecision {
  ScalingPlan plan;
  std::uint32_t instances_before = 0;
  friend bool operator==(const PlanDecision&, const PlanDecision&) = default;
};
/// Instances of one function asked to start, in one step and for one reason.
struct StartDecision {
  std::string function;
  std::uint32_t version = 1;
  std::uint32_t instances = 1;
  ScaleReason reason = ScaleReason::Plan;
  std::uint16_t variant = 0;
  friend bool operator==(const StartDecision&, const StartDecision&) = default;
};
/// Instances of one function asked to stop, in one step and for one reason.
struct StopDecision {
  std::string function;
  std::uint32_t instances = 1;
  ScaleReason reason = ScaleReason::Surplus;
  friend bool operator==(const StopDecision&, const StopDecision&) = default;
};
/// A failed message stays in its queue.
struct RetryRecord {
  MessageId message;
  RetryDecision decision;
  std::uint32_t more = 0;  ///< decisions before it that came too fast to be recorded one by one
  friend bool operator==(const RetryRecord&, const RetryRecord&) = default;
};
/// A message leaves its queue.
struct MoveRecord {
  MessageId message;
  std::string to;
  MoveReason reason = MoveReason::ReceiveCount;
  RetryDecision decision;  ///< error None where no failed run led to it
  std::uint32_t more = 0;
  friend bool operator==(const MoveRecord&, const MoveRecord&) = default;
};

/// A run goes to an instance for a reason that is no matter of course: several variants, failures, slowness,
/// a group's place.
struct RouteRecord {
  MessageId message;  ///< the first of the run
  InstanceId instance;
  RoutingDecision decision;
  std::uint32_t more = 0;
  friend bool operator==(const RouteRecord&, const RouteRecord&) = default;
};

/// What became of a directive for a target that somebody else runs.
enum class DirectiveOutcome : std::uint8_t {
  Recommended,  ///< in shadow mode: it would have been sent
  Sent,         ///< and the target took it
  Refused,      ///< the target, or the way to it, said no; it is tried again
  RolledBack,   ///< the state that was found before the first directive is set again
};
std::string_view word(DirectiveOutcome outcome);

/// A target was told, or would have been told, another number of instances.
struct DirectiveRecord {
  std::string target;  ///< its kind
  DirectiveOutcome outcome = DirectiveOutcome::Recommended;
  std::optional<std::uint32_t> instances;  ///< none: that nothing is set
  std::optional<std::uint32_t> before;     ///< none: nothing was set, or nobody knows
  std::string request;                     ///< what is sent, without secrets
  std::string answer = {};                 ///< why it was refused, in the target's words
  /// When the target is to set it by itself; with no `instances`: what was to be set then is not any more.
  std::optional<TimePoint> scheduled_for = {};
  friend bool operator==(const DirectiveRecord&, const DirectiveRecord&) = default;
};

enum class DecisionKind : std::uint8_t { Plan, Start, Stop, Retry, Move, Route, Directive };
std::string_view word(DecisionKind kind);
std::optional<DecisionKind> parse_decision_kind(std::string_view text);

/// One decision of the core with everything that decided it, under the names that people use.
struct DecisionRecord {
  TimePoint at;
  std::string queue;
  std::variant<PlanDecision, StartDecision, StopDecision, RetryRecord, MoveRecord, RouteRecord,
               DirectiveRecord>
      what;

  DecisionKind kind() const { return static_cast<DecisionKind>(what.index()); }
  friend bool operator==(const DecisionRecord&, const DecisionRecord&) = default;
};

/// One JSON object without line breaks: a line of the decision log (docs/formats/decisions.md).
std::string to_json(const DecisionRecord& record);
/// Reads what to_json wrote. Unknown members are ignored, so that an older program reads a newer log. Corrupt
/// otherwise.
Result<DecisionRecord> read_decision(std::string_view line);

/// A sentence or a few: what was decided, from what, what bound it, and what one instance more would cost.
std::string explain(const DecisionRecord& record);

}  // namespace forewarm
