#include <algorithm>
#include <cmath>
#include <cstdio>

#include "edge/observe/clock_text.h"
#include "edge/observe/decision_record.h"
#include "edge/observe/words.h"

namespace forewarm {
namespace {

/// Three figures at most, no exponent, no empty decimals.
std::string number(double value) {
  char text[48];
  const double size = std::abs(value);
  const int decimals = size >= 100 || size == 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  std::string plain = text;
  if (plain.find('.') == std::string::npos) return plain;
  plain.erase(plain.find_last_not_of('0') + 1);
  if (plain.back() == '.') plain.pop_back();
  return plain == "0" && value > 0 ? "under 0.001" : plain == "-0" ? "0" : plain;
}

std::string percent(double share) {
  // Odds and levels close to 1 are told apart: 99.9 % is not 100 %.
  const double value = share * 100;
  if (share < 1 && value > 99.99) return "over 99.99 %";
  if (share > 0 && value < 0.01) return "under 0.01 %";
  char text[32];
  std::snprintf(text, sizeof text, value > 99 || value < 1 ? "%.2f" : "%.1f", value);
  std::string plain = text;
  plain.erase(plain.find_last_not_of('0') + 1);
  if (plain.back() == '.') plain.pop_back();
  return plain + " %";
}

std::string counted(std::uint64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string instances(std::uint64_t count) {
  return counted(count, "instance", "instances");
}

std::string model_name(ModelId model) {
  if (model == ModelId::None) return "no";
  std::string name(word(model));
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string why_bound(const PlanReason& reason) {
  switch (reason.constraint) {
    case Constraint::Cost:
      return "Cost bound it: more would have cost more than the lateness it saves, fewer would have missed "
             "the "
             "objective.";
    case Constraint::Backlog:
      return "Messages that already wait bound it.";
    case Constraint::Minimum:
      return "The operator's minimum bound it.";
    case Constraint::Maximum:
      return "The limit on instances bound it (the queue's, the function's or the machine's); more were "
             "wanted.";
    case Constraint::Budget:
      return "The budget bound it: nothing more is started ahead of need.";
    case Constraint::Baseline:
      return "The backlog is under the baseline threshold, so only the minimum is kept.";
    case Constraint::NoForecast:
      return "There is no usable forecast yet, so what was needed of late decides.";
    case Constraint::Trust:
      return "The forecast has not been better than the last value lately, so what was needed of late "
             "decides.";
    case Constraint::NoLead:
      return "Instances start faster than the objective asks, so there is no need to predict.";
    case Constraint::Hazard:
      return "Instances that were needed of late are kept: their next need is likely enough.";
    case Constraint::Rule:
      return "Another autoscaler's rule decided it.";
    case Constraint::Override:
      return "An override of the operator's for this time bound it.";
    case Constraint::Forced:
      return "The operator forces this number.";
    case Constraint::Paused:
      return "The operator has paused scaling, which bound it.";
    case Constraint::Silence:
      return "The metrics say nothing lately, and nothing is taken away on silence.";
  }
  return "";
}

bool read_a_forecast(const PlanReason& reason) {
  return reason.model != ModelId::None && reason.level > 0;
}

std::string forecast_sentence(const PlanReason& reason) {
  std::string text =
      " Read from the " + model_name(reason.model) + " forecast at its " + percent(reason.level) +
      " level, over the measured start time of " + duration_text(reason.lead) +
      " and the step after it: " + number(reason.demand.messages) + " messages, " +
      number(reason.demand.work_seconds) + " s of work, " + number(reason.demand.concurrency) + " at a time.";
  return text;
}

std::string margin_sentence(const PlanReason& reason, std::uint32_t planned) {
  if (reason.one_more_saves <= 0 && reason.one_more_costs_seconds <= 0) return "";
  std::string text = " Instance number " + std::to_string(planned + 1) + " would save " +
                     number(reason.one_more_saves) + " late messages in this step and stand idle for " +
                     number(reason.one_more_costs_seconds) + " s";
  if (planned > 0)
    text += "; without number " + std::to_string(planned) + " " + number(reason.one_less_late) +
            " more would be late and " + number(reason.one_less_saves_seconds) + " s of idle time saved";
  return text + ".";
}

std::string sentence(const PlanDecision& decision) {
  const ScalingPlan& plan = decision.plan;
  std::string text;
  if (plan.instances == decision.instances_before) {
    text = "Keeps the plan at " + instances(plan.instances);
  } else {
    text = plan.instances > decision.instances_before ? "Raises the plan from " : "Lowers the plan from ";
    text += std::to_string(decision.instances_before) + " to " + instances(plan.instances);
  }
  if (plan.warm_floor > 0)
    text += ", " + std::to_string(plan.warm_floor) + " of them kept warm whatever comes";
  text += ". " + why_bound(plan.reason);
  if (plan.reason.keep_price_seconds > 0) {
    text += " An instance is kept as long as its next need is worth " +
            number(plan.reason.keep_price_seconds) + " s of idle time: so far that would have made " +
            percent(plan.reason.late_share) + " late.";
    if (plan.reason.starts_per_cold > 1) {
      text += " A message that finds none gets " + std::to_string(plan.reason.starts_per_cold) +
              " starts, because one may be too slow.";
    }
  }
  if (read_a_forecast(plan.reason)) {
    text += forecast_sentence(plan.reason) + margin_sentence(plan.reason, plan.instances);
  }
  if (plan.keep_idle.count() > 0) {
    text += " An instance above the plan is kept " + duration_text(plan.keep_idle) + " idle.";
  }
  return text;
}

std::string why_started(ScaleReason reason) {
  switch (reason) {
    case ScaleReason::Plan:
      return "ahead of need: the plan wants more than there are";
    case ScaleReason::Reactive:
      return "at once: waiting messages would be late without it";
    case ScaleReason::Minimum:
      return "to keep the operator's minimum";
    case ScaleReason::Surplus:
      return "although there is a surplus";
    case ScaleReason::Outdated:
      return "to replace an older version";
    case ScaleReason::Failing:
      return "to replace a failing instance";
    case ScaleReason::Shutdown:
      return "during shutdown";
    case ScaleReason::Room:
      return "where there is room";
    case ScaleReason::Slow:
      return "to replace a slow instance";
    case ScaleReason::Variant:
      return "to replace another variant";
  }
  return "";
}

std::string why_stopped(ScaleReason reason) {
  switch (reason) {
    case ScaleReason::Plan:
      return "the plan wants fewer";
    case ScaleReason::Reactive:
      return "nothing waits";
    case ScaleReason::Minimum:
      return "it is above the minimum";
    case ScaleReason::Surplus:
      return "above the plan and idle for long enough";
    case ScaleReason::Outdated:
      return "an older version";
    case ScaleReason::Failing:
      return "too many failures in a row";
    case ScaleReason::Shutdown:
      return "the server shuts down";
    case ScaleReason::Room:
      return "the machine is full and another function's start is worth more";
    case ScaleReason::Slow:
      return "clearly slower than its peers at the same messages";
    case ScaleReason::Variant:
      return "another variant suits the messages that come better";
  }
  return "";
}

std::string sentence(const StartDecision& start) {
  std::string text = "Starts " + instances(start.instances) + " of " + start.function;
  if (start.version > 1) text += " version " + std::to_string(start.version);
  if (start.variant > 0) text += " variant " + std::to_string(start.variant);
  return text + " " + why_started(start.reason) + ".";
}

std::string sentence(const StopDecision& stop) {
  return "Stops " + instances(stop.instances) + " of " + stop.function + ": " + why_stopped(stop.reason) +
         ".";
}

std::string what_failed(ErrorClass error) {
  switch (error) {
    case ErrorClass::None:
      return "";
    case ErrorClass::Handler:
      return "the function reported an error";
    case ErrorClass::Timeout:
      return "the run took longer than allowed";
    case ErrorClass::Crash:
      return "the process ended during the run";
    case ErrorClass::Capacity:
      return "there was no capacity, which costs no attempt";
  }
  return "";
}

std::string_view what_is_behind(FailureCause cause) {
  switch (cause) {
    case FailureCause::Message:
      return "It is the message: it fails with this while others succeed, for longer than outages last. ";
    case FailureCause::Outage:
      return "An outage is behind it: the circuit breaker is open, and no attempt is counted. ";
    case FailureCause::Deploy:
      return "Everything fails since a new version of the function: no attempt is counted until that "
             "changes. ";
    case FailureCause::Timeout:
      return "Runs take longer than they may. ";
    case FailureCause::Unknown:
    case FailureCause::Capacity:
      return "";
  }
  return "";
}

std::string inputs(const RetryDecision& decision) {
  if (decision.error == ErrorClass::None) return "";
  std::string text = " Attempt " + std::to_string(decision.attempt);
  if (decision.attempts_max > 0) text += " of " + std::to_string(decision.attempts_max);
  text += " failed: " + what_failed(decision.error) + ". ";
  text += what_is_behind(decision.cause);
  if (decision.evidence == 0) return text + "There are no outcomes yet to tell the odds of the next attempt.";
  return text + "The odds of failing again are " + percent(decision.failure_odds) + ", from " +
         counted(decision.evidence, "outcome", "outcomes") + " on the same key.";
}

std::string more_sentence(std::uint32_t more) {
  return more == 0 ? "" : " " + std::to_string(more) + " before it were too many to be recorded one by one.";
}

std::string sentence(const RetryRecord& retry) {
  std::string text = "Message " + std::to_string(retry.message.value());
  switch (retry.decision.choice) {
    case RetryChoice::Now:
      text += " is tried again at once, on another instance.";
      break;
    case RetryChoice::Later:
      text += " is tried again in " + duration_text(retry.decision.delay) + ".";
      break;
    case RetryChoice::Park:
      text +=
          " is parked for " + duration_text(retry.decision.delay) + ", since there is no dead-letter queue.";
      break;
    case RetryChoice::DeadLetter:
      text += " goes to the dead-letter queue.";
      break;
  }
  return text + inputs(retry.decision) + more_sentence(retry.more);
}

std::string sentence(const MoveRecord& move) {
  std::string text = "Message " + std::to_string(move.message.value()) + " moves to " + move.to + ": ";
  switch (move.reason) {
    case MoveReason::ReceiveCount:
      text += "it was received as often as its redrive policy allows.";
      break;
    case MoveReason::FailureOdds:
      text += "it would very likely fail again.";
      break;
    case MoveReason::AttemptsUsed:
      text += "its attempts are used up.";
      break;
    case MoveReason::Redrive:
      text += "an operator moved it.";
      break;
  }
  return text + inputs(move.decision) + more_sentence(move.more);
}

std::string why_routed(const RoutingDecision& decision) {
  const std::string of = " of " + std::to_string(decision.free) + " free ones";
  switch (decision.reason) {
    case RouteReason::Only:
      return "the only free one";
    case RouteReason::Warmest:
      return "the one used last" + of;
    case RouteReason::Group:
      return "it ran the message's group last";
    case RouteReason::Failures:
      return "the others" + of + " have failed more of late";
    case RouteReason::Other:
      return "the most suitable" + of + " has failed this message";
    case RouteReason::Cost:
      return "the least memory-time" + of;
    case RouteReason::Finish:
      return "the earliest predicted finish" + of;
  }
  return "";
}

std::string sentence(const RouteRecord& route) {
  const RoutingDecision& decision = route.decision;
  std::string text = "Message " + std::to_string(route.message.value()) + " goes to instance " +
                     std::to_string(route.instance.value()) + " of variant " +
                     std::to_string(decision.variant) + ": " + why_routed(decision) + ".";
  if (decision.service > Duration(0)) {
    text += " It is predicted to take " + duration_text(decision.service) + " there";
    if (decision.next_best > Duration(0))
      text += ", " + duration_text(decision.next_best) + " on the next best";
    text += ", from " + counted(decision.evidence, "run", "runs") + " of such messages.";
  }
  if (decision.slowness > 1)
    text += " The instance takes " + number(decision.slowness) + " times as long as its peers.";
  if (decision.passed > 0) {
    text +=
        " " + counted(decision.passed, "message", "messages") +
        " before it in the order would finish sooner on an instance that is still busy, and waits for it.";
  }
  return text + more_sentence(route.more);
}

/// What the target is to do by itself at a time to come.
std::string scheduled_sentence(const DirectiveRecord& directive) {
  const std::string what = directive.instances ? counted(*directive.instances, "instance", "instances")
                                               : std::string("nothing any more");
  const std::string at = what + " for " + utc_text(*directive.scheduled_for);
  switch (directive.outcome) {
    case DirectiveOutcome::Recommended:
      return "Would schedule " + at + " at the target " + directive.target +
             " (shadow mode): " + directive.request + ".";
    case DirectiveOutcome::Sent:
      return "Scheduled " + at + " at the target " + directive.target + ": " + directive.request + ".";
    case DirectiveOutcome::Refused:
      return "The target " + directive.target + " did not let " + at + " be scheduled: " + directive.answer +
             ". It is tried again.";
    case DirectiveOutcome::RolledBack:
      return "Withdrew what was scheduled for " + utc_text(*directive.scheduled_for) + " at the target " +
             directive.target + ": " + directive.request + ".";
  }
  return "";
}

std::string sentence(const DirectiveRecord& directive) {
  if (directive.scheduled_for) return scheduled_sentence(directive);
  const auto amount = [](const std::optional<std::uint32_t>& instances) {
    return instances ? counted(*instances, "instance", "instances") : std::string("nothing set");
  };
  const std::string from = directive.before ? " instead of " + std::to_string(*directive.before) : "";
  switch (directive.outcome) {
    case DirectiveOutcome::Recommended:
      return "Would set " + amount(directive.instances) + from + " at the target " + directive.target +
             " (shadow mode): " + directive.request + ".";
    case DirectiveOutcome::Sent:
      return "Set " + amount(directive.instances) + from + " at the target " + directive.target + ": " +
             directive.request + ".";
    case DirectiveOutcome::Refused:
      return "The target " + directive.target + " did not take " + amount(directive.instances) + from + ": " +
             directive.answer + ". It is tried again.";
    case DirectiveOutcome::RolledBack:
      return "Put back what was found at the target " + directive.target + ", " +
             amount(directive.instances) + from + ": " + directive.request + ".";
  }
  return "";
}

}  // namespace

std::string explain(const DecisionRecord& record) {
  return std::visit([](const auto& what) { return sentence(what); }, record.what);
}

}  // namespace forewarm
