#include "edge/observe/decision_record.h"

#include <array>
#include <boost/json.hpp>
#include <charconv>

#include "edge/observe/clock_text.h"
#include "edge/observe/json_writer.h"
#include "edge/observe/words.h"

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 7> kKinds = {"plan", "start", "stop",     "retry",
                                                    "move", "route", "directive"};
constexpr std::array<std::string_view, 4> kOutcomes = {"recommended", "sent", "refused", "rolled_back"};

// Durations are microseconds, so that a record reads back to what was written.

void write_reason(const PlanReason& reason, JsonWriter& out) {
  out.key("reason").open_object();
  out.member("constraint", word(reason.constraint)).member("model", word(reason.model));
  out.member("level", reason.level).member("lead_us", reason.lead.count());
  out.key("demand").open_object();
  out.member("messages", reason.demand.messages).member("work_seconds", reason.demand.work_seconds);
  out.member("concurrency", reason.demand.concurrency).close_object();
  out.member("keep_price_seconds", reason.keep_price_seconds);
  out.member("starts_per_cold", reason.starts_per_cold).member("late_share", reason.late_share);
  out.member("one_more_saves_messages", reason.one_more_saves);
  out.member("one_more_costs_idle_seconds", reason.one_more_costs_seconds);
  out.member("one_less_late_messages", reason.one_less_late);
  out.member("one_less_saves_idle_seconds", reason.one_less_saves_seconds).close_object();
}

void write_retry(const RetryDecision& decision, JsonWriter& out) {
  out.key("decision").open_object();
  out.member("choice", word(decision.choice)).member("delay_us", decision.delay.count());
  out.member("error", word(decision.error)).member("attempt", decision.attempt);
  out.member("attempts_max", decision.attempts_max).member("failure_odds", decision.failure_odds);
  out.member("evidence", decision.evidence).member("cause", word(decision.cause));
  // As text: JSON's numbers do not hold 64 bits everywhere.
  out.member("fingerprint", std::to_string(decision.fingerprint)).close_object();
}

void write(const PlanDecision& plan, JsonWriter& out) {
  out.member("instances", plan.plan.instances).member("instances_before", plan.instances_before);
  out.member("warm_floor", plan.plan.warm_floor).member("keep_idle_us", plan.plan.keep_idle.count());
  out.member("until_us", count_us(plan.plan.until));
  write_reason(plan.plan.reason, out);
}

void write(const StartDecision& start, JsonWriter& out) {
  out.member("function", start.function).member("version", start.version);
  out.member("instances", start.instances).member("reason", word(start.reason));
  out.member("variant", start.variant);
}

void write(const StopDecision& stop, JsonWriter& out) {
  out.member("function", stop.function)
      .member("instances", stop.instances)
      .member("reason", word(stop.reason));
}

void write(const RetryRecord& retry, JsonWriter& out) {
  out.member("message", retry.message.value()).member("more", retry.more);
  write_retry(retry.decision, out);
}

void write(const MoveRecord& move, JsonWriter& out) {
  out.member("message", move.message.value()).member("to", move.to).member("reason", word(move.reason));
  out.member("more", move.more);
  write_retry(move.decision, out);
}

void write(const RouteRecord& route, JsonWriter& out) {
  const RoutingDecision& decision = route.decision;
  out.member("message", route.message.value()).member("instance", route.instance.value());
  out.member("reason", word(decision.reason)).member("variant", decision.variant);
  out.member("free", decision.free).member("passed", decision.passed);
  out.member("evidence", decision.evidence).member("service_us", decision.service.count());
  out.member("next_best_us", decision.next_best.count()).member("slowness", decision.slowness);
  out.member("more", route.more);
}

void write_count(std::string_view name, const std::optional<std::uint32_t>& count, JsonWriter& out) {
  out.key(name);
  if (count)
    out.value(*count);
  else
    out.null();
}

void write(const DirectiveRecord& directive, JsonWriter& out) {
  out.member("target", directive.target).member("outcome", word(directive.outcome));
  write_count("instances", directive.instances, out);
  write_count("instances_before", directive.before, out);
  out.member("request", directive.request).member("answer", directive.answer);
  if (directive.scheduled_for) out.member("scheduled_for_us", count_us(*directive.scheduled_for));
}

// Reading: what is missing or of another type becomes the default; the caller has checked that it is an
// object.

