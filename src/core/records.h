#pragma once

#include <cstdint>
#include <vector>

#include "core/model/event.h"
#include "core/retry/failure_odds.h"
#include "core/timer_heap.h"

namespace forewarm {

/// Who has a message.
enum class Holder : std::uint8_t {
  Nobody,    ///< ready, in its queue's order
  Time,      ///< delayed, or waiting for a retry
  Receiver,  ///< leased to a client until a time
  Run,       ///< leased to a function run until it ends
};

/// One message in the index: about 150 bytes, beside some 30 in the ready order.
struct MessageRecord : Timed {
  MessageRecord() : Timed(TimerKind::Message) {}

  Message message;
  MessageRecord* older = nullptr;  ///< all messages of a queue, in the order in which they came to it
  MessageRecord* newer = nullptr;
  InstanceId failed_on;         ///< the instance of the last failed run
  std::uint64_t error_key = 0;  ///< of the last failed run
  TimePoint failed_at;          ///< when that was
  std::uint16_t spared = 0;     ///< receives that were not the message's fault and do not count as attempts
  std::uint8_t outgrown = 0;    ///< 1 + the variant on which a run of it ended with its process; 0: none
  ErrorClass failed_with = ErrorClass::None;
  Holder holder = Holder::Time;
  bool held = false;    ///< waits for a circuit breaker
  bool demand = false;  ///< sent here, and not started yet: its first start is scored

  std::uint16_t attempts() const { return static_cast<std::uint16_t>(message.receive_count - spared); }
  void spare() {
    if (spared < message.receive_count) ++spared;
  }
};

struct ReceiverRecord : Timed {
  ReceiverRecord() : Timed(TimerKind::Receiver) {}

  ReceiveRequested request;
};

struct RunRecord {
  RunId run;
  InstanceId instance;
  FunctionId function;
  QueueId queue;
  std::vector<MessageId> messages;
  std::vector<AttemptFeatures> attempts;  ///< as known when it began, one a message
};

/// Whose an instance is; it waits for the time at which it is frozen, while it is idle.
struct InstanceRecord : Timed {
  InstanceRecord() : Timed(TimerKind::Freeze) {}

  InstanceId id;
  FunctionId function;
};

}  // namespace forewarm
