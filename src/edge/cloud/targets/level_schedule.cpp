#include "edge/cloud/targets/level_schedule.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

namespace forewarm {
namespace {

constexpr Duration kDueWithin = 10s;
constexpr Duration kPassedKept = 10min;
constexpr std::size_t kNumberDigits = 3;

std::vector<ScheduledLevel> to_come(std::span<const ScheduledLevel> there, TimePoint now) {
  std::vector<ScheduledLevel> pending;
  std::ranges::copy_if(there, std::back_inserter(pending),
                       [now](const ScheduledLevel& level) { return level.at > now; });
  std::ranges::sort(pending, {}, [](const ScheduledLevel& level) { return std::pair(level.at, level.name); });
  return pending;
}

/// Which of the levels that are there stand for which wanted ones.
struct LevelMatch {
  std::vector<std::optional<std::size_t>> of_wanted;  ///< index of what is there
  std::vector<bool> used;
};

LevelMatch match_levels(std::span<const ScheduledLevel> pending, std::span<const PlannedLevel> wanted,
                        std::uint32_t set, std::optional<Duration> slack) {
  LevelMatch match{std::vector<std::optional<std::size_t>>(wanted.size()),
                   std::vector<bool>(pending.size(), false)};
  std::uint32_t before = set;
  for (std::size_t w = 0; w < wanted.size(); ++w) {
    const PlannedLevel& want = wanted[w];
    const bool rise = want.instances > std::exchange(before, want.instances);
    const std::uint32_t more = slack ? std::max<std::uint32_t>(1, want.instances / 10) : 0;
    const Duration off = slack.value_or(Duration(0));
    const TimePoint from = rise ? want.at - off : want.at, to = rise ? want.at : want.at + off;
    for (std::size_t p = 0; p < pending.size() && !match.of_wanted[w]; ++p) {
      const ScheduledLevel& level = pending[p];
      const bool good = level.at >= from && level.at <= to && level.instances >= want.instances &&
                        level.instances - want.instances <= more;
      if (!good || match.used[p]) continue;
      match.used[p] = true;
      match.of_wanted[w] = p;
    }
  }
  return match;
}

/// Whether there are as many instances as wanted at any time, with what stands for them in the same order.
bool is_enough(std::span<const ScheduledLevel> pending, std::span<const PlannedLevel> wanted,
               const LevelMatch& match) {
  std::vector<PlannedLevel> kept;
  for (std::size_t w = 0; w < wanted.size(); ++w) {
    const auto& p = match.of_wanted[w];
    kept.push_back(p ? PlannedLevel{pending[*p].at, pending[*p].instances} : wanted[w]);
  }
  // With times that rise strictly the levels come in the order of those wanted; each rise is in time and each
  // fall not early.
  return std::ranges::adjacent_find(
             kept, [](const PlannedLevel& a, const PlannedLevel& b) { return a.at >= b.at; }) == kept.end();
}

/// Numbers of no level that is there.
class FreeNames {
 public:
  FreeNames(std::span<const ScheduledLevel> there, std::string queue)
      : there_(there), queue_(std::move(queue)) {}
  std::string next() {
    std::string name;
    do name = level_name(queue_, ++number_);
    while (std::ranges::find(there_, name, &ScheduledLevel::name) != there_.end());
    return name;
  }

 private:
  std::span<const ScheduledLevel> there_;
  std::string queue_;
  std::size_t number_ = 0;
};

}  // namespace

std::vector<ScheduleChange> schedule_changes(std::span<const ScheduledLevel> there,
                                             std::span<const PlannedLevel> wanted, const ScheduleDiff& diff) {
  const std::vector<ScheduledLevel> pending = to_come(there, diff.now);
  LevelMatch match = match_levels(pending, wanted, diff.set, diff.slack);
  if (!is_enough(pending, wanted, match)) match = match_levels(pending, wanted, diff.set, std::nullopt);
  std::vector<ScheduledLevel> unwanted;
  for (std::size_t p = 0; p < pending.size(); ++p)
    if (!match.used[p]) unwanted.push_back(pending[p]);
  std::vector<ScheduleChange> changes;
  FreeNames names(there, diff.queue);
  auto reused = unwanted.begin();
  for (std::size_t w = 0; w < wanted.size(); ++w) {
    if (match.of_wanted[w] || wanted[w].at - diff.now < kDueWithin) continue;
    const std::string name = reused != unwanted.end() ? (reused++)->name : names.next();
    changes.push_back({ScheduleChange::Kind::Put, {name, wanted[w].at, wanted[w].instances}});
  }
  for (; reused != unwanted.end(); ++reused) changes.push_back({ScheduleChange::Kind::Remove, *reused});
  for (const ScheduledLevel& level : there)
    if (level.at <= diff.now && diff.now - level.at > kPassedKept)
      changes.push_back({ScheduleChange::Kind::Remove, level});
  return changes;
}

std::vector<PlannedLevel> rises_only(std::span<const ScheduledLevel> there, TimePoint now,
                                     std::uint32_t set) {
  std::vector<PlannedLevel> rises;
  for (const ScheduledLevel& level : to_come(there, now)) {
    if (level.instances <= set) continue;
    set = level.instances;
    rises.push_back({level.at, level.instances});
  }
  return rises;
}

std::string level_name(std::string_view queue, std::size_t number) {
  char digits[24];
  const int length = std::snprintf(digits, sizeof digits, "%03zu", number);
  return "forewarm-" + std::string(queue) + "-" + std::string(digits, static_cast<std::size_t>(length));
}

bool is_level_name(std::string_view name, std::string_view queue) {
  const std::string begin = "forewarm-" + std::string(queue) + "-";
  return name.starts_with(begin) && name.size() == begin.size() + kNumberDigits &&
         std::ranges::all_of(name.substr(begin.size()), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace forewarm
