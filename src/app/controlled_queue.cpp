#include "app/controlled_queue.h"

#include <algorithm>
#include <cmath>

#include "core/scale/actuator.h"
#include "core/scale/planned_levels.h"

namespace forewarm {
namespace {

constexpr Duration kRetryFirst = 1s;
constexpr Duration kRetryLast = 5min;

}  // namespace

ControlledQueue::ControlledQueue(const Settings& settings)
    : settings_(settings),
      watched_(settings.watched),
      set_known_(!settings.readable),
      random_(settings.watched.queue.value()) {}

void ControlledQueue::observe(TimePoint now, const Result<QueueReading>& reading) {
  fresh_ = reading.has_value();
  if (!reading) return watched_.observe_silence(now);
  QueueReading all = *reading;
  if (!all.instances_set) all.instances_set = set_;
  watched_.observe(now, all);
}

void ControlledQueue::observe_target(const Result<TargetState>& state) {
  set_known_ = state.has_value();
  if (!state) return;
  set_ = state->set;
  most_ = state->most;
  beside_ = state->beside;
  if (set_) watched_.observe_instances(state->ready, *set_);
}

/// More where the plan or the course wants it, fewer where both do.
std::uint32_t ControlledQueue::wanted(TimePoint now) {
  std::uint32_t due = set_.value_or(0);
  for (const Directive& directive : watched_.directives(now).directives) {
    if (directive.set_at > now) break;
    due = directive.instances;
  }
  const std::uint32_t all = within_limits(std::max(plan_.instances, due), UINT32_MAX);
  const std::uint32_t taken = within_limits(all);
  held_from_ = taken < all ? std::optional(all) : std::nullopt;
  return taken;
}

std::uint32_t ControlledQueue::within_limits(std::uint32_t instances, std::uint32_t target_most) const {
  const ScalingSettings& scaling = settings_.watched.scaling;
  const std::uint32_t multiple = std::max<std::uint32_t>(1, settings_.watched.target.granularity);
  const std::uint32_t most = std::min({scaling.instances_max, settings_.most, target_most});
  const std::uint32_t least = std::max(scaling.instances_min, settings_.least);
  const std::uint32_t whole = (std::max(instances, least) + multiple - 1) / multiple * multiple;
  return whole <= most ? whole : most / multiple * multiple;
}

std::optional<TargetOrder> ControlledQueue::decide(TimePoint now) {
  const std::optional<std::uint32_t> ready = watched_.reading().instances_ready;
  if (starting_ && ready && *ready >= starting_->until) {
    watched_.observe_start(now - starting_->since);
    starting_.reset();
  }
  plan_ = watched_.plan(now);
  if (!set_known_) return std::nullopt;
  const std::uint32_t to = wanted(now);
  if (set_ && to == *set_) {
    below_since_.reset();
    refused_in_row_ = 0;
    try_again_at_ = TimePoint();
    return std::nullopt;
  }
  // Where nothing is set any number may be fewer than there are now.
  const std::optional<std::uint32_t> instances = set_ && to > *set_ ? raised(to) : lowered(now, to);
  if (set_ && to > *set_) below_since_.reset();
  const Duration between = settings_.watched.target.change_every;
  if (!instances || now < try_again_at_ || (changed_at_ && now - *changed_at_ < between)) return std::nullopt;
  return TargetOrder{*instances, set_, plan_.reason};
}

/// So many that the target feels it, and no more at a time than it takes.
std::optional<std::uint32_t> ControlledQueue::raised(std::uint32_t to) const {
  const ActuatorModel& target = settings_.watched.target;
  const auto felt = static_cast<std::uint32_t>(std::floor(*set_ * (1 + target.dead_band))) + 1;
  std::uint32_t instances = within_limits(std::max(to, felt));
  if (target.change_max > 0) instances = std::min(instances, *set_ + target.change_max);
  return instances > *set_ ? std::optional(instances) : std::nullopt;
}

std::optional<std::uint32_t> ControlledQueue::lowered(TimePoint now, std::uint32_t to) {
  if (!fresh_ || watched_.silent(now)) {
    below_since_.reset();
    return std::nullopt;
  }
  // Somebody else may have set fewer than was wanted since.
  if (!below_since_ || (set_ && below_most_ >= *set_)) {
    below_since_.reset();
    below_most_ = 0;
  }
  below_since_ = below_since_.value_or(now);
  below_most_ = std::max(below_most_, to);
  if (now - *below_since_ < settings_.scale_down_delay) return std::nullopt;
  if (set_ && *set_ - below_most_ <= settings_.watched.target.dead_band * *set_) return std::nullopt;
  return below_most_;
}

Duration ControlledQueue::level_every() const {
  const Duration slot = slot_of(settings_.watched.target, settings_.watched.forecast.step);
  return std::max<Duration>(1s, std::chrono::ceil<std::chrono::seconds>(slot));
}

std::optional<std::vector<PlannedLevel>> ControlledQueue::levels(TimePoint now, std::uint32_t set,
                                                                 std::size_t steps_max) const {
  if (!set_known_ || watched_.silent(now)) return std::nullopt;
  std::vector<Directive> course = watched_.directives(now).directives;
  for (Directive& directive : course) directive.instances = within_limits(directive.instances);
  return planned_levels(
      course, now, set,
      {.every = level_every(), .delay = settings_.scale_down_delay, .steps_max = steps_max});
}

void ControlledQueue::told(TimePoint now, const TargetOrder& order, bool taken) {
  if (!taken) {
    const double wait =
        std::min(seconds(kRetryLast), seconds(kRetryFirst) * std::exp2(std::min(refused_in_row_, 20U)));
    ++refused_in_row_;
    try_again_at_ = now + from_seconds(wait * (0.75 + 0.5 * random_.uniform()));
    return;
  }
  starting_.reset();
  const std::optional<std::uint32_t> ready = watched_.reading().instances_ready;
  if (order.before && order.instances > *order.before && ready && *ready < order.instances)
    starting_ = Starting{now, order.instances};
  set_ = order.instances;
  watched_.observe_instances({}, order.instances);
  changed_at_ = now;
  below_since_.reset();
  refused_in_row_ = 0;
  try_again_at_ = TimePoint();
}

}  // namespace forewarm
