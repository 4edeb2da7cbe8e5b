#include "core/route/pool.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "base/check.h"

namespace forewarm {
namespace {

constexpr std::uint32_t kFailuresUnfit = 3;  ///< in a row: more likely the instance than the messages

bool is_free(const Pool::Instance& instance) {
  return instance.state == InstanceState::Idle || instance.state == InstanceState::Frozen;
}

}  // namespace

void Pool::configure(const FunctionSettings& settings) {
  settings_ = settings;
}

std::uint64_t Pool::instance_bytes() const {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 44;
  return settings_.variants.empty() ? 0 : std::min(settings_.variants.front().memory_bytes, kMost);
}

void Pool::start(InstanceId id, TimePoint now, QueueId queue, std::uint16_t variant) {
  const auto place = std::ranges::lower_bound(instances_, id, {}, &Instance::id);
  check(place == instances_.end() || place->id != id, "an instance is started once");
  Instance instance;
  instance.id = id;
  instance.version = settings_.version;
  instance.variant = variant;
  instance.memory_bytes = instance_bytes();
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

void Pool::begin_run(InstanceId id, RunId run, TimePoint now) {
  Instance* instance = find_mutable(id);
  check(instance && instance->state == InstanceState::Idle, "a run begins on an idle instance");
  instance->run = run;
  instance->last_used = now;
  ++instance->runs;
  enter(*instance, InstanceState::Busy, now);
}

void Pool::end_run(InstanceId id, TimePoint now, bool success) {
  Instance* instance = find_mutable(id);
  check(instance && instance->state == InstanceState::Busy, "a run ends on a busy instance");
  instance->run = RunId();
  instance->last_used = now;
  constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();
  instance->failures_in_row = success ? 0 : std::min(instance->failures_in_row, kMost - 1) + 1;
  enter(*instance, InstanceState::Idle, now);
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
  instances_.erase(instances_.begin() + (instance - instances_.data()));
  return gone;
}

const Pool::Instance* Pool::find(InstanceId id) const {
  return const_cast<Pool*>(this)->find_mutable(id);
}

std::optional<InstanceId> Pool::choose(const InstanceNeed& need) const {
  const auto suits_less = [this](const Instance& a, const Instance& b) {
    const auto rank = [this](const Instance& instance) {
      return std::tuple(instance.version == settings_.version,
                        -static_cast<std::int64_t>(instance.failures_in_row),
                        instance.state == InstanceState::Idle, instance.last_used);
    };
    return rank(a) < rank(b);
  };
  const Instance* best = nullptr;
  const Instance* avoided = nullptr;
  for (const Instance& instance : instances_) {
    if (!is_free(instance)) continue;
    if (instance.variant < settings_.variants.size() &&
        settings_.variants[instance.variant].memory_bytes < need.memory_bytes_min) {
      continue;
    }
    if (instance.id == need.not_this) {
      avoided = &instance;
    } else if (!best || suits_less(*best, instance)) {
      best = &instance;
    }
  }
  if (best) return best->id;
  // Alone, the one that failed the message is better than nobody; else another is worth the wait.
  if (avoided && counts_.usable() == 1) return avoided->id;
  return std::nullopt;
}

std::optional<InstanceId> Pool::coldest() const {
  const auto rank = [this](const Instance& instance) {
    return std::tuple(instance.version == settings_.version, instance.failures_in_row < kFailuresUnfit,
                      instance.last_used);
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

std::optional<InstanceId> Pool::unfit() const {
  for (const Instance& instance : instances_) {
    if (!is_free(instance)) continue;
    if (instance.version != settings_.version || instance.failures_in_row >= kFailuresUnfit)
      return instance.id;
  }
  return std::nullopt;
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
