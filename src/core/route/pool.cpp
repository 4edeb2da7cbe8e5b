#include "core/route/pool.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "base/check.h"

namespace forewarm {
namespace {

constexpr std::uint32_t kFailuresUnfit = 3;  ///< in a row, at least
constexpr double kChanceUnfit = 0.0011;      ///< of so many failures in a row if messages alone were at fault
// Before a function has failed at all, every tenth run is thought to.
constexpr double kPriorFailed = 1, kPriorRuns = 10;
constexpr double kRunsKept = 63.0 / 64;
constexpr Duration kEjectionWindow = 30s;

bool is_free(const Pool::Instance& instance) {
  return instance.state == InstanceState::Idle || instance.state == InstanceState::Frozen;
}

}  // namespace

void Pool::configure(const FunctionSettings& settings) {
  settings_ = settings;
}

std::uint64_t Pool::instance_bytes(std::uint16_t variant) const {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 44;
  return variant < settings_.variants.size() ? std::min(settings_.variants[variant].memory_bytes, kMost) : 0;
}

std::uint64_t Pool::instance_bytes_min() const {
  std::uint64_t least = instance_bytes(0);
  const auto variants = static_cast<std::uint16_t>(settings_.variants.size());
  for (std::uint16_t v = 1; v < variants; ++v) least = std::min(least, instance_bytes(v));
  return least;
}

void Pool::start(InstanceId id, TimePoint now, QueueId queue, std::uint16_t variant) {
  const auto place = std::ranges::lower_bound(instances_, id, {}, &Instance::id);
  check(place == instances_.end() || place->id != id, "an instance is started once");
  Instance instance;
  instance.id = id;
  instance.version = settings_.version;
  instance.variant = variant;
  instance.memory_bytes = instance_bytes(variant);
  instance.since = now;
  instance.last_used = now;
  instance.started_for = queue;
  instances_.insert(place, instance);
  ++counts_.starting;
}

bool Pool::ready(InstanceId id, TimePoint now) {
  Instance* instance = find_mutable(id);
  if (!instance) return false;
  // One that was told to stop while it started stays on its way out.
  if (instance->state == InstanceState::Starting) {
    instance->ready_at = now;
    enter(*instance, InstanceState::Idle, now);
  }
  return true;
}

void Pool::begin_run(InstanceId id, RunId run, TimePoint now, TimePoint free_at, std::uint64_t group) {
  Instance* instance = find_mutable(id);
  check(instance && instance->state == InstanceState::Idle, "a run begins on an idle instance");
  instance->run = run;
  instance->last_used = now;
  instance->free_at = free_at;
  instance->group = group;
  ++instance->runs;
  enter(*instance, InstanceState::Busy, now);
}

void Pool::end_run(InstanceId id, TimePoint now, std::optional<bool> success) {
  Instance* instance = find_mutable(id);
  check(instance && instance->state == InstanceState::Busy, "a run ends on a busy instance");
  instance->run = RunId();
  instance->last_used = now;
  if (success) {
    constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();
    instance->failures_in_row = *success ? 0 : std::min(instance->failures_in_row, kMost - 1) + 1;
    runs_ = runs_ * kRunsKept + 1;
    runs_failed_ = runs_failed_ * kRunsKept + (*success ? 0 : 1);
  }
  enter(*instance, InstanceState::Idle, now);
}

void Pool::observe(InstanceId id, const ServiceModel::Surprise& surprise) {
  Instance* instance = find_mutable(id);
  if (!instance) return;
  suspects_ -= instance->health.suspect() ? 1U : 0U;
  instance->health.observe(surprise, surprise_level_);
  suspects_ += instance->health.suspect() ? 1U : 0U;
  surprise_level_.observe(surprise);
}

void Pool::freeze(InstanceId id) {
  Instance* instance = find_mutable(id);
  check(instance && instance->state == InstanceState::Idle, "only an idle instance is frozen");
  enter(*instance, InstanceState::Frozen, instance->since);
}

void Pool::thaw(InstanceId id) {
  Instance* instance = find_mutable(id);
  check(instance && instance->state == InstanceState::Frozen, "only a frozen instance is thawed");
  enter(*instance, InstanceState::Idle, instance->since);
}

void Pool::stop(InstanceId id, TimePoint now) {
  Instance* instance = find_mutable(id);
  check(instance && instance->state != InstanceState::Busy,
        "an instance that runs something is never stopped");
  check(instance->state != InstanceState::Frozen, "a frozen instance is thawed before it is stopped");
  enter(*instance, InstanceState::Stopping, now);
}

std::optional<Pool::Instance> Pool::lost(InstanceId id) {
  Instance* instance = find_mutable(id);
  if (!instance) return std::nullopt;
  const Instance gone = *instance;
  --count_of(gone.state);
  suspects_ -= gone.health.suspect() ? 1U : 0U;
  instances_.erase(instances_.begin() + (instance - instances_.data()));
  return gone;
}

const Pool::Instance* Pool::find(InstanceId id) const {
  return const_cast<Pool*>(this)->find_mutable(id);
}

std::uint32_t Pool::usable(std::uint16_t variant) const {
  return static_cast<std::uint32_t>(std::ranges::count_if(instances_, [&](const Instance& instance) {
    return instance.variant == variant && instance.state != InstanceState::Stopping;
  }));
}

std::optional<InstanceId> Pool::choose(const InstanceNeed& need, RoutingDecision* why) const {
  const auto its_group = [&need](const Instance& instance) {
    return need.group != 0 && instance.group == need.group;
  };
  const auto rank = [&](const Instance& instance) {
    return std::tuple(instance.version == settings_.version,
                      -static_cast<std::int64_t>(instance.failures_in_row), its_group(instance),
                      instance.state == InstanceState::Idle, instance.last_used);
  };
  const Instance* best = nullptr;
  const Instance* avoided = nullptr;
  std::uint32_t free = 0;
  bool failing = false;
  for (const Instance& instance : instances_) {
    if (!is_free(instance) || instance.memory_bytes < need.memory_bytes_min) continue;
    ++free;
    failing = failing || instance.failures_in_row > 0;
    if (instance.id == need.not_this) {
      avoided = &instance;
    } else if (!best || rank(*best) < rank(instance)) {
      best = &instance;
    }
  }
  // Alone, the one that failed the message is better than nobody; else another is worth the wait.
  if (!best && avoided && counts_.usable() == 1) best = avoided;
  if (!best) return std::nullopt;
  if (why) {
    const bool other = avoided && best != avoided && rank(*best) < rank(*avoided);
    why->reason = free == 1          ? RouteReason::Only
                  : other            ? RouteReason::Other
                  : failing          ? RouteReason::Failures
                  : its_group(*best) ? RouteReason::Group
                                     : RouteReason::Warmest;
    why->variant = best->variant;
    why->free = free;
  }
  return best->id;
}

std::optional<InstanceId> Pool::coldest() const {
  const auto rank = [this](const Instance& instance) {
    return std::tuple(instance.version == settings_.version, !fails_by_itself(instance),
                      !instance.health.convicted(), instance.last_used);
  };
  const Instance* first = nullptr;
  for (const Instance& instance : instances_) {
    if (is_free(instance) && (!first || rank(instance) < rank(*first))) first = &instance;
  }
  if (!first) return std::nullopt;
  return first->id;
}

std::vector<const Pool::Instance*> Pool::free() const {
  std::vector<const Instance*> free;
  for (const Instance& instance : instances_) {
    if (is_free(instance)) free.push_back(&instance);
  }
  std::ranges::stable_sort(free, {}, &Instance::last_used);
  return free;
}

/// A bad release or a dead database fails on every instance: starting others would not help.
bool Pool::fails_by_itself(const Instance& instance) const {
  const std::uint32_t in_row = instance.failures_in_row;
  if (in_row < kFailuresUnfit) return false;
  const double failed = std::max(0.0, runs_failed_ - in_row) + kPriorFailed;
  const double share = std::min(1.0, failed / (std::max(0.0, runs_ - in_row) + kPriorRuns));
  double chance = 1;
  for (std::uint32_t n = 0; n < in_row && chance > kChanceUnfit; ++n) chance *= share;
  return chance <= kChanceUnfit;
}

bool Pool::may_eject(ScaleReason reason, TimePoint now) const {
  const auto recent = static_cast<std::size_t>(std::ranges::count_if(
      ejected_, [now](TimePoint at) { return saturating_add(at, kEjectionWindow) > now; }));
  const std::size_t of = reason == ScaleReason::Slow ? 5 : 2;
  return recent < std::max<std::size_t>(1, counts_.usable() / of);
}

ScaleReason Pool::why_unfit(const Instance& instance) const {
  if (instance.version != settings_.version) return ScaleReason::Outdated;
  return fails_by_itself(instance) ? ScaleReason::Failing : ScaleReason::Slow;
}

std::optional<InstanceId> Pool::unfit(TimePoint now) const {
  constexpr std::uint32_t kServeMeanwhile = 3;
  for (const Instance& instance : instances_) {
    if (!is_free(instance)) continue;
    if (instance.version != settings_.version) return instance.id;
    if (fails_by_itself(instance) && may_eject(ScaleReason::Failing, now)) return instance.id;
    const bool others = counts_.idle + counts_.busy + counts_.frozen >= kServeMeanwhile;
    if (instance.health.convicted() && others && may_eject(ScaleReason::Slow, now)) return instance.id;
  }
  return std::nullopt;
}

void Pool::eject(InstanceId id, TimePoint now) {
  const Instance* instance = find(id);
  if (!instance || instance->version != settings_.version) return;
  std::erase_if(ejected_, [now](TimePoint at) { return saturating_add(at, kEjectionWindow) <= now; });
  ejected_.push_back(now);
}

Pool::Instance* Pool::find_mutable(InstanceId id) {
  const auto found = std::ranges::lower_bound(instances_, id, {}, &Instance::id);
  return found != instances_.end() && found->id == id ? &*found : nullptr;
}

std::uint32_t& Pool::count_of(InstanceState state) {
  switch (state) {
    case InstanceState::Starting:
      return counts_.starting;
    case InstanceState::Idle:
      return counts_.idle;
    case InstanceState::Busy:
      return counts_.busy;
    case InstanceState::Frozen:
      return counts_.frozen;
    case InstanceState::Stopping:
      break;
  }
  return counts_.stopping;
}

void Pool::enter(Instance& instance, InstanceState state, TimePoint since) {
  --count_of(instance.state);
  ++count_of(state);
  instance.state = state;
  instance.since = since;
}

}  // namespace forewarm
