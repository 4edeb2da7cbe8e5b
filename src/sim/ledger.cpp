#include "sim/ledger.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace forewarm {
namespace {

constexpr unsigned kSubBits = 5;  // 32 buckets a power of two

std::size_t bucket_index(std::uint64_t us) {
  if (us < (1U << kSubBits)) return us;
  const unsigned shift = static_cast<unsigned>(std::bit_width(us)) - 1 - kSubBits;
  return (static_cast<std::size_t>(shift + 1) << kSubBits) + ((us >> shift) - (1U << kSubBits));
}

std::uint64_t bucket_end(std::size_t index) {
  if (index < (1U << kSubBits)) return index;
  const std::size_t shift = (index >> kSubBits) - 1;
  return (((index & ((1U << kSubBits) - 1)) + (1U << kSubBits) + 1) << shift) - 1;
}

}  // namespace

void DurationCounts::add(Duration value) {
  const std::size_t index =
      bucket_index(static_cast<std::uint64_t>(std::max<std::int64_t>(0, value.count())));
  if (index >= buckets_.size()) buckets_.resize(index + 1);
  ++buckets_[index];
  ++count_;
  sum_seconds_ += seconds(std::max(value, Duration(0)));
}

void DurationCounts::add(const DurationCounts& other) {
  if (other.buckets_.size() > buckets_.size()) buckets_.resize(other.buckets_.size());
  for (std::size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_seconds_ += other.sum_seconds_;
}

Duration DurationCounts::mean() const {
  return count_ == 0 ? Duration(0) : from_seconds(sum_seconds_ / static_cast<double>(count_));
}

Duration DurationCounts::quantile(double level) const {
  if (count_ == 0) return Duration(0);
  const auto rank = static_cast<std::uint64_t>(level * static_cast<double>(count_ - 1));
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    below += buckets_[i];
    if (below > rank) return Duration(static_cast<std::int64_t>(bucket_end(i)));
  }
  return Duration(0);
}

void QueueLedger::add(const QueueLedger& other) {
  messages += other.messages;
  started += other.started;
  late += other.late;
  unstarted += other.unstarted;
  cold_starts += other.cold_starts;
  starts += other.starts;
  direction_changes += other.direction_changes;
  start_failures += other.start_failures;
  instances_lost += other.instances_lost;
  runs += other.runs;
  requests += other.requests;
  runs_failed += other.runs_failed;
  dead_lettered += other.dead_lettered;
  expired += other.expired;
  starting_seconds += other.starting_seconds;
  idle_seconds += other.idle_seconds;
  frozen_seconds += other.frozen_seconds;
  busy_seconds += other.busy_seconds;
  instance_rounding_seconds += other.instance_rounding_seconds;
  run_rounding_seconds += other.run_rounding_seconds;
  instances_peak += other.instances_peak;
  waits.add(other.waits);
}

void TimelineBucket::add(const TimelineBucket& other) {
  arrivals += other.arrivals;
  late += other.late;
  instance_seconds += other.instance_seconds;
  busy_seconds += other.busy_seconds;
}

Ledger::Ledger(const Options& options)
    : bucket_(options.bucket),
      score_from_(options.score_from),
      score_until_(options.score_until),
      lines_from_(options.lines_of_scored ? std::max(options.start, score_from_) : options.start),
      lines_until_(options.lines_of_scored ? score_until_ : TimePoint::max()),
      billing_(options.billing),
      ids_(options.queues),
      books_(ids_.size()) {
  check(bucket_ > Duration(0), "a time line's bucket has a width");
  meters_.assign(ids_.size(), Meter{.counts = {}, .charged = options.start});
  lines_.resize(ids_.size());
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    index_.insert(ids_[i], static_cast<std::uint32_t>(i));
    const auto mapping = std::ranges::find(options.configuration.mappings, ids_[i], &MappingSettings::queue);
    const bool mapped = mapping != options.configuration.mappings.end();
    objectives_.push_back(mapped ? mapping->scaling.objective : ScalingSettings{}.objective);
  }
}

std::uint32_t Ledger::index_of(QueueId queue) const {
  const std::uint32_t* found = index_.find(queue);
  check(found != nullptr, "a ledger knows its queues");
  return *found;
}

