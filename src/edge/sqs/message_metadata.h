#pragma once

#include <string_view>

#include "base/time.h"
#include "core/model/message.h"
#include "edge/sqs/request.h"
#include "edge/sqs/sqs_error.h"

namespace forewarm::sqs {

/// What the core wants to know of a message beyond SQS. Written down in docs/messages.md.
struct MessageMetadata {
  Priority priority = kPriorityDefault;
  TimePoint deadline;  ///< TimePoint{}: by the objective of the queue's mapping, which the core knows
  TenantId tenant;
  MessageTypeId type;
};

/// Reads the attributes forewarm.priority, forewarm.objective-ms, forewarm.deadline, forewarm.tenant and
/// forewarm.type. Without a tenant that of a standard queue is the message group, as in the service's fair
/// queues. A value that cannot be read is refused: a message with a priority that nobody sees is a trap.
SqsResult<MessageMetadata> read_metadata(const SendMessageEntry& entry, bool fifo, TimePoint visible_at);

/// 64 bits for a name, the same on every machine and never 0.
std::uint64_t name_hash(std::string_view name);

}  // namespace forewarm::sqs
