#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/time.h"
#include "core/model/decision.h"
#include "core/model/forecast.h"
#include "core/model/ids.h"
#include "core/model/instance.h"
#include "core/model/message.h"
#include "core/model/redrive.h"
#include "core/model/restored.h"
#include "core/model/settings.h"

namespace forewarm {

/// A message is durable and may be handed out. Ids rise, except for Recovered ones.
struct MessageArrived {
  Message message;
  Origin origin = Origin::Sent;
  friend bool operator==(const MessageArrived&, const MessageArrived&) = default;
};
/// A client wants up to `messages_max` messages now, or, if there are none, until `wait_until`.
struct ReceiveRequested {
  ReceiverId receiver;
  QueueId queue;
  std::uint16_t messages_max = 1;
  Duration visibility_timeout = 30s;
  TimePoint wait_until;
  friend bool operator==(const ReceiveRequested&, const ReceiveRequested&) = default;
};
/// The client went away while waiting.
struct ReceiveCancelled {
  ReceiverId receiver;
  friend bool operator==(const ReceiveCancelled&, const ReceiveCancelled&) = default;
};
/// A client deletes with the handle of the delivery numbered `receive_count`; only the latest handle counts.
struct MessageDeleted {
  MessageId message;
  std::uint16_t receive_count = 0;
  friend bool operator==(const MessageDeleted&, const MessageDeleted&) = default;
};
/// ChangeMessageVisibility: visible again `timeout` from now.
struct VisibilityChanged {
  MessageId message;
  std::uint16_t receive_count = 0;
  Duration timeout = Duration(0);
  friend bool operator==(const VisibilityChanged&, const VisibilityChanged&) = default;
};
/// Created, or its settings replaced.
struct QueueChanged {
  QueueId queue;
  QueueSettings settings;
  friend bool operator==(const QueueChanged&, const QueueChanged&) = default;
};
/// All messages that the queue holds now are to go (PurgeQueue); answered by a Purge action.
struct QueuePurged {
  QueueId queue;
  friend bool operator==(const QueuePurged&, const QueuePurged&) = default;
};
/// As a purge, and the queue goes too; its id is never used again.
struct QueueRemoved {
  QueueId queue;
  friend bool operator==(const QueueRemoved&, const QueueRemoved&) = default;
};
/// Its init is done: it waits for its first run.
struct InstanceReady {
  InstanceId instance;
  Duration start_time = Duration(0);  ///< from the start being asked for to ready
  friend bool operator==(const InstanceReady&, const InstanceReady&) = default;
};
/// Its whole process tree is gone. A run that it had ends with it: no RunFinished follows.
struct InstanceLost {
  InstanceId instance;
  LossReason reason = LossReason::Stopped;
  friend bool operator==(const InstanceLost&, const InstanceLost&) = default;
};
/// A run ended. `error` None: all succeeded but those in `failed` (partial batch response); else all failed.
struct RunFinished {
  RunId run;
  ErrorClass error = ErrorClass::None;
  std::uint64_t error_key = 0;  ///< fingerprint: hash of the error's type and normalised message
  Duration service_time = Duration(0);
  std::vector<MessageId> failed;
  std::uint64_t memory_bytes = 0;  ///< peak of the instance during the run; 0: not measured
  friend bool operator==(const RunFinished&, const RunFinished&) = default;
};
struct SignalObserved {
  SignalId signal;
  TimePoint at;
  double value = 0;
  friend bool operator==(const SignalObserved&, const SignalObserved&) = default;
};
/// The answer to a FitForecast action; no forecasts means that the fit failed.
struct ForecastFitted {
  QueueId queue;
  std::uint64_t serial = 0;
  std::vector<ModelForecast> forecasts;
  friend bool operator==(const ForecastFitted&, const ForecastFitted&) = default;
};
/// An operator tells a queue to scale otherwise than planned. Outlives changes of the configuration.
struct ScalingOrdered {
  QueueId queue;
  ScalingOrder order;
  friend bool operator==(const ScalingOrdered&, const ScalingOrdered&) = default;
};
/// Whether messages of a queue are handed out, to receivers and functions alike. While they are not, they
/// wait; runs and leases that are there go on, and no instance is started for what waits.
struct ConsumptionPaused {
  QueueId queue;
  bool paused = false;
  friend bool operator==(const ConsumptionPaused&, const ConsumptionPaused&) = default;
};
struct ConfigurationChanged {
  Configuration configuration;
  friend bool operator==(const ConfigurationChanged&, const ConfigurationChanged&) = default;
};
/// Nothing but time happened; sent at wake_at().
struct TimePassed {
  friend bool operator==(const TimePassed&, const TimePassed&) = default;
};

/// All that the core learns. A list of events with times is a complete recording of a run.
using Event = std::variant<MessageArrived, ReceiveRequested, ReceiveCancelled, MessageDeleted,
                           VisibilityChanged, QueueChanged, QueuePurged, QueueRemoved, RedriveRequested,
                           ChosenRedriven, InstanceReady, InstanceLost, RunFinished, SignalObserved,
                           ForecastFitted, HistoryRestored, QueueRestored, RetryRestored, FunctionRestored,
                           ScalingOrdered, ConsumptionPaused, ConfigurationChanged, TimePassed>;

struct TimedEvent {
  TimePoint time;
  Event event;
  friend bool operator==(const TimedEvent&, const TimedEvent&) = default;
};

}  // namespace forewarm