TimelineBucket& Ledger::bucket(std::uint32_t queue, TimePoint at) {
  const auto index = static_cast<std::size_t>(std::max<std::int64_t>(0, (at - lines_from_) / bucket_));
  std::vector<TimelineBucket>& line = lines_[queue];
  if (index >= line.size()) line.resize(index + 1);
  return line[index];
}

void Ledger::charge(std::uint32_t queue, TimePoint now) {
  Meter& meter = meters_[queue];
  if (now <= meter.charged) return;
  const TimePoint from = std::max(meter.charged, score_from_);
  const double took = std::max(0.0, seconds(std::min(now, score_until_) - from));
  QueueLedger& book = books_[queue];
  if (took > 0) {
    book.instances_peak = std::max(book.instances_peak, meter.counts.all());
    book.levels.add(took, meter.counts);
  }
  book.starting_seconds += took * meter.counts.starting;
  book.idle_seconds += took * meter.counts.idle;
  book.frozen_seconds += took * meter.counts.frozen;
  book.busy_seconds += took * meter.counts.busy;
  const std::uint32_t all = meter.counts.all();
  const TimePoint line_end = std::min(now, lines_until_);
  for (TimePoint at = std::max(meter.charged, lines_from_); all > 0 && at < line_end;) {
    const TimePoint ends = std::min(line_end, lines_from_ + bucket_ * ((at - lines_from_) / bucket_ + 1));
    const double part = seconds(ends - at);
    TimelineBucket& column = bucket(queue, at);
    column.instance_seconds += part * all;
    column.busy_seconds += part * meter.counts.busy;
    at = ends;
  }
  meter.charged = now;
}

void Ledger::count_direction(std::uint32_t queue, int direction, TimePoint now) {
  int& before = meters_[queue].direction;
  if (before == -direction && scored(now)) ++books_[queue].direction_changes;
  before = direction;
}

void Ledger::count_late(const Waiting& waiting) {
  ++books_[waiting.queue].late;
  ++bucket(waiting.queue, waiting.came).late;
}

/// A stopping one is charged for in the state that it was in.
std::uint32_t& Ledger::count_of(InstanceCounts& counts, InstanceState state) {
  switch (state) {
    case InstanceState::Starting:
      return counts.starting;
    case InstanceState::Busy:
      return counts.busy;
    case InstanceState::Frozen:
      return counts.frozen;
    case InstanceState::Idle:
    case InstanceState::Stopping:
      break;
  }
  return counts.idle;
}

void Ledger::enter(Instance& instance, InstanceState state, TimePoint now) {
  charge(instance.queue, now);
  InstanceCounts& counts = meters_[instance.queue].counts;
  --count_of(counts, instance.state);
  ++count_of(counts, state);
  instance.state = state;
}

void Ledger::run_ended(const Instance& instance, TimePoint now) {
  if (instance.state != InstanceState::Busy || !scored(now)) return;
  books_[instance.queue].run_rounding_seconds += seconds(billing_.run_rounding(now - instance.busy_since));
}

void Ledger::observe(const TimedEvent& event, const Actions& actions) {
  ++events_;
  on_event(event);
  for (const Action& action : actions) on_action(action, event.time);
}

void Ledger::on_event(const TimedEvent& event) {
  if (const auto* arrived = std::get_if<MessageArrived>(&event.event)) {
    if (arrived->origin != Origin::Sent) return;
    const std::uint32_t queue = index_of(arrived->message.queue);
    if (event.time >= lines_from_ && event.time < lines_until_) ++bucket(queue, event.time).arrivals;
    if (!scored(event.time)) return;
    ++books_[queue].messages;
    newest_message_ = std::max(newest_message_, arrived->message.id.value());
    waiting_.insert(arrived->message.id,
                    {queue, event.time, std::max(arrived->message.visible_at, arrived->message.sent)});
  } else if (const auto* ready = std::get_if<InstanceReady>(&event.event)) {
    if (Instance* instance = instances_.find(ready->instance)) {
      enter(*instance, InstanceState::Idle, event.time);
      instance->ready = event.time;
    }
  } else if (const auto* finished = std::get_if<RunFinished>(&event.event)) {
    const InstanceId* id = runs_.find(finished->run);
    if (id == nullptr) return;
    if (Instance* instance = instances_.find(*id)) {
      run_ended(*instance, event.time);
      enter(*instance, InstanceState::Idle, event.time);
      if (finished->error != ErrorClass::None) ++books_[instance->queue].runs_failed;
    }
    runs_.erase(finished->run);
  } else if (const auto* lost = std::get_if<InstanceLost>(&event.event)) {
    Instance* instance = instances_.find(lost->instance);
    if (instance == nullptr) return;
    charge(instance->queue, event.time);
    --count_of(meters_[instance->queue].counts, instance->state);
    run_ended(*instance, event.time);
    count_direction(instance->queue, -1, event.time);
    QueueLedger& book = books_[instance->queue];
    if (scored(event.time))
      book.instance_rounding_seconds += seconds(billing_.instance_rounding(event.time - instance->started));
    const bool start = lost->reason == LossReason::StartFailed || lost->reason == LossReason::StartTimeout;
    if (start) ++book.start_failures;
    if (!start && lost->reason != LossReason::Stopped) ++book.instances_lost;
    instances_.erase(lost->instance);
  }
}