std::string text_of(const json::object& from, std::string_view name) {
  const json::value* value = from.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

template <class Number>
Number number_of(const json::object& from, std::string_view name, Number otherwise = Number()) {
  const json::value* value = from.if_contains(name);
  if (!value || !value->is_number()) return otherwise;
  boost::system::error_code failed;
  const auto number = value->to_number<Number>(failed);
  return failed ? otherwise : number;
}

const json::object& object_of(const json::object& from, std::string_view name) {
  static const json::object kEmpty;
  const json::value* value = from.if_contains(name);
  return value && value->is_object() ? value->get_object() : kEmpty;
}

RetryDecision read_retry(const json::object& from) {
  RetryDecision decision;
  decision.choice = from_word(text_of(from, "choice"), kRetryChoiceCount, RetryChoice::Later);
  decision.delay = Duration(number_of<std::int64_t>(from, "delay_us"));
  decision.error = from_word(text_of(from, "error"), kErrorClassCount, ErrorClass::None);
  decision.attempt = number_of<std::uint16_t>(from, "attempt");
  decision.attempts_max = number_of<std::uint16_t>(from, "attempts_max");
  decision.failure_odds = number_of<float>(from, "failure_odds");
  decision.evidence = number_of<std::uint32_t>(from, "evidence");
  decision.cause = from_word(text_of(from, "cause"), kFailureCauseCount, FailureCause::Unknown);
  const std::string fingerprint(text_of(from, "fingerprint"));
  std::from_chars(fingerprint.data(), fingerprint.data() + fingerprint.size(), decision.fingerprint);
  return decision;
}

PlanDecision read_plan(const json::object& from, TimePoint at) {
  PlanDecision decision;
  ScalingPlan& plan = decision.plan;
  plan.at = at;
  plan.instances = number_of<std::uint32_t>(from, "instances");
  decision.instances_before = number_of<std::uint32_t>(from, "instances_before");
  plan.warm_floor = number_of<std::uint32_t>(from, "warm_floor");
  plan.keep_idle = Duration(number_of<std::int64_t>(from, "keep_idle_us"));
  plan.until = time_point_us(number_of<std::int64_t>(from, "until_us"));
  const json::object& reason = object_of(from, "reason");
  plan.reason.constraint = from_word(text_of(reason, "constraint"), kConstraintCount, Constraint::NoForecast);
  plan.reason.model = from_word(text_of(reason, "model"), kModelCount, ModelId::None);
  plan.reason.level = number_of<double>(reason, "level");
  plan.reason.lead = Duration(number_of<std::int64_t>(reason, "lead_us"));
  const json::object& demand = object_of(reason, "demand");
  plan.reason.demand.messages = number_of<double>(demand, "messages");
  plan.reason.demand.work_seconds = number_of<double>(demand, "work_seconds");
  plan.reason.demand.concurrency = number_of<double>(demand, "concurrency");
  plan.reason.keep_price_seconds = number_of<double>(reason, "keep_price_seconds");
  plan.reason.starts_per_cold = number_of<std::uint32_t>(reason, "starts_per_cold");
  plan.reason.late_share = number_of<double>(reason, "late_share");
  plan.reason.one_more_saves = number_of<double>(reason, "one_more_saves_messages");
  plan.reason.one_more_costs_seconds = number_of<double>(reason, "one_more_costs_idle_seconds");
  plan.reason.one_less_late = number_of<double>(reason, "one_less_late_messages");
  plan.reason.one_less_saves_seconds = number_of<double>(reason, "one_less_saves_idle_seconds");
  return decision;
}

RouteRecord read_route(const json::object& from) {
  RouteRecord route;
  route.message = MessageId(number_of<std::uint64_t>(from, "message"));
  route.instance = InstanceId(number_of<std::uint64_t>(from, "instance"));
  route.decision.reason = from_word(text_of(from, "reason"), kRouteReasonCount, RouteReason::Only);
  route.decision.variant = number_of<std::uint16_t>(from, "variant");
  route.decision.free = number_of<std::uint32_t>(from, "free");
  route.decision.passed = number_of<std::uint32_t>(from, "passed");
  route.decision.evidence = number_of<std::uint32_t>(from, "evidence");
  route.decision.service = Duration(number_of<std::int64_t>(from, "service_us"));
  route.decision.next_best = Duration(number_of<std::int64_t>(from, "next_best_us"));
  route.decision.slowness = number_of<float>(from, "slowness", 1);
  route.more = number_of<std::uint32_t>(from, "more");
  return route;
}

DirectiveRecord read_directive(const json::object& from) {
  const auto count = [&from](std::string_view name) -> std::optional<std::uint32_t> {
    const json::value* value = from.if_contains(name);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    return number_of<std::uint32_t>(from, name);
  };
  DirectiveRecord directive;
  directive.target = text_of(from, "target");
  directive.instances = count("instances");
  directive.before = count("instances_before");
  directive.request = text_of(from, "request");
  directive.answer = text_of(from, "answer");
  if (from.contains("scheduled_for_us"))
    directive.scheduled_for = time_point_us(number_of<std::int64_t>(from, "scheduled_for_us"));
  const std::string outcome = text_of(from, "outcome");
  for (std::size_t i = 0; i < kOutcomes.size(); ++i)
    if (kOutcomes[i] == outcome) directive.outcome = static_cast<DirectiveOutcome>(i);
  return directive;
}

void read_what(const json::object& from, DecisionKind kind, DecisionRecord& record) {
  switch (kind) {
    case DecisionKind::Plan:
      record.what = read_plan(from, record.at);
      return;
    case DecisionKind::Start:
      record.what = StartDecision{text_of(from, "function"), number_of<std::uint32_t>(from, "version"),
                                  number_of<std::uint32_t>(from, "instances"),
                                  from_word(text_of(from, "reason"), kScaleReasonCount, ScaleReason::Plan),
                                  number_of<std::uint16_t>(from, "variant")};
      return;
    case DecisionKind::Stop:
      record.what = StopDecision{text_of(from, "function"), number_of<std::uint32_t>(from, "instances"),
                                 from_word(text_of(from, "reason"), kScaleReasonCount, ScaleReason::Surplus)};
      return;
    case DecisionKind::Retry:
      record.what =
          RetryRecord{MessageId(number_of<std::uint64_t>(from, "message")),
                      read_retry(object_of(from, "decision")), number_of<std::uint32_t>(from, "more")};
      return;
    case DecisionKind::Move:
      record.what =
          MoveRecord{MessageId(number_of<std::uint64_t>(from, "message")), text_of(from, "to"),
                     from_word(text_of(from, "reason"), kMoveReasonCount, MoveReason::ReceiveCount),
                     read_retry(object_of(from, "decision")), number_of<std::uint32_t>(from, "more")};
      return;
    case DecisionKind::Route:
      record.what = read_route(from);
      return;
    case DecisionKind::Directive:
      record.what = read_directive(from);
      return;
  }
}

}  // namespace

