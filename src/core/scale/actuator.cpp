#include "core/scale/actuator.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace forewarm {
namespace {

constexpr std::size_t kSlotsMax = 64;
constexpr double kNotPossible = std::numeric_limits<double>::infinity();

std::uint32_t multiple_of(std::uint32_t instances, std::uint32_t granularity) {
  const std::uint64_t step = std::max(1U, granularity);
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>((instances + step - 1) / step * step, UINT32_MAX));
}

/// Numbers that can be of use: those wanted, for each the least above it that the target would not ignore,
/// and the way up in changes as large as may be.
std::vector<std::uint32_t> numbers_of_use(std::span<const ProjectedSlot> slots, std::uint32_t now_set,
                                          const ActuatorModel& actuator) {
  std::vector<std::uint32_t> numbers{now_set};
  for (const ProjectedSlot& slot : slots)
    numbers.push_back(multiple_of(slot.instances, actuator.granularity));
  if (actuator.dead_band > 0) {
    for (std::size_t i = 0, wanted = numbers.size(); i < wanted; ++i) {
      const double moved = std::floor(numbers[i] * (1 + actuator.dead_band)) + 1;
      if (moved < 4e9)
        numbers.push_back(multiple_of(static_cast<std::uint32_t>(moved), actuator.granularity));
    }
  }
  const std::uint32_t most = *std::ranges::max_element(numbers);
  if (actuator.change_max > 0) {
    std::uint64_t rung = std::uint64_t{now_set} + actuator.change_max;
    for (std::size_t i = 0; i < slots.size() && rung < most; ++i, rung += actuator.change_max) {
      const auto whole = static_cast<std::uint32_t>(rung);
      numbers.push_back(whole - whole % std::max(1U, actuator.granularity));
    }
  }
  std::ranges::sort(numbers);
  const auto repeated = std::ranges::unique(numbers);
  numbers.erase(repeated.begin(), repeated.end());
  return numbers;
}

/// What going from one number to another costs; infinite where the target would not do it.
double change_cost(std::uint32_t from, std::uint32_t to, const ActuatorModel& actuator,
                   double start_seconds) {
  if (to == from) return 0;
  const double moved = std::abs(static_cast<double>(to) - from);
  if (actuator.dead_band > 0 && from > 0 && moved <= actuator.dead_band * from) return kNotPossible;
  if (to < from) return actuator.change_cost_seconds;
  if (actuator.change_max > 0 && moved > actuator.change_max) return kNotPossible;
  return actuator.change_cost_seconds + moved * start_seconds;
}

double slot_cost(const ProjectedSlot& slot, std::uint32_t set, double missing_price) {
  const double over = static_cast<double>(set) - slot.instances;
  const double forbidden = set > slot.most ? static_cast<double>(set) - slot.most : 0;
  return slot.outlook.seconds * (forbidden * missing_price + (over >= 0 ? over : -over * missing_price));
}

}  // namespace

Duration slot_of(const ActuatorModel& actuator, Duration step) {
  return std::max({step, actuator.change_every, actuator.minimum_billing});
}

std::vector<std::uint32_t> set_least_cost(std::span<const ProjectedSlot> slots, std::uint32_t now_set,
                                          const ActuatorModel& actuator, double start_seconds,
                                          double missing_price) {
  check(slots.size() <= kSlotsMax, "at most 64 slots");
  const std::vector<std::uint32_t> numbers = numbers_of_use(slots, now_set, actuator);
  // From the last slot to the first: the least cost from here on by what was set before, and what to set
  // then.
  std::vector<double> later(numbers.size(), 0);
  std::vector<std::vector<std::size_t>> best(slots.size(), std::vector<std::size_t>(numbers.size()));
  for (std::size_t slot = slots.size(); slot-- > 0;) {
    std::vector<double> here(numbers.size());
    for (std::size_t to = 0; to < numbers.size(); ++to)
      here[to] = slot_cost(slots[slot], numbers[to], missing_price) + later[to];
    for (std::size_t from = 0; from < numbers.size(); ++from) {
      double least = here[from];
      best[slot][from] = from;
      for (std::size_t to = 0; to < numbers.size(); ++to) {
        const double cost = here[to] + change_cost(numbers[from], numbers[to], actuator, start_seconds);
        if (cost >= least) continue;
        least = cost;
        best[slot][from] = to;
      }
      later[from] = least;
    }
  }
  std::vector<std::uint32_t> set;
  auto at = static_cast<std::size_t>(std::ranges::lower_bound(numbers, now_set) - numbers.begin());
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    at = best[slot][at];
    set.push_back(numbers[at]);
  }
  return set;
}

std::vector<Directive> directives_of(QueueId queue, std::span<const ProjectedSlot> slots,
                                     std::span<const std::uint32_t> set, std::uint32_t now_set,
                                     const ActuatorModel& actuator) {
  std::vector<Directive> directives;
  std::uint32_t before = now_set;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const ProjectedSlot& slot = slots[i];
    const TimePoint end = saturating_add(slot.at, from_seconds(slot.outlook.seconds));
    if (set[i] != before) {
      Directive& next = directives.emplace_back();
      next.queue = queue;
      // Fewer take no time to be ready, and must not go while they are needed.
      next.set_at = set[i] > before ? saturating_add(slot.at, -actuator.lead) : slot.at;
      next.from = slot.at;
      next.instances = set[i];
      next.before = before;
      next.reason = slot.reason;
      before = set[i];
    }
    if (directives.empty()) continue;
    Directive& directive = directives.back();
    directive.until = end;
    const double more = static_cast<double>(directive.instances) - directive.before;
    directive.cost_seconds += more * slot.outlook.seconds;
    directive.late_messages_saved += expected_late_messages(slot.outlook, directive.before) -
                                     expected_late_messages(slot.outlook, directive.instances);
  }
  return directives;
}

}  // namespace forewarm
