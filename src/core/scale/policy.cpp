#include "core/scale/policy.h"

#include <algorithm>
#include <cmath>

#include "core/scale/demand.h"
#include "core/scale/outlook.h"
#include "core/scale/reactive.h"

namespace forewarm {
namespace {

constexpr double kFloorLevel = 0.05;
constexpr std::size_t kOwnLevel = 5;  // of kAheadLevels: the demand at which "one instance missing" is priced
constexpr std::uint32_t kShadowInstancesMax = 4096;
constexpr Duration kPeriod = 1s;  // while there are idle instances to let go

double idle_cost_per_second(const ScalingSettings& settings) {
  return std::max(0.0, static_cast<double>(settings.idle_cost_per_hour) / 3600);
}

/// Instances that what is here already needs, whatever comes, if it may wait for that long.
std::uint32_t present_need(const ScalingFacts& facts, double slack_seconds) {
  if (facts.waiting + facts.running <= 0) return 0;
  const SlackProblem problem{.waiting = facts.waiting,
                             .running = facts.running,
                             .service_seconds = facts.service_seconds,
                             .slack_seconds = slack_seconds};
  const std::uint32_t need = std::max(1U, facts.instances_of(slots_within_slack_from_now({}, problem)));
  return facts.service_known ? need : std::min(need, std::max(kUnmeasuredMax, facts.usable));
}

StepOutlook step_outlook(const ScalingFacts& facts, const Outlook& outlook) {
  return {.messages = outlook.next_step(facts.step_seconds),
          .seconds = facts.step_seconds,
          .service_seconds = facts.service_seconds,
          .slack_seconds = facts.slack_seconds,
          .instance_capacity = static_cast<std::uint32_t>(facts.capacity)};
}

/// 95 % of the time, so that there is nothing to predict.
bool starts_in_time(const ScalingFacts& facts) {
  return facts.lead_seconds <= facts.slack_seconds;
}

/// So that it is worth starting one for the message that has none.
bool in_time_mostly(const ScalingFacts& facts) {
  return starts_in_time(facts) || facts.late_if_cold < 0.5;
}

}  // namespace

std::uint32_t shadow_levels_max(const ScalingSettings& settings) {
  return std::clamp(settings.instances_max, 1U, kShadowInstancesMax);
}

PredictiveScaler::PredictiveScaler(const ScalingSettings& settings)
    : settings_(settings), shadow_(settings.instance_capacity, shadow_levels_max(settings)) {}

ScalingPlan PredictiveScaler::plan(const ScalingInputs& inputs) {
  const ScalingFacts facts = read_facts(inputs, settings_);
  start_seconds_ = facts.start_seconds;
  cold_price_seconds_ = cold_price_seconds(facts);
  trust_.update(inputs.forecast_loss, inputs.naive_loss);
  read_ahead(facts, inputs);
  if (facts.service_known) shadow_.guess_service(from_seconds(facts.service_seconds));
  shadow_.advance(inputs.now, ahead_.instances,
                  {.lead = from_seconds(facts.lead_seconds),
                   .cost_seconds = facts.start_seconds,
                   .in_time = in_time_mostly(facts)});
  choice_.advance(inputs.now, facts.late_if_cold);

  const std::optional<Constraint> reactive = reactive_because(facts);
  deciding_ = choose(facts, !reactive);
  const Candidate chosen = deciding_.candidate;
  const std::uint32_t wanted = shadow_.wanted(chosen);
  const std::uint32_t present = present_need(facts, facts.slack_seconds + seconds(patience(facts)));
  ScalingPlan plan;
  plan.queue = inputs.queue;
  plan.at = inputs.now;
  plan.until = saturating_add(inputs.now, from_seconds(facts.step_seconds));
  plan.instances = std::max(present, wanted);
  plan.warm_floor = std::min(plan.instances, reactive ? 0 : warm_floor_);
  PlanReason& reason = plan.reason;
  reason.constraint = reactive                                  ? *reactive
                      : wanted > ahead_.instances[chosen.ahead] ? Constraint::Hazard
                                                                : Constraint::Cost;
  reason.model = chosen.ahead < kAheadWithoutForecast ? ModelId::None : model_;
  reason.level = kAheadLevels[chosen.ahead];
  reason.lead = from_seconds(facts.lead_seconds);
  reason.demand.messages = ahead_.messages_per_step[chosen.ahead];
  reason.demand.work_seconds = reason.demand.messages * facts.service_seconds;
  reason.demand.concurrency = ahead_.instances[chosen.ahead];
  reason.keep_price_seconds = price_seconds(chosen.price);
  reason.starts_per_cold = deciding_.starts_per_cold;
  reason.late_share = choice_.late_share(shadow_, deciding_);
  reason_ = reason;
  if (present > wanted) reason.constraint = Constraint::Backlog;
  keep_to_bounds(facts, present, plan);
  const bool surplus = facts.usable > plan.instances;
  hold(facts, inputs.now, plan);
  if (next_step_) {
    const MarginalInstance more = last_instance(*next_step_, plan.instances + 1);
    reason.one_more_saves = more.late_saved;
    reason.one_more_costs_seconds = more.idle_seconds_added;
    const MarginalInstance last = last_instance(*next_step_, plan.instances);
    reason.one_less_late = last.late_saved;
    reason.one_less_saves_seconds = last.idle_seconds_added;
  }
  period_ =
      shadow_.any_idle_warm() || surplus ? std::min(from_seconds(facts.step_seconds), kPeriod) : Duration(0);
  return plan;
}

std::vector<ProjectedSlot> PredictiveScaler::project(const ScalingInputs& inputs, Duration slot,
                                                     std::size_t count) const {
  ScalingFacts facts = read_facts(inputs, settings_);
  facts.lead_seconds = 0;  // each slot is looked at by itself, from its beginning to its end
  facts.step_seconds = std::max(1e-3, seconds(slot));
  const Candidate deciding = deciding_.candidate;
  const bool forecast = deciding.ahead >= kAheadWithoutForecast;
  std::vector<ProjectedSlot> slots(count);
  for (std::size_t i = 0; i < count; ++i) {
    ProjectedSlot& here = slots[i];
    here.at = saturating_add(inputs.now, slot * static_cast<Duration::rep>(i));
    here.reason = reason_;
    here.outlook.seconds = facts.step_seconds;
    const std::optional<Outlook> outlook = Outlook::of(inputs.forecast, here.at);
    if (outlook && facts.service_known) here.outlook = step_outlook(facts, *outlook);
    if (outlook && forecast) {
      const AheadOfNeed ahead = ahead_of_need(facts, inputs.arrivals_per_second, &*outlook);
      here.instances = ahead.instances[deciding.ahead];
      here.reason.demand.messages = ahead.messages_per_step[deciding.ahead];
      here.reason.demand.work_seconds = here.reason.demand.messages * facts.service_seconds;
      here.reason.demand.concurrency = here.instances;
    }
    // What is kept for its next need is known for now; without a forecast it stands for what is to come.
    if (i == 0 || !outlook || !forecast) here.instances = std::max(here.instances, shadow_.wanted(deciding));
    keep_to_bounds(inputs, facts, here);
    facts.waiting = 0;  // it does not wait until the next slot
  }
  return slots;
}

void PredictiveScaler::keep_to_bounds(const ScalingInputs& inputs, ScalingFacts facts,
                                      ProjectedSlot& slot) const {
  const TimePoint end = saturating_add(slot.at, from_seconds(slot.outlook.seconds));
  ScalingPlan wanted;
  wanted.instances = slot.instances;
  wanted.reason = slot.reason;
  slot.instances = slot.most = 0;
  TimePoint at = slot.at;
  do {
    bound_by(overrides_at(inputs.overrides, at, Duration(0)), inputs, settings_, facts);
    ScalingPlan plan = wanted;
    keep_to_bounds(facts, 0, plan);
    if (at == slot.at || plan.instances > slot.instances) {
      slot.instances = plan.instances;
      slot.reason = plan.reason;
    }
    slot.most = std::max(slot.most, facts.instances_max);
    at = next_override_change(inputs.overrides, at, Duration(0));
  } while (at < end);
}

std::uint32_t PredictiveScaler::start_now(const ScalingInputs& inputs) {
  const ScalingFacts facts = read_facts(inputs, settings_);
  return instances_to_start(inputs, settings_,
                            {.patience = patience(facts), .starts_per_cold = deciding_.starts_per_cold});
}

/// A message that would come late to a new instance too has time until one would have started.
Duration PredictiveScaler::patience(const ScalingFacts& facts) const {
  if (in_time_mostly(facts) || shadow_.starts_on_need(facts.usable, deciding_.candidate.price))
    return Duration(0);
  return from_seconds(facts.lead_seconds);
}

void PredictiveScaler::observe_ready(TimePoint at) {
  shadow_.arrive(at, std::max(settings_.objective, Duration(0)));
  choice_.observe_ready(shadow_);
}

void PredictiveScaler::observe_start(TimePoint, Duration lateness) {
  choice_.observe_start(lateness > Duration(0));
}

void PredictiveScaler::observe_service(Duration each) {
  shadow_.observe_service(each);
}

double PredictiveScaler::idle_value(const IdleInstance& instance) const {
  const std::uint32_t level = std::max(instance.level, 1U) - 1;
  return cold_price_seconds_ * shadow_.need_per_second(level, instance.now);
}

/// The need is there: its price is earned for no more than the time of a start.
double PredictiveScaler::need_value() const {
  return cold_price_seconds_ / start_seconds_;
}

void PredictiveScaler::read_ahead(const ScalingFacts& facts, const ScalingInputs& inputs) {
  const TimePoint start = inputs.forecast == nullptr ? kNever : inputs.forecast->forecast.start;
  const ModelId model = inputs.forecast == nullptr ? ModelId::None : inputs.forecast->model;
  const bool holds = read_at_ <= inputs.now && start == read_start_ && model == model_ &&
                     inputs.forecast_serial == read_serial_ &&
                     inputs.now < saturating_add(read_at_, from_seconds(facts.step_seconds));
  if (holds) return;
  read_at_ = inputs.now;
  read_start_ = start;
  read_serial_ = inputs.forecast_serial;
  const std::optional<Outlook> outlook = Outlook::of(inputs.forecast, inputs.now);
  model_ = outlook ? model : ModelId::None;
  ahead_ = ahead_of_need(facts, inputs.arrivals_per_second, outlook ? &*outlook : nullptr);
  const auto most = std::min(facts.instances_max, UINT32_MAX - 1) + 1;  // one above shows in the reason
  for (std::uint32_t& instances : ahead_.instances) instances = std::min(instances, most);
  next_step_.reset();
  warm_floor_ = 0;
  if (!outlook || !facts.service_known) return;
  warm_floor_ = facts.instances_of(std::floor(outlook->lowest_rate(kFloorLevel) * facts.service_seconds));
  next_step_ = step_outlook(facts, *outlook);
}

std::optional<Constraint> PredictiveScaler::reactive_because(const ScalingFacts& facts) const {
  if (!settings_.predict || model_ == ModelId::None || !facts.service_known) return Constraint::NoForecast;
  if (starts_in_time(facts)) return Constraint::NoLead;
  if (!trust_.earned()) return Constraint::Trust;
  return std::nullopt;
}

Choice PredictiveScaler::choose(const ScalingFacts& facts, bool forecast) {
  const CandidateWish wish{.late_share_max = sound_late_share(settings_),
                           .late_price_seconds = settings_.late_cost > 0 ? late_price_seconds(facts) : 0,
                           .late_price_max_seconds = std::max(0.0, seconds(settings_.keep_idle_max)),
                           .ahead_count = forecast ? kAheadCount : kAheadWithoutForecast};
  const std::optional<Choice> chosen = choice_.choose(shadow_, wish);
  return chosen ? *chosen : Choice{.candidate = by_the_book(facts, forecast)};
}

Candidate PredictiveScaler::by_the_book(const ScalingFacts& facts, bool forecast) const {
  Candidate book;
  if (forecast) {
    const double level = newsvendor_level_now(facts);
    if (level > 0) book.ahead = forecast_ahead(level);
  }
  if (starts_in_time(facts)) return book;
  const double worth = std::min(late_price_seconds(facts), seconds(settings_.keep_idle_max));
  while (book.price + 1 < kPrices && price_seconds(book.price + 1) <= worth) ++book.price;
  return book;
}

double PredictiveScaler::newsvendor_level_now(const ScalingFacts& facts) const {
  const LatenessPrice price{.idle_cost_per_second = idle_cost_per_second(settings_),
                            .late_cost = std::max(0.0, static_cast<double>(settings_.late_cost)),
                            .late_share_max = sound_late_share(settings_)};
  if (price.late_cost <= 0 || !next_step_) return newsvendor_level(price, facts.step_seconds, 1);
  const std::uint32_t own = ahead_.instances[kOwnLevel];
  const double messages = ahead_.messages_per_step[kOwnLevel];
  const double missing =
      own == 0 ? 0
               : late_messages(*next_step_, messages, own - 1) - late_messages(*next_step_, messages, own);
  return newsvendor_level(price, facts.step_seconds, std::max(1.0, missing));
}

double PredictiveScaler::late_price_seconds(const ScalingFacts& facts) const {
  // Without a price: the one that makes q* the newsvendor level where one missing instance makes one message
  // late.
  if (settings_.late_cost <= 0) return facts.step_seconds / sound_late_share(settings_);
  constexpr double kIdleIsFree = 1e9;
  const double idle = idle_cost_per_second(settings_);
  return idle > 0 ? static_cast<double>(settings_.late_cost) / idle : kIdleIsFree;
}

/// The same for every queue unless the operator sets a price: on a full machine what one queue is spared
/// another is charged, so that a queue which found its objective easy to keep must not be worth less for it.
double PredictiveScaler::cold_price_seconds(const ScalingFacts& facts) const {
  const double late =
      settings_.late_cost > 0 ? late_price_seconds(facts) : std::max(0.0, seconds(settings_.keep_idle_max));
  return facts.start_seconds + facts.late_if_cold * late;
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
  if (facts.factor != 1) {
    const double times = std::min(std::ceil(plan.instances * facts.factor - 1e-9), 1e9);
    const std::uint32_t instances = std::max(static_cast<std::uint32_t>(std::max(times, 0.0)), present);
    if (instances != plan.instances) bound(instances, Constraint::Override);
  }
  if (settings_.budget_per_hour > 0 && settings_.idle_cost_per_hour > 0) {
    const auto affordable = static_cast<std::uint32_t>(
        std::min<MicroMoney>(settings_.budget_per_hour / settings_.idle_cost_per_hour, facts.instances_max));
    if (plan.instances > std::max(affordable, present))
      bound(std::max(affordable, present), Constraint::Budget);
  }
  if (plan.instances < facts.instances_min)
    bound(facts.instances_min, facts.overridden_min ? Constraint::Override : Constraint::Minimum);
  if (plan.instances > facts.instances_max)
    bound(facts.instances_max, facts.overridden_max ? Constraint::Override : Constraint::Maximum);
  plan.warm_floor =
      std::clamp(plan.warm_floor, facts.instances_min, std::max(facts.instances_min, plan.instances));
}

/// What was planned a moment ago is not taken back before a start's time has passed: a need that comes and
/// goes would have it started again. Whatever is above that goes as soon as it is idle, though it be used:
/// those that stay can do its work in time.
void PredictiveScaler::hold(const ScalingFacts& facts, TimePoint now, ScalingPlan& plan) {
  if (plan.instances >= held_ || now >= held_until_ || held_ > facts.instances_max) {
    held_ = plan.instances;
    held_until_ = saturating_add(now, from_seconds(facts.start_seconds));
  }
  plan.instances = held_;
}

std::unique_ptr<Scaler> make_predictive_scaler(const ScalingSettings& settings) {
  return std::make_unique<PredictiveScaler>(settings);
}

}  // namespace forewarm
