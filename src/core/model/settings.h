#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "core/model/function_settings.h"
#include "core/model/ids.h"

namespace forewarm {

/// When a message has been received this often without being deleted, it is moved (SQS RedrivePolicy).
struct RedrivePolicy {
  QueueId dead_letter_queue;
  std::uint16_t receive_count_max = 10;

  friend bool operator==(const RedrivePolicy&, const RedrivePolicy&) = default;
};

/// What the core must know of a queue; names, tags and content deduplication stay at the edge. Defaults are
/// SQS's.
struct QueueSettings {
  Duration visibility_timeout = 30s;
  Duration retention = 96h;
  bool fifo = false;
  std::optional<RedrivePolicy> redrive;

  friend bool operator==(const QueueSettings&, const QueueSettings&) = default;
};

/// Money is whole micro-units of whatever currency the operator thinks in.
using MicroMoney = std::int64_t;

/// How many instances a mapping may and must have, and what being late or idle is worth.
struct ScalingSettings {
  Duration objective =
      500ms;  ///< a message should start within this after it became visible (deadline slack D)
  double late_share_max = 0.01;  ///< share of messages that may start later
  std::uint32_t instances_min = 0;
  std::uint32_t instances_max = 100;
  std::uint32_t baseline_threshold = 0;    ///< up to this many waiting messages only the minimum is kept
  std::uint32_t instance_capacity = 1;     ///< messages that one instance works on at a time
  MicroMoney idle_cost_per_hour = 10'000;  ///< one idle instance; the ratio to late_cost is what matters
  MicroMoney late_cost = 0;                ///< one late message; 0: found by feedback from late_share_max
  MicroMoney budget_per_hour = 0;          ///< 0: none. Above it no instance is started ahead of need
  Duration keep_idle_max =
      10min;            ///< an unneeded instance is never kept longer without a forecast that wants it
  bool predict = true;  ///< false: only the reactive net

  friend bool operator==(const ScalingSettings&, const ScalingSettings&) = default;
};

/// What to do with a message whose run failed.
struct RetrySettings {
  std::uint16_t attempts_max = 5;  ///< where the queue's redrive policy names no other number
  Duration backoff_base = 1s;
  Duration backoff_max = 15min;
  double dead_letter_odds = 0.98;   ///< dead-letter early when the odds of failing again reach this
  std::uint16_t evidence_min = 20;  ///< outcomes on the same key needed before odds may dead-letter early

  friend bool operator==(const RetrySettings&, const RetrySettings&) = default;
};

/// A window of time for which the operator knows more than any forecast: a campaign, a maintenance. Instances
/// that it asks for are started their measured start time before `from`, so that they are warm by then.
struct ScalingOverride {
  TimePoint from;
  TimePoint until;                        ///< not part of it
  std::optional<std::uint32_t> at_least;  ///< instances, within the operator's maximum
  std::optional<std::uint32_t> at_most;   ///< instances; only 0 leaves waiting messages without any
  double factor = 1;                      ///< the plan's instances times this

  friend bool operator==(const ScalingOverride&, const ScalingOverride&) = default;
};

/// What an operator tells a running server to do instead of what it plans, for a while.
enum class OrderKind : std::uint8_t {
  None,      ///< as planned
  PauseIn,   ///< stop nothing
  PauseOut,  ///< start nothing by plan; a message that finds no instance at all still gets one
  Force,     ///< exactly so many
};

struct ScalingOrder {
  OrderKind kind = OrderKind::None;
  std::uint32_t instances = 0;  ///< forced
  TimePoint until = kNever;     ///< from then on as planned

  friend bool operator==(const ScalingOrder&, const ScalingOrder&) = default;
};

/// A queue's messages run on a function. At most one mapping a queue.
struct MappingSettings {
  QueueId queue;
  FunctionId function;
  std::uint32_t batch_size = 1;
  Duration batch_window = Duration(0);
  bool shared_consumers = false;  ///< external receives compete with the function
  ScalingSettings scaling;
  std::vector<ScalingOverride> overrides = {};  ///< that are not over yet, by `from`
  RetrySettings retry;

  friend bool operator==(const MappingSettings&, const MappingSettings&) = default;
};

struct ForecastSettings {
  Duration step = 10s;                      ///< width of an interval: history, forecast and plan
  std::uint16_t horizon = 60;               ///< steps ahead
  std::uint16_t history = 8640;             ///< steps given to a fit, at most
  std::uint16_t refit_every = 6;            ///< steps between fits
  std::vector<std::uint32_t> seasons = {};  ///< seasonal periods in steps; empty: found in the data

  friend bool operator==(const ForecastSettings&, const ForecastSettings&) = default;
};

enum class SignalKind : std::uint8_t {
  Level,  ///< what was last said holds: a price, a temperature, whether a sale goes on
  Count,  ///< things that happen: values add up in a step, and nothing said is zero
};

/// An external series that may help to forecast queues.
struct SignalSettings {
  SignalId id;
  SignalKind kind = SignalKind::Level;
  bool future_known = false;     ///< what is said of times to come is to be believed: a calendar, a forecast
  Duration holds = Duration(0);  ///< a level's value says nothing of times later than this; 0: no limit
  std::vector<QueueId> queues = {};  ///< that it may help; empty: all
  bool upstream = false;  ///< says how something is that the functions of its queues need: retries heed it

  friend bool operator==(const SignalSettings&, const SignalSettings&) = default;
};

/// Everything an operator sets that decides. Replaced as a whole.
struct Configuration {
  std::vector<FunctionSettings> functions;
  std::vector<MappingSettings> mappings;
  ForecastSettings forecast;
  std::vector<SignalSettings> signals;  ///< ids ascending
  std::uint32_t instances_max = 200;    ///< on this machine, over all functions
  std::uint64_t memory_max_bytes = 0;   ///< that all instances declare together, at most; 0: no limit
  double starts_per_second = 0;         ///< of all instances in the long run; 0: no limit
  std::uint32_t starts_burst = 10;      ///< at a time, after a while without any

  friend bool operator==(const Configuration&, const Configuration&) = default;
};

}  // namespace forewarm
