#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/model/directive.h"

namespace forewarm {

/// A number that a target keeps and sets at its time.
struct ScheduledLevel {
  std::string name;
  TimePoint at;  ///< passed for what is not as forewarm writes it
  std::uint32_t instances = 0;

  friend bool operator==(const ScheduledLevel&, const ScheduledLevel&) = default;
};

/// One change of what is kept there.
struct ScheduleChange {
  enum class Kind : std::uint8_t { Put, Remove };
  Kind kind = Kind::Put;
  ScheduledLevel level;  ///< Remove: what was there

  friend bool operator==(const ScheduleChange&, const ScheduleChange&) = default;
};

/// Numbers for times to come that a target keeps itself, so that they are set on time whoever is away then.
/// Only those that forewarm put there for one queue are seen and changed. For one thread, like the target's
/// current(); change_text() for any.
class LevelSchedule {
 public:
  virtual ~LevelSchedule() = default;
  /// In any order, with those whose time has passed as long as they are there. Errors as of current().
  virtual Result<std::vector<ScheduledLevel>> scheduled(const std::stop_token& stop) = 0;
  /// The same change again changes nothing.
  virtual Result<void> change(const ScheduleChange& change, const std::stop_token& stop) = 0;
  /// What change() sends, for people: no secrets.
  virtual std::string change_text(const ScheduleChange& change) const = 0;
};

struct ScheduleDiff {
  TimePoint now;
  std::uint32_t set = 0;         ///< what is set now
  std::string queue;             ///< whose levels these are
  Duration slack = Duration(0);  ///< so much early a rise, or late a fall, is as good as wanted
};
/// What makes of the levels that are there those that are wanted (in order of time), in order: first what is
/// put, under a name of one that is not wanted any more where there is one. A level that is one or a tenth
/// too high, or early or late by no more than `slack`, stays, unless there would be fewer instances than
/// wanted at any time. What is due within moments is not put any more: whoever is there tells it. What has
/// passed is left to the target for ten minutes, and then removed.
std::vector<ScheduleChange> schedule_changes(std::span<const ScheduledLevel> there,
                                             std::span<const PlannedLevel> wanted, const ScheduleDiff& diff);

/// Of those that are there and to come, those that raise what is set: when nothing is known of a queue,
/// nothing is taken away.
std::vector<PlannedLevel> rises_only(std::span<const ScheduledLevel> there, TimePoint now, std::uint32_t set);

/// "forewarm-orders-007"
std::string level_name(std::string_view queue, std::size_t number);
/// Whether a level is one that forewarm put there for this queue.
bool is_level_name(std::string_view name, std::string_view queue);

}  // namespace forewarm
