#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "core/model/forecast.h"
#include "core/model/instance.h"
#include "core/model/scaler_memory.h"
#include "core/model/scaling_plan.h"
#include "core/model/settings.h"
#include "core/scale/actuator.h"

namespace forewarm {

/// Messages of one queue, by what they wait for.
struct BacklogState {
  std::uint32_t ready = 0;             ///< may start now
  std::uint32_t delayed = 0;           ///< visible later
  std::uint32_t in_flight = 0;         ///< leased to runs or receivers
  Duration oldest_wait = Duration(0);  ///< how long the first in order has been ready
};

/// Measured distribution of a duration, as far as a scaler needs it.
struct DurationSummary {
  Duration mean = Duration(0);
  Duration p95 = Duration(0);
  std::uint64_t observed = 0;
};

/// All that one queue's scaler may know at a moment. The replay lab's baselines get the same.
struct ScalingInputs {
  TimePoint now;
  QueueId queue;
  BacklogState backlog;
  InstanceCounts instances;           ///< of the function, over all its queues; the frozen among the idle
  std::uint32_t instances_limit = 0;  ///< what function and machine allow this queue
  DurationSummary service_time;       ///< of one message
  DurationSummary start_time;         ///< cold start: asked for to ready
  double late_if_cold = 1;            ///< share of cold starts that take longer than the objective
  const ModelForecast* forecast = nullptr;  ///< the ensemble's choice; may be null
  std::uint64_t forecast_serial = 0;        ///< differs from one fit to the next
  double forecast_loss = 0;                 ///< its discounted pinball loss, and that of the last-value rule
  double naive_loss = 0;
  float arrivals_last_step = 0;   ///< in the newest closed step
  float arrivals_per_second = 0;  ///< over the last minute
  Duration step = 10s;
  std::span<const ScalingOverride> overrides = {};  ///< by `from`; those that are over may be among them
};

/// An idle instance of the queue's function that may have to make room for another function's.
struct IdleInstance {
  TimePoint now;
  std::uint32_t level = 1;         ///< instances that the queue has with it, itself included
  std::uint64_t memory_bytes = 0;  ///< that it holds
  std::uint32_t runs = 0;          ///< that it has begun
};

/// Decides how many instances one queue wants. One object a queue; it may keep state. Pure otherwise: no
/// clock.
class Scaler {
 public:
  virtual ~Scaler() = default;

  /// Called once a step. The plan holds until the next one.
  virtual ScalingPlan plan(const ScalingInputs& inputs) = 0;
  /// Called at every event that leaves a message waiting: how many instances to start now, those already
  /// starting counted. O(1).
  virtual std::uint32_t start_now(const ScalingInputs& inputs) = 0;
  /// A message's first start was `lateness` past its deadline (negative: in time). Feedback.
  virtual void observe_start(TimePoint at, Duration lateness) = 0;
  /// A message may start from now on: sent, or again after a run that failed. O(log instances).
  virtual void observe_ready(TimePoint /*at*/) {}
  /// A run on a message of this queue took that long.
  virtual void observe_service(Duration /*each*/) {}
  /// True if it wants instances before the first message has come (a minimum).
  virtual bool plans_without_messages() const { return false; }
  /// What it would want in `count` slots of that length from now on, by what is known now; empty where it
  /// cannot say.
  virtual std::vector<ProjectedSlot> project(const ScalingInputs& /*inputs*/, Duration /*slot*/,
                                             std::size_t /*count*/) const {
    return {};
  }
  /// What it has learnt, for a restart; none where there is nothing to keep.
  virtual std::optional<ScalerMemory> memory(TimePoint /*now*/) const { return std::nullopt; }
  /// Goes on with that. False, and nothing changes, where it is not to be believed or something was learnt
  /// already.
  virtual bool restore(TimePoint /*now*/, const ScalerMemory& /*memory*/) { return false; }
  /// What keeping it idle is expected to save, in seconds of an instance for each second that it is kept: 1
  /// is what it costs. On a full machine those go first that save least for what they hold.
  virtual double idle_value(const IdleInstance& /*instance*/) const { return 0; }
  /// The same of an instance that messages wait for, while it starts. Infinite: any idle one makes room.
  virtual double need_value() const { return std::numeric_limits<double>::infinity(); }
  /// It was stopped to make room.
  virtual void observe_eviction(const IdleInstance& /*instance*/) {}
  /// Time between plans; zero: the forecast's step.
  virtual Duration period() const { return Duration(0); }
};

/// forewarm's own: deadline slack, newsvendor level over the measured lead, feedback, reactive net
/// (policy.h).
std::unique_ptr<Scaler> make_predictive_scaler(const ScalingSettings& settings);

}  // namespace forewarm
