#include "core/watch/watched_queue.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/scale/facts.h"
#include "core/scale/tiers.h"

namespace forewarm {
namespace {

constexpr std::size_t kStepsBeforeFit = 8;
constexpr std::uint32_t kLostAfterRefits = 4;  ///< an answer that is this late will not come
constexpr Duration kServiceGuess = 1s;
/// Messages of one reading that the scaler hears of one by one; of more it hears of as many of each kind.
constexpr std::size_t kHeardMax = 1000;
constexpr double kObservedRestored = 2000;  ///< of durations, as much as counts for half of all

/// What a counter grew by. One that is smaller than before began anew, at 0.
double growth(std::uint64_t before, std::uint64_t now) {
  return static_cast<double>(now >= before ? now - before : now);
}

DurationSummary summary(const DurationSketch& sketch, Duration guess) {
  if (sketch.observed() == 0) return {guess, guess, 0};
  return {sketch.mean(), sketch.quantile(0.95), sketch.observed()};
}

std::size_t heard(double messages) {
  return std::min(kHeardMax, static_cast<std::size_t>(std::max(0.0, messages)));
}

}  // namespace

WatchedQueue::WatchedQueue(const Settings& settings)
    : settings_(settings),
      scaler_(make_predictive_scaler(settings.scaling)),
      history_(settings.forecast.step, settings.forecast.history) {
  plan_.queue = settings.queue;
  plan_.instances = settings.scaling.instances_min;
}

void WatchedQueue::observe(TimePoint now, const QueueReading& reading) {
  if (reading.period) return observe_period(now, reading);
  const bool after_silence = silent(now);
  if (read_at_ && after_silence) history_.mark_gap(now);
  // Between two readings that are far apart nobody knows when what came has come.
  if (read_at_ && !after_silence && now > *read_at_) {
    const std::optional<double> arrived = arrivals_between(reading);
    if (arrived) {
      count_arrivals(*read_at_, now, *arrived, now);
    } else {
      history_.mark_gap(now);
    }
    if (const auto done = done_between(reading, arrived)) learn(*read_at_, now, reading, *done);
  }
  reading_ = reading;
  read_at_ = now;
  close_steps(now);
}

void WatchedQueue::observe_period(TimePoint now, const QueueReading& reading) {
  const ReadingPeriod& period = *reading.period;
  if (read_at_ && period.to <= *read_at_) return;
  const bool next = !counted_until_ || period.from >= *counted_until_;
  if (counted_until_ && period.from > *counted_until_) history_.mark_gap(period.from);
  const std::optional<double> arrived = next ? arrivals_between(reading) : std::nullopt;
  if (arrived)
    count_arrivals(period.from, period.to, *arrived, now);
  else if (next)
    history_.mark_gap(period.to);
  if (next && period.done) learn(period.from, period.to, reading, *period.done);
  reading_ = reading;
  read_at_ = period.to;
  counted_until_ = std::max(counted_until_.value_or(period.to), period.to);
  close_steps(period.to);
}

void WatchedQueue::observe_silence(TimePoint now) {
  // What a period was like may be told later.
  if (settings_.lag == Duration(0)) history_.mark_gap(now);
}

void WatchedQueue::observe_instances(std::optional<std::uint32_t> ready, std::uint32_t set) {
  if (ready) reading_.instances_ready = ready;
  reading_.instances_set = set;
}

/// By the counter, or by what is there and what has gone.
std::optional<double> WatchedQueue::arrivals_between(const QueueReading& reading) const {
  if (reading.period && reading.period->arrived) return reading.period->arrived;
  // Without a count of what came: only from one period to the next.
  if (reading.period && (!reading.period->done || read_at_ != reading.period->from)) return std::nullopt;
  if (reading.arrived_total && reading_.arrived_total)
    return growth(*reading_.arrived_total, *reading.arrived_total);
  if (!reading.waiting || !reading_.waiting) return std::nullopt;
  const auto there = [](const QueueReading& at) {
    return static_cast<double>(*at.waiting) + static_cast<double>(at.in_flight.value_or(0));
  };
  const double gone = reading.period ? reading.period->done.value_or(0)
                      : reading.done_total && reading_.done_total
                          ? growth(*reading_.done_total, *reading.done_total)
                          : 0;
  return std::max(0.0, there(reading) - there(reading_) + gone);
}

std::optional<double> WatchedQueue::done_between(const QueueReading& reading,
                                                 std::optional<double> arrived) const {
  if (reading.done_total && reading_.done_total) return growth(*reading_.done_total, *reading.done_total);
  const bool counted = reading.arrived_total && reading_.arrived_total;
  if (!counted || !arrived || !reading.waiting || !reading_.waiting) return std::nullopt;
  const double before =
      static_cast<double>(*reading_.waiting) + static_cast<double>(reading_.in_flight.value_or(0));
  const double after =
      static_cast<double>(*reading.waiting) + static_cast<double>(reading.in_flight.value_or(0));
  return std::max(0.0, *arrived - (after - before));
}

/// Spread evenly over the steps that the time between the readings touches. The scaler, whose time goes on
/// with each plan, hears of them as if that time ended now.
void WatchedQueue::count_arrivals(TimePoint from, TimePoint to, double arrived, TimePoint heard_at) {
  const double all = seconds(to - from);
  const Duration step = history_.step();
  TimePoint at = from;
  while (at < to) {
    const TimePoint end = std::min(to, TimePoint(step * (at.time_since_epoch() / step + 1)));
    // What is counted belongs to the step before `end`, which is not a part of it.
    history_.observe_arrivals(at, arrived * seconds(end - at) / all);
    at = end;
  }
  const std::size_t count = heard(arrived);
  learnt_ += count;
  for (std::size_t n = 0; n < count; ++n) {
    const auto part = static_cast<Duration::rep>(n + 1);
    scaler_->observe_ready(from + (to - from) * part / static_cast<Duration::rep>(count) + (heard_at - to));
  }
}

void WatchedQueue::learn(TimePoint from, TimePoint to, const QueueReading& reading, double done) {
  const double between = seconds(to - from);
  if (done >= 1 && reading.in_flight && reading_.in_flight) {
    const double in_flight =
        (static_cast<double>(*reading.in_flight) + static_cast<double>(*reading_.in_flight)) / 2;
    // Nothing in flight at both ends: what ran took less time than lies between the readings, and no more is
    // known.
    if (in_flight > 0) {
      const Duration each = from_seconds(in_flight * between / done);
      service_times_.observe(each);
      scaler_->observe_service(each);
      history_.observe_work(from, each * static_cast<Duration::rep>(done));
    }
  }
  // How long they waited: as long as the oldest that still waits, or as the queue's length tells (Little).
  if (!reading.oldest_wait && !reading.waiting) return;
  const double waiting = static_cast<double>(reading.waiting.value_or(0));
  const Duration wait =
      reading.oldest_wait ? *reading.oldest_wait : from_seconds(waiting * between / std::max(1.0, done));
  const std::size_t count = heard(done);
  for (std::size_t n = 0; n < count; ++n) scaler_->observe_start(to, wait - settings_.scaling.objective);
}

void WatchedQueue::close_steps(TimePoint now) {
  const std::size_t closed = std::min(history_.advance(now), history_.closed());
  const Duration step = history_.step();
  for (std::size_t age = closed; age > 0; --age) {
    const TimePoint start = history_.open_start() - step * static_cast<Duration::rep>(age);
    choice_.observe(start, history_.closed_at(age - 1).arrivals);
  }
  steps_since_fit_ += static_cast<std::uint32_t>(closed);
  const auto minute = static_cast<std::size_t>(std::max<std::int64_t>(1, Duration(60s) / step));
  const std::size_t steps = std::min(minute, history_.closed());
  double sum = 0;
  std::size_t measured = 0;
  for (std::size_t age = 0; age < steps; ++age) {
    const float arrivals = history_.closed_at(age).arrivals;
    if (arrivals != arrivals) continue;  // a gap
    sum += arrivals;
    ++measured;
  }
  if (measured > 0) arrivals_per_second_ = sum / (static_cast<double>(measured) * seconds(step));
}

void WatchedQueue::restore(TimePoint now, const HistoryRestored& past) {
  std::vector<IntervalCount> before(past.arrivals.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    before[i].arrivals = past.arrivals[i];
    if (i < past.bytes.size()) before[i].bytes = past.bytes[i];
    if (i < past.work_seconds.size()) before[i].work_seconds = past.work_seconds[i];
  }
  if (settings_.lag == Duration(0)) return history_.restore(past.start, before, now);
  // What is not told yet of the newest time may be told.
  while (!before.empty() && before.back().arrivals != before.back().arrivals) before.pop_back();
  if (before.empty()) return;
  counted_until_ = past.start + history_.step() * static_cast<Duration::rep>(before.size());
  history_.restore(past.start, before, *counted_until_);
}

void WatchedQueue::observe_start(Duration start_time) {
  start_times_.observe(start_time);
  ++learnt_;
}

std::optional<WatchMemory> WatchedQueue::memory(TimePoint now) const {
  if (learnt_ == 0) return std::nullopt;
  return WatchMemory{.learnt = learnt_,
                     .scaler = scaler_->memory(now),
                     .starts = start_times_.memory(),
                     .service = service_times_.memory(),
                     .choice = choice_.memory(history_.step())};
}

void WatchedQueue::restore(TimePoint now, const WatchMemory& memory) {
  if (memory.scaler && scaler_->restore(now, *memory.scaler)) learnt_ += memory.learnt;
  (void)service_times_.restore(memory.service, kObservedRestored);
  (void)choice_.restore(memory.choice, history_.step());
  DurationSketch starts;
  if (starts.restore(memory.starts, kObservedRestored) && starts.weight() > start_times_.weight())
    start_times_ = std::move(starts);
}

std::optional<FitRequest> WatchedQueue::take_fit(TimePoint now) {
  const ForecastSettings& settings = settings_.forecast;
  if (settings_.lag == Duration(0)) close_steps(now);
  if (history_.closed() < kStepsBeforeFit) return std::nullopt;
  const bool lost = steps_since_fit_ >= kLostAfterRefits * settings.refit_every;
  if (fit_running_ && !lost) return std::nullopt;
  if (fit_serial_ > 0 && steps_since_fit_ < settings.refit_every) return std::nullopt;
  fit_running_ = true;
  steps_since_fit_ = 0;
  FitRequest request;
  request.queue = settings_.queue;
  request.serial = ++fit_serial_;
  request.step = history_.step();
  request.arrivals = history_.arrivals(settings.history);
  request.start = history_.open_start() - request.step * static_cast<Duration::rep>(request.arrivals.size());
  request.seasons = settings.seasons;
  request.horizon = settings.horizon;
  return request;
}

void WatchedQueue::accept(const ForecastFitted& fitted) {
  if (fitted.serial != fit_serial_) return;
  fit_running_ = false;
  if (fitted.forecasts.empty()) return;
  choice_.accept(fitted.forecasts);
  forecast_serial_ = fitted.serial;
}

bool WatchedQueue::silent(TimePoint now) const {
  return !read_at_ || now - *read_at_ > settings_.silent_after + settings_.lag;
}

DurationSummary WatchedQueue::service_time() const {
  if (settings_.service_time > Duration(0)) return {settings_.service_time, settings_.service_time, 1};
  return summary(service_times_, kServiceGuess);
}

ScalingInputs WatchedQueue::inputs(TimePoint now) const {
  ScalingInputs in;
  in.now = now;
  in.queue = settings_.queue;
  const auto count = [](std::uint64_t messages) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(messages, UINT32_MAX));
  };
  in.backlog.ready = count(reading_.waiting.value_or(0));
  in.backlog.in_flight = count(reading_.in_flight.value_or(0));
  in.backlog.oldest_wait = reading_.oldest_wait.value_or(Duration(0));
  const std::uint32_t set = reading_.instances_set.value_or(plan_.instances);
  const std::uint32_t ready = std::min(set, reading_.instances_ready.value_or(set));
  const std::uint32_t capacity = std::max<std::uint32_t>(1, settings_.scaling.instance_capacity);
  in.instances.busy = std::min(ready, (in.backlog.in_flight + capacity - 1) / capacity);
  in.instances.idle = ready - in.instances.busy;
  in.instances.starting = set - ready;
  in.instances_limit = settings_.scaling.instances_max;
  in.service_time = service_time();
  const Duration lead = settings_.target.lead > Duration(0) ? settings_.target.lead : kServiceGuess;
  in.start_time = summary(start_times_, lead);
  const double guess = lead > settings_.scaling.objective ? 1 : 0;
  in.late_if_cold =
      (start_times_.weight_above(settings_.scaling.objective) + guess) / (start_times_.weight() + 1);
  in.forecast = choice_.best(now);
  if (in.forecast != nullptr) in.forecast_loss = choice_.loss(in.forecast->model);
  in.naive_loss = choice_.naive_loss();
  in.forecast_serial = forecast_serial_;
  if (history_.closed() > 0) in.arrivals_last_step = history_.closed_at(0).arrivals;
  in.arrivals_per_second = static_cast<float>(arrivals_per_second_);
  in.step = history_.step();
  return in;
}

