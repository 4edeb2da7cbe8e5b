#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "base/time.h"
#include "core/model/decision.h"
#include "core/model/forecast.h"
#include "core/model/ids.h"
#include "core/model/instance.h"
#include "core/model/scaling_plan.h"

namespace forewarm {

/// One message leased to a receiver or a run.
struct Lease {
  MessageId message;
  std::uint16_t receive_count = 0;  ///< including this time
  TimePoint visible_at;             ///< when a receiver's lease ends; a run's ends with the run

  friend bool operator==(const Lease&, const Lease&) = default;
};

/// Answers a ReceiveRequested; empty when nothing came in time. Record the leases before the client sees
/// them.
struct Deliver {
  ReceiverId receiver;
  std::vector<Lease> leases;
  friend bool operator==(const Deliver&, const Deliver&) = default;
};
/// Start an instance; InstanceReady or InstanceLost must follow.
struct StartInstance {
  InstanceId instance;
  FunctionId function;
  std::uint32_t version = 1;
  std::uint16_t variant = 0;
  QueueId queue;  ///< whose plan or backlog asked for it
  ScaleReason reason = ScaleReason::Plan;
  friend bool operator==(const StartInstance&, const StartInstance&) = default;
};
/// Stop an instance that runs nothing; InstanceLost must follow.
struct StopInstance {
  InstanceId instance;
  ScaleReason reason = ScaleReason::Surplus;
  friend bool operator==(const StopInstance&, const StopInstance&) = default;
};
/// Stop the processes of an idle instance where they are (SIGSTOP). Nothing follows.
struct FreezeInstance {
  InstanceId instance;
  friend bool operator==(const FreezeInstance&, const FreezeInstance&) = default;
};
/// Let a frozen instance go on (SIGCONT); what it is for comes right after it. Nothing follows.
struct ThawInstance {
  InstanceId instance;
  friend bool operator==(const ThawInstance&, const ThawInstance&) = default;
};
/// Run these messages on this instance; RunFinished or InstanceLost must follow.
struct Run {
  RunId run;
  InstanceId instance;
  FunctionId function;
  QueueId queue;
  std::vector<Lease> leases;
  RoutingDecision routing = {};
  friend bool operator==(const Run&, const Run&) = default;
};
enum class DeleteReason : std::uint8_t { Client, RunSucceeded, Expired };
struct Delete {
  MessageId message;
  DeleteReason reason = DeleteReason::Client;
  friend bool operator==(const Delete&, const Delete&) = default;
};
/// Move a message to another queue, atomically, its receive count set to 0. For a redrive its source is
/// forgotten; any other reason makes `from` its source.
struct Move {
  MessageId message;
  QueueId from;
  QueueId to;
  MoveReason reason = MoveReason::ReceiveCount;
  RetryDecision decision{};           ///< where a failed run led to it
  TimePoint sent{};                   ///< retention counts from here now: a redrive begins it anew
  std::uint16_t received_before = 0;  ///< its deliveries so far; a redrive begins them anew
  friend bool operator==(const Move&, const Move&) = default;
};
/// The message may be handed out again at `visible_at`; remember it across restarts. Its count never falls.
struct SetVisibility {
  MessageId message;
  TimePoint visible_at;
  std::uint16_t receive_count = 0;
  RetryDecision decision;  ///< where a failed run led to it; error None where a client asked
  friend bool operator==(const SetVisibility&, const SetVisibility&) = default;
};
/// Drop all messages of the queue with an id up to `up_to`: all that the core knew in it. The core says so,
/// and not the edge, because only then do purges and moves reach the store in the order in which they were
/// decided.
struct Purge {
  QueueId queue;
  MessageId up_to;
  friend bool operator==(const Purge&, const Purge&) = default;
};
struct FitForecast {
  FitRequest request;
  friend bool operator==(const FitForecast&, const FitForecast&) = default;
};
struct PublishPlan {
  ScalingPlan plan;
  friend bool operator==(const PublishPlan&, const PublishPlan&) = default;
};

/// All that the core wants. To be performed in order, before the next step.
using Action = std::variant<Deliver, StartInstance, StopInstance, FreezeInstance, ThawInstance, Run, Delete,
                            Move, SetVisibility, Purge, FitForecast, PublishPlan>;
using Actions = std::vector<Action>;

}  // namespace forewarm
