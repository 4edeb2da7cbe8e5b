#pragma once

#include <functional>
#include <vector>

#include "app/control_lead.h"
#include "app/control_state.h"
#include "app/controlled.h"

namespace forewarm {

/// Keeps what was found at a target before it is changed. `then` gets whether it is kept, and whether that
/// was in time: at once, or however long it takes if `patient`. False: it was not, and the caller goes on; a
/// later change finds it kept.
using FoundKept = std::function<void(const Result<void>& kept, bool in_time)>;
bool keep_found_first(ControlState& state, Controlled& controlled, TimePoint now, bool patient,
                      FoundKept then);

/// Keeps at those targets that take numbers for times to come what their queues' courses say, so that it is
/// set on time whoever is away then. Each is looked at no more often than it may be changed, and after a
/// failure a while later that doubles. When nothing is known of a queue only what takes instances away is
/// withdrawn. The loop's thread's.
class ScheduleKeeper {
 public:
  /// Everything outlives this and what it has begun.
  struct Surroundings {
    Loop* loop = nullptr;
    Log* log = nullptr;
    const ControlLead* lead = nullptr;
    ControlState* state = nullptr;
    bool apply = false;
    bool once = false;
    std::function<TimePoint()> now{};
    std::function<void(Controlled&, const DirectiveRecord&)> record{};
  };
  explicit ScheduleKeeper(Surroundings surroundings) : by_(std::move(surroundings)) {}

  /// `done` comes after all there is to do now: at once, or when the target has answered.
  void keep(Controlled& controlled, std::function<void()> done);

 private:
  using Done = std::function<void()>;
  struct Sent {
    ScheduleChange change;
    Result<void> taken;
  };

  void compare(Controlled& controlled, const Result<std::vector<ScheduledLevel>>& there, bool known,
               const Done& done);
  void recommend(Controlled& controlled, const std::vector<ScheduleChange>& changes);
  void send(Controlled& controlled, const std::vector<ScheduleChange>& changes, const Done& done);
  void sent(Controlled& controlled, const std::vector<Sent>& all);
  void ended(Controlled& controlled, const std::string& problem);

  Surroundings by_;
};

/// Removes all that is kept at a target for times to come, and waits for it. What was removed, and why not
/// all of it where that failed.
struct WithdrawnSchedule {
  std::vector<DirectiveRecord> removed;
  Result<void> done;
};
WithdrawnSchedule withdraw_schedule(ScaleTarget& target, const std::string& kind);

}  // namespace forewarm
