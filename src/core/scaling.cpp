// How many instances there are: history, forecasts, plans, and the reactive net.

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "core/orchestrator_state.h"
#include "core/routing.h"
#include "core/scale/facts.h"
#include "core/scale/order.h"
#include "core/scale/override.h"
#include "core/scale/tiers.h"
#include "core/summaries.h"

namespace forewarm {
namespace {

constexpr std::size_t kStepsBeforeFit = 8;
constexpr std::uint32_t kLostAfterRefits = 4;  ///< an answer that is this late will not come
constexpr Duration kNewsFitsApart = 1s;        ///< fits that a signal's news ask for

/// As measured, with the guess as one start more.
double late_if_cold(const FunctionState& function, Duration objective) {
  const double guess = function.pool.settings().start_time_guess > objective ? 1 : 0;
  const DurationSketch& starts = function.start_times;
  return (starts.weight_above(objective) + guess) / (starts.weight() + 1);
}

}  // namespace

ScalingInputs Orchestrator::State::inputs(QueueState& queue, FunctionState& function) {
  const FunctionSettings& settings = function.pool.settings();
  const InstanceCounts counts = function.pool.counts();
  ScalingInputs in;
  in.now = now_;
  in.queue = queue.id;
  // What is paused, or a breaker keeps waiting, needs no instances.
  in.backlog.ready =
      may_run(queue, now_) && !queue.paused ? static_cast<std::uint32_t>(queue.ready.size()) : 0;
  in.backlog.delayed = static_cast<std::uint32_t>(queue.delayed);
  in.backlog.in_flight = static_cast<std::uint32_t>(queue.in_flight);
  if (const auto since = queue.ready.oldest_since(); since && in.backlog.ready > 0)
    in.backlog.oldest_wait = now_ - *since;
  // A frozen one serves as an idle one does: no scaler has to know of them.
  in.instances = counts;
  in.instances.idle += std::exchange(in.instances.frozen, 0);
  // What is there of others does not count: whether they give way is decided when one is to be started.
  in.instances_limit = std::min(settings.concurrency_max, machine_.most(function.pool.instance_bytes_min()));
  in.service_time = function.service_summary;
  in.start_time = function.start_summary;
  in.late_if_cold = queue.late_if_cold;
  in.forecast = queue.choice.best(now_);
  if (in.forecast != nullptr) in.forecast_loss = queue.choice.loss(in.forecast->model);
  in.naive_loss = queue.choice.naive_loss();
  in.forecast_serial = queue.forecast_serial;
  if (queue.history.closed() > 0) in.arrivals_last_step = queue.history.closed_at(0).arrivals;
  in.arrivals_per_second = queue.arrivals_per_second;
  in.step = queue.history.step();
  in.overrides = queue.mapping->overrides;
  return in;
}

DirectiveCourse Orchestrator::State::directives(QueueId id, const ActuatorModel& actuator,
                                                const std::optional<TierPrices>& prices) {
  constexpr std::size_t kSlotsMax = 60;
  QueueState* queue = find_queue(id);
  if (queue == nullptr || !queue->scaler) return {};
  const ScalingInputs in = inputs(*queue, *queue->function);
  const Duration slot = slot_of(actuator, in.step);
  const Duration ahead = in.step * static_cast<Duration::rep>(configuration_.forecast.horizon);
  const auto count = std::clamp<std::size_t>(static_cast<std::size_t>(ahead / slot), 1, kSlotsMax);
  std::vector<ProjectedSlot> slots = queue->scaler->project(in, slot, count);
  carry_out(queue->order, held(*queue, *queue->function), slots);
  const double late_share = std::clamp(queue->mapping->scaling.late_share_max, 1e-4, 0.5);
  const std::vector<std::uint32_t> set =
      set_least_cost(slots, queue->plan.instances, actuator, seconds(in.start_time.mean), 1 / late_share - 1);
  ActuatorModel timed = actuator;
  timed.lead = std::max(timed.lead, planned_lead(in.start_time));
  DirectiveCourse course{.directives = directives_of(id, slots, set, queue->plan.instances, timed),
                         .tiers = {}};
  if (prices) course.tiers = cheapest_tiers(slots, set, *prices);
  return course;
}

/// A queue ticks from its first arrival on, or from the start if it must keep a minimum: silent ones cost
/// nothing.
void Orchestrator::State::schedule_tick(QueueState& queue) {
  if (queue.tick.waiting()) return;
  const Duration step = queue.history.step();
  Duration period = queue.scaler ? queue.scaler->period() : Duration(0);
  if (period <= Duration(0)) period = step;
  // Steps end for all queues at once; each decides at a moment of its own soon after, so that no moment is
  // crowded.
  const Duration spread = std::min<Duration>(period / 4, 1s);
  const Duration offset(
      static_cast<std::int64_t>(mix_bits(queue.id.value()) % static_cast<std::uint64_t>(spread.count() + 1)));
  const std::int64_t periods = (now_ - offset).time_since_epoch() / period + 1;
  TimePoint next = TimePoint(period * periods) + offset;
  if (queue.order.until > now_) next = std::min(next, queue.order.until);
  if (queue.mapping && !queue.mapping->overrides.empty()) {
    const Duration lead = planned_lead(queue.function->start_summary);
    next = std::min(next, next_override_change(queue.mapping->overrides, now_, lead));
  }
  timers_.set(queue.tick, next);
}

void Orchestrator::State::tick(QueueState& queue) {
  const bool step_closed = close_steps(queue) > 0;
  if (queue.scaler) {
    if (step_closed) queue.late_if_cold = late_if_cold(*queue.function, queue.mapping->scaling.objective);
    const std::uint32_t before = queue.plan.instances;
    queue.plan = plan_as_ordered(queue);
    if (step_closed || queue.plan.instances != before) actions_->push_back(PublishPlan{queue.plan});
    apply_plan(queue, *queue.function);
    serve(queue);
  }
  ask_for_fit(queue);
  schedule_tick(queue);
}

/// What the scaler plans, and what the operator has said that is to be instead.
ScalingPlan Orchestrator::State::plan_as_ordered(QueueState& queue) {
  FunctionState& function = *queue.function;
  ScalingPlan plan = queue.scaler->plan(inputs(queue, function));
  const bool starved = function.pool.counts().usable() == 0 && queue.ready.size() > 0 && !queue.paused;
  carry_out(order_at(queue.order, now_), {held(queue, function), starved}, plan);
  return plan;
}

/// Usable instances of the function that no other queue's plan wants.
std::uint32_t Orchestrator::State::held(const QueueState& queue, const FunctionState& function) {
  std::uint32_t left = function.pool.counts().usable();
  for (const QueueId id : function.queues) {
    const QueueState* other = id == queue.id ? nullptr : find_queue(id);
    if (other != nullptr) left -= std::min(left, other->plan.instances);
  }
  return left;
}

void Orchestrator::State::on(const ConsumptionPaused& event) {
  QueueState* queue = find_queue(event.queue);
  if (queue == nullptr || std::exchange(queue->paused, event.paused) == event.paused || event.paused) return;
  if (queue->ready.size() > 0) schedule_tick(*queue);
  serve(*queue);
}

void Orchestrator::State::on(const ScalingOrdered& event) {
  QueueState* queue = find_queue(event.queue);
  if (queue == nullptr || queue->removed) return;
  queue->order = event.order;
  if (queue->scaler) timers_.set(queue->tick, now_);
}

/// Returns how many ended.
std::size_t Orchestrator::State::close_steps(QueueState& queue) {
  const std::size_t closed = queue.history.advance(now_);
  const Duration step = queue.history.step();
  const std::size_t kept = std::min(closed, queue.history.closed());
  for (std::size_t age = kept; age > 0; --age) {
    const TimePoint start = queue.history.open_start() - step * static_cast<std::int64_t>(age);
    queue.choice.observe(start, queue.history.closed_at(age - 1).arrivals);
  }
  queue.steps_since_fit += static_cast<std::uint32_t>(closed);
  const auto minute = static_cast<std::size_t>(std::max<std::int64_t>(1, Duration(60s) / step));
  const std::size_t steps = std::min(minute, queue.history.closed());
  float sum = 0;
  std::size_t measured = 0;
  for (std::size_t age = 0; age < steps; ++age) {
    const float arrivals = queue.history.closed_at(age).arrivals;
    if (arrivals != arrivals) continue;  // a gap
    sum += arrivals;
    ++measured;
  }
  queue.arrivals_per_second =
      measured == 0
          ? 0
          : static_cast<float>(static_cast<double>(sum) / (static_cast<double>(measured) * seconds(step)));
  return closed;
}

void Orchestrator::State::ask_for_fit(QueueState& queue) {
  const ForecastSettings& settings = configuration_.forecast;
  if (queue.history.closed() < kStepsBeforeFit) return;
  const bool lost = queue.steps_since_fit >= kLostAfterRefits * settings.refit_every;
  if (queue.fit_running && !lost) return;
  const bool news = queue.signal_news && now_ >= saturating_add(queue.news_fit_at, kNewsFitsApart);
  if (queue.fit_serial > 0 && queue.steps_since_fit < settings.refit_every && !news) return;
  if (news) queue.news_fit_at = now_;
  queue.fit_of_news = news;
  queue.signal_news = false;
  queue.fit_running = true;
  queue.steps_since_fit = 0;
  FitRequest request;
  request.queue = queue.id;
  request.serial = ++queue.fit_serial;
  request.step = queue.history.step();
  request.arrivals = queue.history.arrivals(settings.history);
  request.start =
      queue.history.open_start() - request.step * static_cast<std::int64_t>(request.arrivals.size());
  request.seasons = settings.seasons;
  request.horizon = settings.horizon;
  add_regressors(request);
  actions_->push_back(FitForecast{std::move(request)});
}

void Orchestrator::State::on(const ForecastFitted& event) {
  QueueState* queue = find_queue(event.queue);
  if (queue == nullptr || event.serial != queue->fit_serial) return;
  queue->fit_running = false;
  if (!event.forecasts.empty()) {
    queue->choice.accept(event.forecasts);
    queue->forecast_serial = event.serial;
  }
  // What was announced does not wait for the end of the step.
  if ((queue->fit_of_news || queue->signal_news) && queue->tick.waiting()) timers_.set(queue->tick, now_);
}

/// A queue with a past is forecast from now on, before its first message: that is what the past is kept for.
void Orchestrator::State::on(const HistoryRestored& event) {
  QueueState* queue = find_queue(event.queue);
  if (queue == nullptr || queue->removed) return;
  std::vector<IntervalCount> before(event.arrivals.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    before[i].arrivals = event.arrivals[i];
    if (i < event.bytes.size()) before[i].bytes = event.bytes[i];
    if (i < event.work_seconds.size()) before[i].work_seconds = event.work_seconds[i];
  }
  queue->history.restore(event.start, before, now_);
  if (queue->function != nullptr) restore_service_times(*queue->function, event.service_seconds);
  if (!queue->history.empty()) schedule_tick(*queue);
}

void Orchestrator::State::on(const QueueRestored& event) {
  QueueState* queue = find_queue(event.queue);
  if (queue == nullptr || queue->removed || !queue->scaler) return;
  (void)queue->choice.restore(event.memory.choice, queue->history.step());
  if (event.memory.scaler && queue->scaler->restore(now_, *event.memory.scaler)) schedule_tick(*queue);
}

/// Instances that all queues of a function want together.
std::uint32_t Orchestrator::State::wanted(const FunctionState& function) {
  std::uint32_t sum = 0;
  for (const QueueId id : function.queues) {
    if (const QueueState* queue = find_queue(id)) sum += queue->plan.instances;
  }
  return std::min(sum, function.pool.settings().concurrency_max);
}

Duration Orchestrator::State::keep_idle(const FunctionState& function) {
  Duration longest(0);
  for (const QueueId id : function.queues) {
    if (const QueueState* queue = find_queue(id)) longest = std::max(longest, queue->plan.keep_idle);
  }
  return longest;
}

/// A queue of the function has scaling in paused.
bool Orchestrator::State::stops_paused(const FunctionState& function) {
  return std::ranges::any_of(function.queues, [this](QueueId id) {
    const QueueState* queue = find_queue(id);
    return queue != nullptr && order_at(queue->order, now_).kind == OrderKind::PauseIn;
  });
}

void Orchestrator::State::apply_plan(QueueState& queue, FunctionState& function) {
  stop_unfit(function);
  const std::uint32_t target = wanted(function);
  std::uint32_t have = function.pool.counts().usable();
  if (have < target) {
    const bool minimum = queue.plan.reason.constraint == Constraint::Minimum;
    start(queue, function, target - have, minimum ? ScaleReason::Minimum : ScaleReason::Plan);
    return;
  }
  if (have > target && stops_paused(function)) return;
  const Duration keep = keep_idle(function);
  while (have > target) {
    const std::optional<InstanceId> surplus = function.pool.coldest();
    if (!surplus || now_ - function.pool.find(*surplus)->since < keep) return;
    stop(function, *surplus, ScaleReason::Surplus);
    --have;
  }
  exchange_variant(queue, function);
}

/// The net under every plan: called whenever a message has to wait.
void Orchestrator::State::react(QueueState& queue) {
  if (!queue.scaler) return;
  FunctionState& function = *queue.function;
  const ScalingInputs in = inputs(queue, function);
  const std::uint32_t deficit =
      startable(order_at(queue.order, now_), in.instances.usable(), queue.scaler->start_now(in));
  if (deficit > 0) start(queue, function, deficit, ScaleReason::Reactive);
}

void Orchestrator::State::on(const ConfigurationChanged& event) {
  configuration_ = event.configuration;
  machine_.configure(configuration_);
  if (!start_line_.empty()) timers_.set(ask_timer_, now_);
  configure_signals();
  for (auto& [id, function] : functions_) {
    function.retired = true;
    function.queues.clear();
  }
  for (const FunctionSettings& settings : configuration_.functions) {
    const auto [entry, added] = functions_.try_emplace(settings.id);
    FunctionState& function = entry->second;
    if (added) function_index_.insert(settings.id, &function);
    function.retired = false;
    if (!added && settings.version != function.pool.settings().version) {
      function.breakers.version_changed(now_);
      wake_breakers(function);
    }
    function.pool.configure(settings);
    function.service_model.configure(settings.variants);
    function.start_summary = summary_of(function.start_times, settings.start_time_guess);
  }
  for (auto& [id, queue] : queues_) attach_mapping(*queue);
  for (auto entry = functions_.begin(); entry != functions_.end();) {
    FunctionState& function = (entry++)->second;
    stop_unfit(function);
    refresh_freezing(function);
    drop_if_unused(function);
  }
}

/// A function that is no longer configured is forgotten with its last instance.
void Orchestrator::State::drop_if_unused(FunctionState& function) {
  if (!function.retired || function.pool.counts().all() > 0) return;
  const FunctionId id = function.pool.settings().id;
  function_index_.erase(id);
  functions_.erase(id);
}

/// Takes a queue's mapping from the configuration; a scaler whose settings stay keeps what it has learnt.
void Orchestrator::State::attach_mapping(QueueState& queue) {
  const auto mapping = std::ranges::find(configuration_.mappings, queue.id, &MappingSettings::queue);
  FunctionState* function =
      mapping != configuration_.mappings.end() ? find_function(mapping->function) : nullptr;
  if (function == nullptr || function->retired) {
    queue.mapping.reset();
    queue.function = nullptr;
    queue.scaler.reset();
    queue.plan = {};
    return;
  }
  const bool same = queue.scaler && queue.mapping->scaling == mapping->scaling;
  if (!same) queue.scaler = options_.make_scaler(*mapping);
  queue.mapping = *mapping;
  queue.function = function;
  function->queues.push_back(queue.id);
  function->breakers.use(mapping->retry);
  const bool told = !mapping->overrides.empty() || queue.order.kind != OrderKind::None;
  if (queue.scaler->plans_without_messages() || told) {
    timers_.set(queue.tick, now_);
  } else if (queue.ready.size() > 0 || queue.plan.instances > 0) {
    schedule_tick(queue);
  }
  if (queue.ready.size() > 0) leave_pending(queue);
}

}  // namespace forewarm
