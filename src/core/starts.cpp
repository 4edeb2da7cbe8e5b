// Which instances the machine has room for: its limits, who waits for a start, and who gives way.

#include <algorithm>
#include <limits>
#include <tuple>

#include "core/orchestrator_state.h"
#include "core/routing.h"
#include "core/scale/order.h"

namespace forewarm {
namespace {

constexpr std::uint32_t kStartedPerStep = 64;
constexpr std::uint32_t kAskedPerStep = 8;
constexpr Duration kAskAgain = 100ms;

// What a plan puts out must be worth so much less than what it starts, or two queues would take turns at one
// place and pay a start each time.
constexpr double kClearlyLess = 0.5;
constexpr double kWorthItsTime = 1;  // what the queue's own plan wants
constexpr double kPriceless = std::numeric_limits<double>::infinity();

/// The operator said so, and not the scaler.
bool demanded(const ScalingPlan& plan) {
  const Constraint by = plan.reason.constraint;
  return by == Constraint::Minimum || by == Constraint::Override || by == Constraint::Forced;
}

}  // namespace

/// Starts up to `count` instances, as many as the limits allow. Returns how many. What they do not allow now
/// waits in line, if it is only a matter of time.
std::uint32_t Orchestrator::State::start(QueueState& queue, FunctionState& function, std::uint32_t count,
                                         ScaleReason reason) {
  if (now_ < function.start_allowed_at) return 0;
  const FunctionSettings& settings = function.pool.settings();
  if (machine_.most(function.pool.instance_bytes_min()) == 0) return 0;
  const bool need = reason == ScaleReason::Reactive;
  count = std::min(count, kStartedPerStep);
  std::uint32_t started = 0;
  for (; started < count && function.pool.counts().all() < settings.concurrency_max; ++started) {
    const bool its_turn = !start_line_.anyone_before(queue.id, need) && machine_.start_allowed_at() <= now_;
    const std::uint16_t variant = variant_to_start(queue, function, messages_, now_);
    const std::uint64_t bytes = function.pool.instance_bytes(variant);
    if (its_turn && !machine_.lacks(1, bytes).any()) {
      start_one(queue, function, variant, reason);
      continue;
    }
    if (!its_turn || make_room(queue, function, bytes, count - started, need)) wait_for_start(queue, need);
    break;
  }
  return started;
}

void Orchestrator::State::start_one(QueueState& queue, FunctionState& function, std::uint16_t variant,
                                    ScaleReason reason) {
  const FunctionSettings& settings = function.pool.settings();
  const InstanceId instance(next_instance_++);
  InstanceRecord record;
  record.id = instance;
  record.function = settings.id;
  instances_.insert(instance, record);
  function.pool.start(instance, now_, queue.id, variant);
  machine_.started(now_, function.pool.instance_bytes(variant));
  actions_->push_back(StartInstance{instance, settings.id, settings.version, variant, queue.id, reason});
  ++(reason == ScaleReason::Reactive ? function.cold_starts : function.warm_starts);
}

/// Tells free instances of other functions to stop, those first that save least for what they hold of what is
/// short, until `count` starts fit. A start that messages wait for puts out what is worth less than it is,
/// and anything if the function has no instance at all; a planned one only what is worth clearly less.
/// Returns whether a start will fit, or must, so that it is worth waiting for.
bool Orchestrator::State::make_room(QueueState& queue, FunctionState& function, std::uint64_t bytes,
                                    std::uint32_t count, bool need) {
  const std::uint32_t usable = function.pool.counts().usable();
  const bool must = need && usable == 0;
  const Machine::Lack short_of = machine_.lacks_later(1, bytes);
  if (!short_of.any() || (!must && now_ < search_again_at_)) return !short_of.any();
  const auto per_held = [&short_of](double value, std::uint64_t held) {
    return short_of.bytes > 0 ? value / static_cast<double>(std::max<std::uint64_t>(held, 1)) : value;
  };
  std::vector<Evictable> others = evictable(function, must);
  std::ranges::sort(others, {}, [&](const Evictable& other) {
    return std::tuple(other.young, per_held(other.value, other.instance.memory_bytes), other.last_used,
                      other.id);
  });
  std::size_t given = 0, taken = 0;
  Machine::Lack there;
  std::uint32_t fitting = 0;
  while (fitting < count) {
    const Machine::Lack lack = machine_.lacks_later(fitting + 1, bytes);
    if (lack.instances <= there.instances && lack.bytes <= there.bytes) {
      ++fitting;
      taken = given;
      continue;
    }
    if (given == others.size()) break;
    const Evictable& next = others[given];
    const double least = per_held(next.value, next.instance.memory_bytes);
    const IdleInstance own{.now = now_, .level = usable + fitting + 1, .memory_bytes = bytes};
    const double own_value = need ? queue.scaler->need_value() : kClearlyLess * idle_value(function, own);
    if (!(must && fitting == 0) && !(least < per_held(own_value, bytes))) break;
    there.instances += 1;
    there.bytes += next.instance.memory_bytes;
    ++given;
  }
  // Who has none takes what there is, and waits for the rest: all that it takes may never be idle at once.
  if (must && fitting == 0) taken = given;
  if (taken == 0) search_again_at_ = saturating_add(now_, kAskAgain);
  for (std::size_t i = 0; i < taken; ++i) evict(others[i]);
  return must || fitting > 0;
}

/// Free instances of other functions that may be stopped, with what they are worth if those of their function
/// that were idle for longer are gone. Not those that have been ready for less than a start takes, unless
/// `young_too`.
std::vector<Evictable> Orchestrator::State::evictable(const FunctionState& but, bool young_too) {
  std::vector<Evictable> found;
  for (auto& [id, function] : functions_) {
    const InstanceCounts counts = function.pool.counts();
    if (&function == &but || counts.free() == 0 || stops_paused(function)) continue;
    const bool has_work = std::ranges::any_of(function.queues, [this](QueueId queue_id) {
      const QueueState* queue = find_queue(queue_id);
      return queue != nullptr && queue->ready.size() > 0;
    });
    std::uint32_t level = counts.usable();
    double value = 0;
    for (const Pool::Instance* idle : function.pool.free()) {
      const bool young = now_ < saturating_add(idle->ready_at, function.start_summary.mean);
      if (young && !young_too) continue;
      const IdleInstance instance{
          .now = now_, .level = level--, .memory_bytes = idle->memory_bytes, .runs = idle->runs};
      // Never less than one that was idle for longer: that one goes first.
      value = has_work ? kPriceless : std::max(value, idle_value(function, instance));
      found.push_back({.function = &function,
                       .id = idle->id,
                       .last_used = idle->last_used,
                       .instance = instance,
                       .value = value,
                       .young = young});
    }
  }
  return found;
}

/// What keeping an instance of the function is worth: to the queue that would miss it most, each with what
/// the others' plans leave it; not less than its time while a plan wants it, and more than all calculation if
/// the operator does.
double Orchestrator::State::idle_value(const FunctionState& function, const IdleInstance& instance) {
  std::uint32_t wanted = 0, by_the_operator = 0;
  for (const QueueId id : function.queues) {
    const QueueState* queue = find_queue(id);
    if (queue == nullptr) continue;
    wanted += queue->plan.instances;
    if (demanded(queue->plan)) by_the_operator += queue->plan.instances;
  }
  if (instance.level <= by_the_operator) return kPriceless;
  double value = instance.level <= wanted ? kWorthItsTime : 0;
  for (const QueueId id : function.queues) {
    const QueueState* queue = find_queue(id);
    if (queue == nullptr || !queue->scaler) continue;
    IdleInstance own = instance;
    const std::uint32_t of_others = wanted - queue->plan.instances;
    own.level = instance.level > of_others ? instance.level - of_others : 1;
    value = std::max(value, queue->scaler->idle_value(own));
  }
  return value;
}

void Orchestrator::State::evict(const Evictable& evictable) {
  for (const QueueId id : evictable.function->queues) {
    const QueueState* queue = find_queue(id);
    if (queue != nullptr && queue->scaler) queue->scaler->observe_eviction(evictable.instance);
  }
  stop(*evictable.function, evictable.id, ScaleReason::Room);
}

void Orchestrator::State::stop(FunctionState& function, InstanceId instance, ScaleReason reason) {
  thaw(function, instance);
  machine_.told_to_stop(function.pool.find(instance)->memory_bytes);
  function.pool.stop(instance, now_);
  actions_->push_back(StopInstance{instance, reason});
}

/// Free instances that must go whatever the plan says: of an older version, failing, or slow by themselves.
void Orchestrator::State::stop_unfit(FunctionState& function) {
  while (const std::optional<InstanceId> unfit = function.pool.unfit(now_)) {
    const ScaleReason reason = function.pool.why_unfit(*function.pool.find(*unfit));
    function.pool.eject(*unfit, now_);
    stop(function, *unfit, function.retired ? ScaleReason::Outdated : reason);
  }
  if (!function.retired) return;
  while (const std::optional<InstanceId> idle = function.pool.coldest())
    stop(function, *idle, ScaleReason::Outdated);
}

/// Exchanges one instance whose variant has too many for one whose variant has too few.
void Orchestrator::State::exchange_variant(QueueState& queue, FunctionState& function) {
  if (function.pool.settings().variants.size() < 2 || stops_paused(function)) return;
  const std::optional<InstanceId> surplus = function.variant_mix.surplus(function.pool);
  if (!surplus) return;
  stop(function, *surplus, ScaleReason::Variant);
  start(queue, function, 1, ScaleReason::Variant);
}

/// A message fits in none of the instances that there are: starts one in which it fits, in the place of that
/// free one where the limits leave no other. False where that cannot be.
bool Orchestrator::State::start_fitting(QueueState& queue, FunctionState& function, InstanceId in_place_of) {
  const InstanceCounts counts = function.pool.counts();
  const std::uint32_t most =
      std::min(function.pool.settings().concurrency_max, queue.mapping->scaling.instances_max);
  if (startable(order_at(queue.order, now_), counts.usable(), 1) == 0) return false;
  if (counts.all() < most) return start(queue, function, 1, ScaleReason::Reactive) > 0;
  if (counts.stopping > 0) return true;  // its place
  if (stops_paused(function)) return false;
  stop(function, in_place_of, ScaleReason::Variant);
  return true;
}

void Orchestrator::State::wait_for_start(QueueState& queue, bool need) {
  start_line_.wait(queue.id, need);
  if (!ask_timer_.waiting()) timers_.set(ask_timer_, saturating_add(now_, kAskAgain));
  if (machine_.start_allowed_at() > now_) timers_.set(ask_timer_, machine_.start_allowed_at());
}

/// Asks those in line, the first first, what they still want, until one has to go on waiting.
void Orchestrator::State::ask_waiting() {
  for (std::uint32_t asked = 0; !start_line_.empty(); ++asked) {
    if (asked == kAskedPerStep) {
      timers_.set(ask_timer_, now_);
      return;
    }
    const StartLine::First first = *start_line_.first();
    start_line_.ask(first.queue);
    QueueState* queue = find_queue(first.queue);
    const bool at_work =
        queue != nullptr && queue->scaler && !queue->removed && queue->sweep_until == nullptr;
    if (at_work && !first.need) apply_plan(*queue, *queue->function);
    if (at_work && first.need && queue->ready.available(now_)) react(*queue);
    if (start_line_.answer()) return;
  }
  timers_.cancel(ask_timer_);
}

}  // namespace forewarm
