#include "app/control_schedule.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

namespace forewarm {
namespace {

constexpr Duration kScheduleRetryLast = 5min;

DirectiveRecord record_of(const std::string& kind, const LevelSchedule& schedule,
                          const ScheduleChange& change, DirectiveOutcome outcome, const std::string& answer) {
  const bool put = change.kind == ScheduleChange::Kind::Put;
  return {.target = kind,
          .outcome = outcome,
          .instances = put ? std::optional(change.level.instances) : std::nullopt,
          .before = put ? std::nullopt : std::optional(change.level.instances),
          .request = schedule.change_text(change),
          .answer = answer,
          .scheduled_for = change.level.at};
}

}  // namespace

bool keep_found_first(ControlState& state, Controlled& c, TimePoint now, bool patient, FoundKept then) {
  c.keeping = true;
  const KeptTarget found{.target = c.identity,
                         .found = c.queue.set(),
                         .told = {},
                         .changed = true,
                         .since = now,
                         .beside = c.queue.beside()};
  const auto waits = std::make_shared<bool>(true);
  state.keep_found(c.config.queue, found, [&c, waits, then = std::move(then)](const Result<void>& kept) {
    c.keeping = false;
    then(kept, *waits);
  });
  if (!c.keeping || patient) return true;
  *waits = false;
  return false;
}

void ScheduleKeeper::keep(Controlled& c, Done done) {
  LevelSchedule* schedule = c.target->schedule();
  const TimePoint now = by_.now();
  const bool acts = !by_.apply || by_.lead->acts();
  if (schedule == nullptr || !acts || c.keeping || !c.queue.set() || now < c.schedule.next_at) return done();
  // In shadow mode what would be set at once is taken for set.
  const std::uint32_t set = c.recommended ? c.recommended->instances : *c.queue.set();
  const auto steps = static_cast<std::size_t>(c.config.target.actions_max);
  std::optional<std::vector<PlannedLevel>> levels = c.queue.levels(now, set, steps);
  const bool known = levels.has_value();
  c.schedule.levels = std::move(levels).value_or(std::vector<PlannedLevel>());
  c.thread->give([this, &c, schedule, known, done = std::move(done)](const std::stop_token& stop) {
    auto there = schedule->scheduled(stop);
    by_.loop->post([this, &c, there = std::move(there), known, done] { compare(c, there, known, done); });
  });
}

void ScheduleKeeper::compare(Controlled& c, const Result<std::vector<ScheduledLevel>>& there, bool known,
                             const Done& done) {
  if (!there) {
    ended(c, there.error().message);
    return done();
  }
  const TimePoint now = by_.now();
  const std::uint32_t set = c.recommended ? c.recommended->instances : *c.queue.set();
  if (!known) c.schedule.levels = rises_only(*there, now, set);
  const std::vector<ScheduleChange> changes =
      schedule_changes(*there, c.schedule.levels,
                       {.now = now, .set = set, .queue = c.config.queue, .slack = c.queue.level_every()});
  if (!by_.apply) recommend(c, changes);
  if (!by_.apply || changes.empty()) {
    ended(c, "");
    return done();
  }
  const auto kept_so = [this, &c, changes, done](const Result<void>& kept, bool in_time) {
    if (kept && in_time) return send(c, changes, done);
    if (!kept) ended(c, kept.error().message);
    if (in_time) done();
  };
  if (!keep_found_first(*by_.state, c, now, by_.once, kept_so)) done();
}

void ScheduleKeeper::recommend(Controlled& c, const std::vector<ScheduleChange>& changes) {
  std::vector<std::string> texts;
  for (const ScheduleChange& change : changes) {
    texts.push_back(c.target->schedule()->change_text(change));
    if (std::ranges::find(c.schedule.changes, texts.back()) == c.schedule.changes.end())
      by_.record(c, record_of(c.config.target.kind, *c.target->schedule(), change,
                              DirectiveOutcome::Recommended, ""));
  }
  c.schedule.changes = std::move(texts);
}

/// What is refused ends it: the rest is found to be missing, or to be too much, by the next look.
void ScheduleKeeper::send(Controlled& c, const std::vector<ScheduleChange>& changes, const Done& done) {
  c.thread->give([this, &c, changes, term = by_.lead->term(), done](const std::stop_token& stop) {
    std::stop_source ends;
    const auto end = [&ends] { ends.request_stop(); };
    const std::stop_callback ended_early(stop, end), deposed(term, end);
    std::vector<Sent> all;
    for (const ScheduleChange& change : changes) {
      all.push_back({change, by_.lead->leads()
                                 ? c.target->schedule()->change(change, ends.get_token())
                                 : error(ErrorCode::Closed, "not sent: this copy does not lead any more")});
      if (!all.back().taken) break;
    }
    by_.loop->post([this, &c, all = std::move(all), done] {
      sent(c, all);
      done();
    });
  });
}

void ScheduleKeeper::sent(Controlled& c, const std::vector<Sent>& all) {
  for (const auto& [change, taken] : all) {
    const std::string answer = taken ? "" : taken.error().message;
    by_.record(c, record_of(c.config.target.kind, *c.target->schedule(), change,
                            taken ? DirectiveOutcome::Sent : DirectiveOutcome::Refused, answer));
  }
  ended(c, all.back().taken ? "" : all.back().taken.error().message);
}

void ScheduleKeeper::ended(Controlled& c, const std::string& problem) {
  KeptSchedule& schedule = c.schedule;
  if (problem != schedule.problem) {
    if (problem.empty())
      by_.log->info("the target keeps what is to come again", {{"queue", c.config.queue}});
    else
      by_.log->warning("the target does not keep what is to come",
                       {{"queue", c.config.queue}, {"reason", problem}});
  }
  schedule.problem = problem;
  schedule.failed_in_row = problem.empty() ? 0 : schedule.failed_in_row + 1;
  const Duration every = actuator_of(c.config.target).change_every;
  const double longer = seconds(every) * std::exp2(std::min(schedule.failed_in_row, 20U));
  schedule.next_at = by_.now() + std::max(every, from_seconds(std::min(seconds(kScheduleRetryLast), longer)));
}

WithdrawnSchedule withdraw_schedule(ScaleTarget& target, const std::string& kind) {
  WithdrawnSchedule withdrawn;
  LevelSchedule* schedule = target.schedule();
  if (schedule == nullptr) return withdrawn;
  const auto there = schedule->scheduled({});
  if (!there) withdrawn.done = std::unexpected(there.error());
  for (const ScheduledLevel& level : there.value_or(std::vector<ScheduledLevel>())) {
    const ScheduleChange change{ScheduleChange::Kind::Remove, level};
    withdrawn.done = schedule->change(change, {});
    if (!withdrawn.done) break;
    withdrawn.removed.push_back(record_of(kind, *schedule, change, DirectiveOutcome::RolledBack, ""));
  }
  return withdrawn;
}

}  // namespace forewarm
