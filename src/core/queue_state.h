#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "core/forecast/ensemble/model_choice.h"
#include "core/history/duration_sketch.h"
#include "core/history/interval_counts.h"
#include "core/orchestrator.h"
#include "core/records.h"
#include "core/retry/circuit_breaker.h"
#include "core/route/dispatcher.h"
#include "core/route/pool.h"
#include "core/route/ready_order.h"
#include "core/scale/scaler.h"
#include "core/timer_heap.h"

namespace forewarm {

/// A Timed member that knows what it is part of.
template <class Owner>
struct TimerOf : Timed {
  TimerOf(TimerKind timer_kind, Owner& of) : Timed(timer_kind), owner(&of) {}

  Owner* owner;
};

struct FunctionState;

/// Everything about one queue. Lives at one address from creation to removal.
struct QueueState {
  QueueState(QueueId queue, const QueueSettings& queue_settings, const ForecastSettings& forecast);
  QueueState(const QueueState&) = delete;
  QueueState& operator=(const QueueState&) = delete;

  QueueId id;
  QueueSettings settings;
  std::optional<MappingSettings> mapping;
  FunctionState* function = nullptr;  ///< that it is mapped to; never a retired one

  ReadyOrder ready;
  std::uint64_t delayed = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  MessageRecord* oldest = nullptr;
  MessageRecord* newest = nullptr;
  std::deque<ReceiverId> receivers;  ///< waiting, first come first served

  MessageRecord* sweep_until = nullptr;  ///< purge in progress: the last message to drop
  bool removed = false;
  bool paused = false;  ///< nothing is handed out
  RedriveWork redrive;
  bool has_pending_work = false;  ///< it is in the list of queues with unfinished work

  IntervalCounts history;
  ModelChoice choice;
  std::uint64_t fit_serial = 0;  ///< of the last fit asked for
  bool fit_running = false;
  std::uint32_t steps_since_fit = 0;
  bool fit_of_news = false;                  ///< the one that runs
  bool signal_news = false;                  ///< was said of times to come, and is in no fit yet
  TimePoint news_fit_at = TimePoint::min();  ///< the last fit that was asked for because of it
  std::uint64_t forecast_serial = 0;         ///< of the fit that the forecasts are from
  float arrivals_per_second = 0;             ///< over the last minute, brought up to date once a step
  double late_if_cold = 1;  ///< share of the function's starts that take longer than the objective
  std::unique_ptr<Scaler> scaler;
  ScalingPlan plan;
  ScalingOrder order;  ///< the operator's; may be over
  TimerOf<QueueState> tick;
  TimerOf<QueueState> batch;

  std::uint64_t arrived = 0;
  std::uint64_t arrived_bytes = 0;
  std::uint64_t started = 0;
  std::uint64_t late = 0;
  std::uint64_t retries = 0;
  std::uint64_t dead_letters = 0;
};

/// Everything about one function.
struct FunctionState {
  Pool pool;
  ServiceModel service_model;
  VariantMix variant_mix;
  std::vector<MessageId> passed;             ///< scratch: those that wait for a better instance
  std::vector<QueueId> queues;               ///< mapped to it, ascending
  std::size_t next_queue = 0;                ///< which of them is served first when an instance becomes free
  DurationSketch service_times;              ///< of one message
  std::uint64_t service_times_restored = 0;  ///< observations of it that are from before the start
  DurationSketch start_times;
  DurationSummary service_summary;
  DurationSummary start_summary;
  std::uint32_t start_failures = 0;  ///< in a row
  TimePoint start_allowed_at;        ///< starts that fail are not repeated at once
  std::uint64_t cold_starts = 0;
  std::uint64_t warm_starts = 0;
  std::uint64_t learnt = 0;  ///< of how it runs: runs and starts, those before the start of the server too
  CircuitBreakers breakers;
  bool retired = false;  ///< no longer in the configuration
};

/// An instance that may be stopped to make room for one of another function.
struct Evictable {
  FunctionState* function = nullptr;
  InstanceId id;
  TimePoint last_used;
  IdleInstance instance;
  double value = 0;    ///< of keeping it
  bool young = false;  ///< ready for less than a start takes
};

}  // namespace forewarm