void Ledger::first_start(const Lease& lease, TimePoint now, const Instance* instance) {
  const Waiting* found = waiting_.find(lease.message);
  if (found == nullptr) return;
  const Waiting waiting = *found;
  waiting_.erase(lease.message);
  QueueLedger& book = books_[waiting.queue];
  const Duration wait = now - waiting.due;
  ++book.started;
  book.waits.add(wait);
  if (wait > objectives_[waiting.queue]) count_late(waiting);
  if (instance != nullptr && instance->ready > waiting.due) ++book.cold_starts;
}

void Ledger::on_action(const Action& action, TimePoint now) {
  if (const auto* run = std::get_if<Run>(&action)) {
    Instance* instance = instances_.find(run->instance);
    QueueLedger& book = books_[index_of(run->queue)];
    ++book.runs;
    if (scored(now)) ++book.requests;
    for (const Lease& lease : run->leases) first_start(lease, now, instance);
    if (instance == nullptr) return;
    enter(*instance, InstanceState::Busy, now);
    instance->busy_since = now;
    runs_.insert(run->run, run->instance);
  } else if (const auto* deliver = std::get_if<Deliver>(&action)) {
    for (const Lease& lease : deliver->leases) first_start(lease, now, nullptr);
  } else if (const auto* start = std::get_if<StartInstance>(&action)) {
    const std::uint32_t queue = index_of(start->queue);
    charge(queue, now);
    if (scored(now)) ++books_[queue].starts;
    count_direction(queue, 1, now);
    ++meters_[queue].counts.starting;
    instances_.insert(start->instance,
                      {.queue = queue, .state = InstanceState::Starting, .ready = kNever, .started = now});
  } else if (const auto* freeze = std::get_if<FreezeInstance>(&action)) {
    if (Instance* instance = instances_.find(freeze->instance)) enter(*instance, InstanceState::Frozen, now);
  } else if (const auto* thaw = std::get_if<ThawInstance>(&action)) {
    if (Instance* instance = instances_.find(thaw->instance)) enter(*instance, InstanceState::Idle, now);
  } else if (const auto* gone = std::get_if<Delete>(&action)) {
    if (const Waiting* waiting = waiting_.find(gone->message)) {
      if (gone->reason == DeleteReason::Expired) ++books_[waiting->queue].expired;
      waiting_.erase(gone->message);
    }
  } else if (const auto* move = std::get_if<Move>(&action)) {
    if (move->reason != MoveReason::Redrive) ++books_[index_of(move->from)].dead_lettered;
  }
}

void Ledger::finish(TimePoint end) {
  for (std::uint32_t queue = 0; queue < books_.size(); ++queue) charge(queue, end);
  for (std::uint64_t id = 1; id <= newest_message_ && !waiting_.empty(); ++id) {
    const Waiting* waiting = waiting_.find(MessageId(id));
    if (waiting == nullptr) continue;
    QueueLedger& book = books_[waiting->queue];
    ++book.unstarted;
    if (end - waiting->due > objectives_[waiting->queue]) count_late(*waiting);
    waiting_.erase(MessageId(id));
  }
}

QueueLedger Ledger::total() const {
  QueueLedger sum;
  for (const QueueLedger& book : books_) sum.add(book);
  return sum;
}

std::vector<TimelineBucket> Ledger::timeline() const {
  std::vector<TimelineBucket> sum;
  for (const auto& line : lines_) {
    if (line.size() > sum.size()) sum.resize(line.size());
    for (std::size_t i = 0; i < line.size(); ++i) sum[i].add(line[i]);
  }
  return sum;
}

}  // namespace forewarm
