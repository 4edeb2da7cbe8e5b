#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "core/model/forecast.h"
#include "core/model/ids.h"
#include "core/model/instance.h"
#include "core/model/scaling_plan.h"
#include "edge/observe/outbound_snapshot.h"

namespace forewarm {

/// The quantiles of a forecast that are shown, messages per step. All arrays have one value a step from
/// `start` on.
struct ForecastBand {
  TimePoint start;
  Duration step = 10s;
  ModelId model = ModelId::None;
  std::vector<float> p5, p25, p50, p75, p95;

  bool empty() const { return p50.empty(); }
};
/// The shown quantiles of the steps of `forecast` that end after `from`.
ForecastBand forecast_band(const ModelForecast& forecast, TimePoint from);

/// What one queue looks like at the moment. Counts run since the server's start.
struct QueueSnapshot {
  QueueId id;
  std::string name;
  std::string function;  ///< empty where the queue is mapped to none
  std::uint64_t ready = 0;
  std::uint64_t delayed = 0;
  std::uint64_t in_flight = 0;
  Duration oldest_wait = Duration(0);  ///< how long the first in order has been ready
  TimePoint step_start;                ///< of the newest closed step
  double arrivals_last_step = 0;       ///< in the newest closed step
  std::uint64_t arrived = 0;           ///< sent
  std::uint64_t started = 0;           ///< first starts
  std::uint64_t late = 0;              ///< first starts past the deadline
  std::uint64_t retries = 0;
  std::uint64_t dead_letters = 0;        ///< moved to a dead-letter queue
  bool paused = false;                   ///< nothing is handed out
  std::uint64_t dead_letter_errors = 0;  ///< different ones that its messages have failed with
  Duration objective = Duration(0);      ///< zero where the queue is mapped to no function
  double late_share_max = 0;             ///< share that may start later than the objective, likewise
  ForecastBand forecast;                 ///< empty while there is none
  double forecast_loss_ratio = 0;        ///< of its loss lately to the last-value rule's; 0: not scored
  double forecast_coverage = 0;          ///< share of steps within its 95 % quantile; 0: not scored
  ScalingPlan plan;                      ///< `until` is the epoch while there is none
  ScalingOrder order;                    ///< the operator's, while it is in force
  InstanceCounts instances;              ///< of the function, over all its queues
};

struct FunctionSnapshot {
  FunctionId id;
  std::string name;
  std::uint32_t version = 1;
  InstanceCounts instances;
  std::uint64_t cold_starts = 0;  ///< instances started because messages already waited
  std::uint64_t warm_starts = 0;  ///< instances started ahead of need
  Duration start_time_mean = Duration(0);
  Duration start_time_p95 = Duration(0);
  Duration service_time_mean = Duration(0);
  Duration service_time_p95 = Duration(0);
  std::uint64_t runs = 0;
  std::vector<std::uint64_t> memory_bytes{};  ///< declared, of each variant; empty where it runs elsewhere
  double memory_need_bytes = 0;               ///< learned: what 99 of 100 messages need; 0: not known
  std::uint64_t memory_measured = 0;          ///< runs that it is known from
  std::array<std::uint64_t, 3> not_taken{};   ///< elsewhere: throttled, unavailable, refused
  std::array<std::uint32_t, 2> workers{};     ///< connected: as instances, unused
  std::uint64_t memory_bytes_max() const { return memory_bytes.empty() ? 0 : std::ranges::max(memory_bytes); }
};

/// An external series as the server knows it.
/// What a signal does for the forecasts of a queue.
struct SignalBenefit {
  std::string queue;
  double gain =
      0;  ///< by which share all its signals together lessened the loss out of sample; 0: none helps
  double share = 0;             ///< of the effects of all signals; 0: this one does not help
  Duration lead = Duration(0);  ///< by which it leads; 0: it acts at once
};

struct SignalSnapshot {
  std::string name;
  std::string source;  ///< push, poll, prometheus, file, calendar, cron
  std::string kind;    ///< level, count
  bool future_known = false, upstream = false;
  std::vector<std::string> queues;  ///< that it is for; empty: all
  std::string failure;              ///< why it cannot be read now; empty: it can
  std::vector<std::string> notes;   ///< what is wrong with a part of it
  std::uint64_t readings = 0;       ///< requests that pushed values, or looks at its source
  std::uint64_t failures = 0;       ///< looks that gave nothing
  std::vector<std::pair<std::string_view, std::uint64_t>> counts;  ///< values, by what became of them
  std::vector<std::pair<TimePoint, double>> past;                  ///< newest values, ascending
  std::vector<std::pair<TimePoint, double>> future;                ///< next ones, ascending
  std::vector<SignalBenefit> benefits;                             ///< by queue, of the last fits that had it
};

/// Over the whole server since its start.
struct Totals {
  std::uint64_t arrived = 0;
  std::uint64_t started = 0;
  std::uint64_t late = 0;
  std::uint64_t retries = 0;
  std::uint64_t dead_letters = 0;
  std::uint64_t cold_starts = 0;
  std::uint64_t warm_starts = 0;
  std::uint64_t cold_starts_avoided = 0;  ///< first runs that an instance started ahead of need took up
  InstanceCounts instances;
  double instance_seconds = 0;
};

struct StoreSnapshot {
  std::uint64_t commits = 0;
  std::uint64_t writes = 0;
  std::uint64_t syncs = 0;
  Duration commit_time_max = Duration(0);  ///< since the last snapshot
  std::uint64_t file_bytes = 0;
  std::uint64_t pending_bytes = 0;
  bool full = false;  ///< messages are refused because the disk is full
};

struct ProcessSnapshot {
  std::uint64_t memory_bytes = 0;            ///< resident, of the server itself
  std::uint64_t functions_memory_bytes = 0;  ///< resident, of all instances' process trees
  Duration cpu_time = Duration(0);           ///< user and system, since the start
  std::uint32_t open_descriptors = 0;
};
/// What /proc says of this process; zeros where it cannot be read.
ProcessSnapshot read_process();

/// How far a demo or a trace being played is.
struct Progress {
  std::string title;  ///< "Playing azure_functions_2019_8h at 60x"
  double share = 0;   ///< 0..1
  Duration left = Duration(0);
};

/// All that the dashboard and the gauges show; the app fills one each second.
struct Snapshot {
  TimePoint at;
  Duration uptime = Duration(0);
  std::uint64_t events = 0;  ///< taken by the core
  std::vector<QueueSnapshot> queues;
  std::vector<FunctionSnapshot> functions;
  std::vector<SignalSnapshot> signals;
  std::uint64_t signals_unknown = 0;  ///< pushes to signals that are none
  std::vector<ReceiverSnapshot> receivers;
  std::vector<TelemetrySnapshot> telemetry;
  Totals totals;
  StoreSnapshot store;
  ProcessSnapshot process;
  std::optional<Progress> progress;
};

}  // namespace forewarm
