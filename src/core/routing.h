#pragma once

#include <optional>
#include <vector>

#include "core/queue_state.h"

namespace forewarm {

// Which instance takes a message, and what is learned from how long it took: what the orchestrator's parts
// know of each other's, for core/route to decide by.

using MessageIndex = IdMap<MessageId, MessageRecord>;

/// A run to begin, or when to look again because messages wait for an instance that is busy.
struct FoundRoute {
  RouteChoice route;
  Duration look_again = Duration::max();
  /// The first message that fits in none of the instances that there are while there is none of the variant
  /// that would suit it: where it would run nevertheless, and how many were passed before it. Those behind it
  /// may go on.
  struct Misfit {
    RouteChoice route;
    std::size_t passed = 0;
  };
  std::optional<Misfit> misfit;
};

/// The first message of the order that a free instance should take, and which. Those before it that wait for
/// one that is busy are appended to `passed`, eight at most.
FoundRoute find_route(QueueState& queue, FunctionState& function, const MessageIndex& messages, TimePoint now,
                      std::vector<MessageId>& passed);

/// The group by which a message keeps to an instance: its FIFO group, else its tenant.
std::uint64_t affinity_of(const Message& message);

/// When a run that begins now is predicted to end; kNever where nothing depends on it.
TimePoint predicted_end(const FunctionState& function, const Pool::Instance& instance, const RunRecord& run,
                        const MessageIndex& messages, TimePoint now);

/// What the end of a run says of its messages' classes and of its instance. A batch's time is shared out as
/// it was predicted.
void learn(FunctionState& function, const RunRecord& run, const RunFinished& event, MessageIndex& messages);

/// A message has come: which variant should be there for it.
void observe_demand(FunctionState& function, const Message& message, TimePoint now);

/// The variant of an instance that is to be started for this queue: the one that lacks most beside its work;
/// where one of the next messages fits in none that there are, the one that it fits in best.
std::uint16_t variant_to_start(QueueState& queue, const FunctionState& function, const MessageIndex& messages,
                               TimePoint now);

/// False while a circuit breaker keeps the queue's messages from running.
bool may_run(const QueueState& queue, TimePoint now);

}  // namespace forewarm