std::string_view word(DecisionKind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

std::string_view word(DirectiveOutcome outcome) {
  return kOutcomes[static_cast<std::size_t>(outcome)];
}

std::optional<DecisionKind> parse_decision_kind(std::string_view text) {
  for (std::size_t i = 0; i < kKinds.size(); ++i)
    if (kKinds[i] == text) return static_cast<DecisionKind>(i);
  return std::nullopt;
}

std::string to_json(const DecisionRecord& record) {
  std::string line;
  JsonWriter out(line);
  out.open_object();
  out.member("at_us", count_us(record.at)).member("time", utc_text(record.at));
  out.member("queue", record.queue).member("kind", word(record.kind()));
  std::visit([&](const auto& what) { write(what, out); }, record.what);
  out.close_object();
  return line;
}

Result<DecisionRecord> read_decision(std::string_view line) {
  boost::system::error_code failed;
  const json::value value = json::parse(json::string_view(line.data(), line.size()), failed);
  if (failed)
    return error(ErrorCode::Corrupt,
                 "expected a JSON object, got a line that is no JSON: " + failed.message());
  if (!value.is_object()) return error(ErrorCode::Corrupt, "expected a JSON object, got another JSON value");
  const json::object& object = value.get_object();
  const auto kind = parse_decision_kind(text_of(object, "kind"));
  if (!kind) {
    return error(ErrorCode::Corrupt,
                 "expected a \"kind\" of plan, start, stop, retry, move, route or directive, got \"" +
                     text_of(object, "kind").substr(0, 64) + "\"");
  }
  DecisionRecord record;
  record.at = time_point_us(number_of<std::int64_t>(object, "at_us"));
  record.queue = text_of(object, "queue");
  read_what(object, *kind, record);
  return record;
}

}  // namespace forewarm