ScalingPlan WatchedQueue::plan(TimePoint now) {
  const ScalingInputs in = inputs(now);
  ScalingPlan plan = scaler_->plan(in);
  plan.queue = settings_.queue;
  // The reactive net: what waits is started for whatever the forecast says.
  const std::uint32_t most = std::min(settings_.scaling.instances_max, in.instances_limit);
  const std::uint32_t net = std::min(most, in.instances.usable() + scaler_->start_now(in));
  if (in.backlog.ready > 0 && net > plan.instances) {
    plan.instances = net;
    plan.reason.constraint = Constraint::Backlog;
  }
  if (silent(now) && plan.instances <= in.instances.usable()) {
    plan.instances = in.instances.usable();
    plan.reason.constraint = Constraint::Silence;
  }
  plan_ = plan;
  return plan;
}

DirectiveCourse WatchedQueue::directives(TimePoint now, const std::optional<TierPrices>& prices) const {
  constexpr std::size_t kSlotsMax = 60;
  // A course of what is not known any more would take away instances.
  if (silent(now)) return {};
  const ScalingInputs in = inputs(now);
  const Duration slot = slot_of(settings_.target, in.step);
  const Duration ahead = in.step * static_cast<Duration::rep>(settings_.forecast.horizon);
  const auto count = std::clamp<std::size_t>(static_cast<std::size_t>(ahead / slot), 1, kSlotsMax);
  const std::vector<ProjectedSlot> slots = scaler_->project(in, slot, count);
  const std::uint32_t set_now = reading_.instances_set.value_or(plan_.instances);
  const double late_share = std::clamp(settings_.scaling.late_share_max, 1e-4, 0.5);
  const std::vector<std::uint32_t> set =
      set_least_cost(slots, set_now, settings_.target, seconds(in.start_time.mean), 1 / late_share - 1);
  ActuatorModel timed = settings_.target;
  timed.lead = std::max(timed.lead, planned_lead(in.start_time));
  DirectiveCourse course{.directives = directives_of(settings_.queue, slots, set, set_now, timed),
                         .tiers = {}};
  if (prices) course.tiers = cheapest_tiers(slots, set, *prices);
  return course;
}

}  // namespace forewarm
