#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/time.h"
#include "core/forecast/ensemble/model_choice.h"
#include "core/history/duration_sketch.h"
#include "core/history/interval_counts.h"
#include "core/model/directive.h"
#include "core/model/event.h"
#include "core/model/forecast.h"
#include "core/model/scaling_plan.h"
#include "core/model/settings.h"
#include "core/model/watch_memory.h"
#include "core/scale/scaler.h"

namespace forewarm {

/// A period that is over and that metrics tell of later.
struct ReadingPeriod {
  TimePoint from;
  TimePoint to;
  std::optional<double> arrived{};  ///< in it
  std::optional<double> done{};

  friend bool operator==(const ReadingPeriod&, const ReadingPeriod&) = default;
};

/// What metrics say of a queue and of what works on it, at a moment. What they do not say is not there: a gap
/// is not a zero.
struct QueueReading {
  std::optional<std::uint64_t> waiting{};        ///< messages that could start
  std::optional<std::uint64_t> in_flight{};      ///< with consumers
  std::optional<std::uint64_t> arrived_total{};  ///< ever; smaller than before: the counter began anew
  std::optional<std::uint64_t> done_total{};     ///< ever, likewise
  std::optional<Duration> oldest_wait{};
  std::optional<std::uint32_t> instances_ready{};
  std::optional<std::uint32_t> instances_set{};  ///< what the target was told last, by whomever
  std::optional<ReadingPeriod> period{};         ///< instead of counters, and the reading is of its end

  friend bool operator==(const QueueReading&, const QueueReading&) = default;
};

/// The scaling of one queue that is seen through metrics only: its history, its forecasts and its plan, by
/// the same policy as those of queues whose every message is known.
///
/// Arrivals are the difference of a counter, or, where there is none, what must have come for waiting and
/// in-flight messages to be as many as they are. Service times follow from those in flight and the rate at
/// which messages end (Little 1961), where both are known. Pure: no clock.
class WatchedQueue {
 public:
  struct Settings {
    QueueId queue;
    ScalingSettings scaling;
    ForecastSettings forecast;
    ActuatorModel target;
    Duration service_time = Duration(0);  ///< of one message; 0: found out
    Duration silent_after = 60s;          ///< without a reading for so long nothing is taken for known
    Duration lag = Duration(0);  ///< readings are of periods and come so much later; 0: of the moment
  };
  explicit WatchedQueue(const Settings& settings);

  /// Readings in the order of time; `now` of a period is when it is told, or, told late with later ones,
  /// would have been.
  void observe(TimePoint now, const QueueReading& reading);
  /// There was no reading, or nothing of use in it.
  void observe_silence(TimePoint now);
  /// What is known of instances between two readings.
  void observe_instances(std::optional<std::uint32_t> ready, std::uint32_t set);
  /// An instance was asked for and became ready after that time.
  void observe_start(Duration start_time);
  /// What was measured before this began (HistoryRestored, of this queue).
  void restore(TimePoint now, const HistoryRestored& past);
  /// What has been learnt beside that, for a restart; none where there is nothing to keep.
  std::optional<WatchMemory> memory(TimePoint now) const;
  /// Goes on with that: with each part that could have been learnt, and of which nothing was learnt here. Of
  /// start times, which only those learn who tell the target something, whoever has seen more is right.
  void restore(TimePoint now, const WatchMemory& memory);

  /// A fit that is due, once.
  std::optional<FitRequest> take_fit(TimePoint now);
  void accept(const ForecastFitted& fitted);

  /// How many instances it wants from now on. While readings are silent: no fewer than are there.
  ScalingPlan plan(TimePoint now);
  /// What to set at the target over the forecast's horizon, beginning with what is set now.
  DirectiveCourse directives(TimePoint now, const std::optional<TierPrices>& prices = {}) const;

  bool silent(TimePoint now) const;
  /// Of when the last reading is.
  const std::optional<TimePoint>& read_at() const { return read_at_; }
  const IntervalCounts& history() const { return history_; }
  const QueueReading& reading() const { return reading_; }
  const ModelForecast* forecast(TimePoint now) const { return choice_.best(now); }
  DurationSummary service_time() const;

 private:
  ScalingInputs inputs(TimePoint now) const;
  std::optional<double> arrivals_between(const QueueReading& reading) const;
  std::optional<double> done_between(const QueueReading& reading, std::optional<double> arrived) const;
  void observe_period(TimePoint now, const QueueReading& reading);
  void count_arrivals(TimePoint from, TimePoint to, double arrived, TimePoint heard_at);
  void learn(TimePoint from, TimePoint to, const QueueReading& reading, double done);
  void close_steps(TimePoint now);

  Settings settings_;
  std::unique_ptr<Scaler> scaler_;
  IntervalCounts history_;
  ModelChoice choice_;
  DurationSketch service_times_;
  DurationSketch start_times_;
  QueueReading reading_;
  std::optional<TimePoint> read_at_;
  std::optional<TimePoint> counted_until_;  ///< of periods: the end of the last, or of what was restored
  ScalingPlan plan_;
  double arrivals_per_second_ = 0;
  std::uint64_t learnt_ = 0;
  std::uint64_t fit_serial_ = 0;
  std::uint64_t forecast_serial_ = 0;
  std::uint32_t steps_since_fit_ = 0;
  bool fit_running_ = false;
};

}  // namespace forewarm
