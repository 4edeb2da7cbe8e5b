#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/control_config.h"
#include "app/controlled_queue.h"
#include "app/queue_reader.h"
#include "app/task_thread.h"
#include "edge/cloud/targets/keda.h"
#include "edge/cloud/targets/level_schedule.h"
#include "edge/history/history_database.h"
#include "edge/net/loop.h"
#include "edge/observe/control_metrics.h"
#include "edge/observe/decision_record.h"
#include "edge/observe/json_writer.h"
#include "edge/observe/log.h"

namespace forewarm {

/// What a target keeps of what is to come, and how keeping it went.
struct KeptSchedule {
  std::vector<PlannedLevel> levels;    ///< that are wanted
  std::vector<std::string> changes{};  ///< that would be sent, in shadow mode
  std::string problem{};               ///< why it is not as wanted; empty: it is
  TimePoint next_at{};                 ///< not looked at before
  std::uint32_t failed_in_row = 0;
};

/// One [[control]] at work: the queue, how it is read, its target, and what became of both.
struct Controlled {
  ControlConfig config;
  QueueId id;
  std::string identity;  ///< of the target
  std::unique_ptr<QueueReader> reader;
  std::unique_ptr<ScaleTarget> target;
  ControlledQueue queue;
  ControlSample counts{};       ///< only what is counted
  std::string reading_error{};  ///< why the last reading was none; empty: it was one
  std::string target_error{};   ///< why the target did not say what it has
  std::string refusal{};        ///< why the last directive was not taken
  std::optional<TargetOrder> recommended{};
  KeptSchedule schedule{};
  TimePoint read_at;
  TimePoint recorded_until;
  std::uint64_t rounds = 0;
  bool restored = false;
  bool fit_running = false;
  std::optional<std::uint32_t>
      held_from{};        ///< that more are wanted than the target takes, as it was said last
  bool keeping = false;   ///< what was found at the target is being kept
  bool finished = false;  ///< once: there is nothing more to do
  Loop::Clock::time_point round_began{};
  std::unique_ptr<Loop::Timer> next{};
  std::unique_ptr<TaskThread> thread{};  ///< last, so that it ends first

  /// Null unless KEDA fetches the number.
  const KedaTarget* keda() const { return dynamic_cast<const KedaTarget*>(target.get()); }
};

/// Without a reading for so long, beside what is late by itself, nothing is known: a few readings at least.
Duration silent_after(const ControlFile& file, const ControlConfig& control);
ControlledQueue::Settings queue_settings(const ControlFile& file, const ControlConfig& control, QueueId id,
                                         bool readable);

/// Counts and says what failed. Each problem is said once, until it is another or over.
/// `unread`: why there is no reading; null: there is one, or nothing new.
void note_problems(Controlled& controlled, const Error* unread,
                   const std::optional<Result<TargetState>>& state, Log& log);
/// What the target has, and what was read of the queue, in order; `now` is when.
void observe_readings(Controlled& controlled, const Result<QueueReadings>& readings,
                      const std::optional<Result<TargetState>>& state, TimePoint now);
/// What was measured before.
void restore_past(Controlled& controlled, RecentQueue past, TimePoint now, Log& log);
/// From when on steps are recorded: what was before is measured already, or nobody knows it.
TimePoint record_from(const Controlled& controlled, TimePoint now);
DirectiveRecord directive_record(const Controlled& controlled, const TargetOrder& order,
                                 DirectiveOutcome outcome, const std::string& answer);
/// That the target takes fewer than are wanted, once, until it takes them or even more are wanted.
std::optional<DirectiveRecord> note_held(Controlled& controlled);
void say(const Controlled& controlled, const DirectiveRecord& directive, Log& log);
/// The steps that were closed since this was last called, with what was measured in them; gaps are left out.
std::vector<HistoryBatch> take_closed_steps(Controlled& controlled);
ControlSample sample_of(const Controlled& controlled, TimePoint now);
/// JSON Schema of what write_controlled() writes.
extern const char* const kControlledSchema;
void write_controlled(const Controlled& controlled, TimePoint now, bool apply, JsonWriter& json);

}  // namespace forewarm
