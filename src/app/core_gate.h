#pragma once

#include <functional>
#include <vector>

#include "base/result.h"
#include "core/model/action.h"
#include "core/model/event.h"
#include "core/orchestrator.h"
#include "edge/store/store.h"

namespace forewarm {

/// How a protocol front (SQS, the admin API, the command line's control channel) reaches the core in a
/// running server. Everything happens on the loop's thread. Implemented by LiveWorld; tests put a core and a
/// store behind it directly.
class CoreGate {
 public:
  virtual ~CoreGate() = default;

  virtual TimePoint now() const = 0;
  virtual const Orchestrator& core() const = 0;
  virtual Store& store() = 0;

  /// `done` is called once the step has been taken and what its actions wrote is durable, with those actions;
  /// or with the store's error, and then nothing may be acknowledged. Exhausted when the core's input is
  /// full: answer "try later".
  using Done = std::function<void(const Actions& actions, const Result<void>& durable)>;
  virtual Result<void> submit(Event event, Done done) = 0;

  /// Appends to the store first, `others` in the same commit, and tells the core only when the messages are
  /// durable; then calls `done`.
  virtual Result<void> send(std::vector<StoredMessage> messages, std::vector<Write> others,
                            std::function<void(const Result<void>&)> done) = 0;

  /// A ReceiveRequested whose receiver id is chosen here. `delivered` is called exactly once, when the leases
  /// are recorded, unless cancelled.
  using Delivered = std::function<void(const Result<void>& recorded, const std::vector<Lease>& leases)>;
  virtual Result<ReceiverId> receive(ReceiveRequested request, Delivered delivered) = 0;
  virtual void cancel(ReceiverId receiver) = 0;
};

/// What the store keeps of a move that the core decided at `now`.
inline MoveMessage to_write(const Move& move, TimePoint now) {
  return {.message = move.message,
          .to = move.to,
          .visible_at = now,
          .sent = move.sent,
          .source = move.reason == MoveReason::Redrive ? QueueId{} : move.from,
          .received_before = move.received_before};
}

}  // namespace forewarm
