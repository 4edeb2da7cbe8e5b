#include "core/scale/policy.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/scale/demand.h"
#include "core/scale/newsvendor.h"
#include "core/scale/queueing.h"
#include "core/scale/reactive.h"

namespace forewarm {
namespace {

constexpr double kFloorLevel = 0.05;
constexpr double kClumpingLevel = 0.5;  // the rate itself; its spread is in the other reading
constexpr double kOwnLevel = 0.95;      // of the demand at which "one instance missing" is priced
constexpr std::uint32_t kShadowInstancesMax = 4096;

// Wanted ahead of need, in this order: nothing, head-room over the present rate for these late shares, and the
// forecast at these levels.
constexpr std::array<double, 2> kHeadRoomLateShares = {0.1, 0.01};
constexpr std::array<double, 5> kAheadLevels = {0.5, 0.8, 0.95, 0.99, 0.999};
constexpr std::size_t kWithoutForecast = 1 + kHeadRoomLateShares.size();
static_assert(kWithoutForecast + kAheadLevels.size() == kAheadCount);

double idle_cost_per_second(const ScalingSettings& settings) {
  return std::max(0.0, static_cast<double>(settings.idle_cost_per_hour) / 3600);
}

SlackProblem slack_problem(const ScalingFacts& facts) {
  return {.waiting = facts.waiting,
          .running = facts.running,
          .service_seconds = facts.service_seconds,
          .slack_seconds = facts.slack_seconds};
}

/// The same without what is here already.
SlackProblem coming_problem(const ScalingFacts& facts) {
  return {.service_seconds = facts.service_seconds, .slack_seconds = facts.slack_seconds};
}

/// Instances that what is here already needs, whatever comes.
std::uint32_t present_need(const ScalingFacts& facts) {
  if (facts.waiting + facts.running <= 0) return 0;
  const std::uint32_t need =
      std::max(1U, facts.instances_of(slots_within_slack_from_now({}, slack_problem(facts))));
  return facts.service_known ? need : std::min(need, std::max(kUnmeasuredMax, facts.usable));
}

/// Instances for a steady random stream of `rate` messages a second.
std::uint32_t clumping_need(const ScalingFacts& facts, double rate, double late_share_allowed) {
  const SteadyLoad load{.offered = rate * facts.service_seconds,
                        .slack_in_services = facts.slack_seconds / facts.service_seconds};
  const double slots_max =
      std::min(4e9, (facts.instances_max + 1.0) * facts.capacity);  // one above shows in the reason
  return facts.instances_of(
      slots_for_late_share(load, late_share_allowed, static_cast<std::uint32_t>(slots_max)));
}

/// Instances that start what waits besides what comes.
std::uint32_t with_what_waits(const ScalingFacts& facts, const Outlook& outlook, double level) {
  if (facts.waiting + facts.running <= 0) return 0;
  const ForecastPieces window = outlook.window(facts.lead_seconds + facts.step_seconds, level);
  return std::max(1U, facts.instances_of(slots_within_slack_from_now(window.pieces(), slack_problem(facts))));
}

LatenessPrice price_of(const ScalingSettings& settings, double multiplier) {
  return {.idle_cost_per_second = idle_cost_per_second(settings),
          .late_cost = std::max(0.0, static_cast<double>(settings.late_cost)),
          .late_share_max = sound_late_share(settings),
          .late_multiplier = multiplier};
}

StepOutlook step_outlook(const ScalingFacts& facts, const Outlook& outlook) {
  return {.messages = outlook.next_step(facts.step_seconds),
          .seconds = facts.step_seconds,
          .service_seconds = facts.service_seconds,
          .slack_seconds = facts.slack_seconds,
          .instance_capacity = static_cast<std::uint32_t>(facts.capacity)};
}

}  // namespace

PredictiveScaler::PredictiveScaler(const ScalingSettings& settings)
    : settings_(settings),
      feedback_(sound_late_share(settings)),
      shadow_(settings.instance_capacity, std::clamp(settings.instances_max, 1U, kShadowInstancesMax)) {}

ScalingPlan PredictiveScaler::plan(const ScalingInputs& inputs) {
  feedback_.close_step(level_decided_);
  const ScalingFacts facts = read_facts(inputs, settings_);
  const std::optional<Outlook> outlook = Outlook::of(inputs.forecast, inputs.now);
  trust_.update(inputs.forecast_loss, inputs.naive_loss);
  if (facts.service_known) shadow_.guess_service(from_seconds(facts.service_seconds));
  shadow_.advance(inputs.now, ahead_of_need(facts, inputs, outlook), from_seconds(facts.lead_seconds));
  choice_.advance(inputs.now, facts.lead_seconds <= facts.slack_seconds ? 0.05 : 1);

  ScalingPlan plan;
  plan.queue = inputs.queue;
  plan.at = inputs.now;
  plan.until = saturating_add(inputs.now, from_seconds(facts.step_seconds));
  plan.reason.lead = from_seconds(facts.lead_seconds);
  plan.reason.late_multiplier = settings_.late_cost > 0 ? 1 : feedback_.multiplier();
  plan.keep_idle = ski_rental(facts, inputs.arrivals_per_second);
  const std::uint32_t present = present_need(facts);
  const std::optional<Constraint> reactive = reactive_because(facts, outlook);
  if (const Candidate* candidate = learnt(facts, !reactive)) {
    plan.instances = std::max(present, shadow_.wanted(*candidate));
    plan.reason.constraint = reactive.value_or(Constraint::Cost);
    plan.keep_idle = Duration(0);
  } else if (reactive) {
    plan.instances = present;
    plan.reason.constraint = *reactive;
  } else {
    plan_ahead(facts, *outlook, plan);
    const std::uint32_t ahead = plan.instances;
    plan.instances = std::max(ahead, with_what_waits(facts, *outlook, plan.reason.level));
    if (plan.instances > ahead) plan.reason.constraint = Constraint::Backlog;
    // The window already bridges every idle gap that costs more than a start ahead of need. What is beyond it
    // need only outlast a plan's noise: unless more than allowed was late of late, for then the forecast does
    // not see what comes, and what it does not ask for may be needed all the same.
    if (!feedback_.objective_missed())
      plan.keep_idle = std::min(plan.keep_idle, from_seconds(facts.lead_seconds + 2 * facts.step_seconds));
  }
  keep_to_bounds(facts, present, plan);
  level_decided_ =
      plan.reason.constraint == Constraint::Cost || plan.reason.constraint == Constraint::Backlog;
  if (outlook && facts.service_known) {
    const MarginalInstance more = last_instance(step_outlook(facts, *outlook), plan.instances + 1);
    plan.reason.one_more_saves = more.late_saved;
    plan.reason.one_more_costs_seconds = more.idle_seconds_added;
  }
  period_ = shadow_.any_idle_warm() ? std::min<Duration>(inputs.step, 1s) : Duration(0);
  return plan;
}

const Candidate* PredictiveScaler::learnt(const ScalingFacts& facts, bool forecast) {
  CandidateWish wish;
  wish.late_share_max = sound_late_share(settings_);
  if (settings_.late_cost > 0) wish.late_price = late_cost_in_idle_seconds(facts);
  wish.late_price_max = seconds(settings_.keep_idle_max);
  wish.ahead_count = forecast ? kAheadCount : kWithoutForecast;
  return choice_.choose(shadow_, wish);
}

AheadInstances PredictiveScaler::ahead_of_need(const ScalingFacts& facts, const ScalingInputs& inputs,
                                               const std::optional<Outlook>& outlook) const {
  AheadInstances ahead{};
  if (!facts.service_known) return ahead;
  std::size_t next = 1;
  for (const double share : kHeadRoomLateShares)
    ahead[next++] = clumping_need(facts, inputs.arrivals_per_second, share);
  if (!outlook) return ahead;
  const double span = facts.lead_seconds + facts.step_seconds;
  const double rate = outlook->window(span, kClumpingLevel).peak_rate();
  for (const double level : kAheadLevels) {
    const ForecastPieces window = outlook->window(span, level);
    const double spread = slots_within_slack(window.pieces(), coming_problem(facts));
    ahead[next++] = std::max(facts.instances_of(spread), clumping_need(facts, rate, 1 - level));
  }
  for (std::uint32_t& instances : ahead) instances = std::min(instances, facts.instances_max);
  return ahead;
}

void PredictiveScaler::observe_ready(TimePoint at) {
  shadow_.arrive(at, settings_.objective);
  choice_.observe_ready(shadow_);
}

void PredictiveScaler::observe_service(Duration each) {
  shadow_.observe_service(each);
}

std::uint32_t PredictiveScaler::start_now(const ScalingInputs& inputs) {
  return instances_to_start(inputs, settings_);
}

void PredictiveScaler::observe_start(TimePoint, Duration lateness) {
  feedback_.observe(lateness > Duration(0));
  choice_.observe_start(lateness > Duration(0));
}

std::optional<Constraint> PredictiveScaler::reactive_because(const ScalingFacts& facts,
                                                             const std::optional<Outlook>& outlook) const {
  if (!settings_.predict || !outlook || !facts.service_known) return Constraint::NoForecast;
  if (facts.lead_seconds <= facts.slack_seconds) return Constraint::NoLead;
  if (!trust_.earned()) return Constraint::Trust;
  return std::nullopt;
}

void PredictiveScaler::plan_ahead(const ScalingFacts& facts, const Outlook& outlook,
                                  ScalingPlan& plan) const {
  const double level = level_of(facts, outlook);
  const double span = facts.lead_seconds + facts.step_seconds;
  const ForecastPieces window = outlook.window(span, level);
  plan.reason.constraint = Constraint::Cost;
  plan.reason.model = outlook.model();
  plan.reason.level = level;
  const double per_step = window.peak_rate() * facts.step_seconds;
  plan.reason.demand = {
      .messages = per_step, .work_seconds = per_step * facts.service_seconds, .concurrency = 0};
  if (level > 0) {
    const double spread = slots_within_slack(window.pieces(), coming_problem(facts));
    const double rate = outlook.window(span, kClumpingLevel).peak_rate();
    plan.instances = std::max(facts.instances_of(spread), clumping_need(facts, rate, 1 - level));
  }
  plan.reason.demand.concurrency = plan.instances;
  plan.warm_floor =
      std::min(plan.instances,
               facts.instances_of(std::floor(outlook.lowest_rate(kFloorLevel) * facts.service_seconds)));
}

double PredictiveScaler::level_of(const ScalingFacts& facts, const Outlook& outlook) const {
  const LatenessPrice price = price_of(settings_, feedback_.multiplier());
  if (price.late_cost <= 0) return newsvendor_level(price, facts.step_seconds, 1);
  const StepOutlook step = step_outlook(facts, outlook);
  const ForecastPieces window = outlook.window(facts.lead_seconds + facts.step_seconds, kOwnLevel);
  const std::uint32_t own = facts.instances_of(slots_within_slack(window.pieces(), coming_problem(facts)));
  const double messages = window.peak_rate() * facts.step_seconds;
  const double missing =
      own == 0 ? 0 : late_messages(step, messages, own - 1) - late_messages(step, messages, own);
  return newsvendor_level(price, facts.step_seconds, std::max(1.0, missing));
}

void PredictiveScaler::keep_to_bounds(const ScalingFacts& facts, std::uint32_t present,
                                      ScalingPlan& plan) const {
  const auto bound = [&plan](std::uint32_t instances, Constraint constraint) {
    plan.instances = instances;
    plan.reason.constraint = constraint;
  };
  const std::uint32_t least = facts.waiting > 0 ? 1 : 0;
  if (settings_.baseline_threshold > 0 && plan.instances > least &&
      facts.waiting + plan.reason.demand.messages <= settings_.baseline_threshold) {
    bound(least, Constraint::Baseline);
    present = least;
  }
  if (settings_.budget_per_hour > 0 && settings_.idle_cost_per_hour > 0) {
    const auto affordable = static_cast<std::uint32_t>(
        std::min<MicroMoney>(settings_.budget_per_hour / settings_.idle_cost_per_hour, facts.instances_max));
    if (plan.instances > std::max(affordable, present))
      bound(std::max(affordable, present), Constraint::Budget);
  }
  if (plan.instances < facts.instances_min) bound(facts.instances_min, Constraint::Minimum);
  if (plan.instances > facts.instances_max) bound(facts.instances_max, Constraint::Maximum);
  plan.warm_floor =
      std::clamp(plan.warm_floor, facts.instances_min, std::max(facts.instances_min, plan.instances));
}

Duration PredictiveScaler::ski_rental(const ScalingFacts& facts, double arrivals_per_second) const {
  double start_cost_seconds = facts.lead_seconds;
  const double beyond_slack = facts.lead_seconds - facts.slack_seconds;
  if (beyond_slack > 0) {
    const double rate = std::isfinite(arrivals_per_second) ? std::clamp(arrivals_per_second, 0.0, 1e6) : 0.0;
    start_cost_seconds += (1 + rate * beyond_slack) * late_cost_in_idle_seconds(facts);
  }
  return std::max(Duration(0), std::min(from_seconds(start_cost_seconds), settings_.keep_idle_max));
}

double PredictiveScaler::late_cost_in_idle_seconds(const ScalingFacts& facts) const {
  const LatenessPrice price = price_of(settings_, feedback_.multiplier());
  // Without a price: the one that makes q* the newsvendor level where one missing instance makes one message
  // late.
  if (price.late_cost <= 0) return facts.step_seconds * price.late_multiplier / price.late_share_max;
  constexpr double kIdleIsFree = 1e9;
  return price.idle_cost_per_second > 0 ? price.late_cost / price.idle_cost_per_second : kIdleIsFree;
}

std::unique_ptr<Scaler> make_predictive_scaler(const ScalingSettings& settings) {
  return std::make_unique<PredictiveScaler>(settings);
}

}  // namespace forewarm
