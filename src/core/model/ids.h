#pragma once

#include "base/id.h"

namespace forewarm {

using QueueId = Id<struct QueueTag, std::uint32_t>;
/// Given by the store in the order of sending: of two messages the later sent has the larger id.
using MessageId = Id<struct MessageTag>;
/// 64-bit hash of the tenant's name; the edge keeps the names.
using TenantId = Id<struct TenantTag>;
/// 64-bit hash of a FIFO queue's message group.
using GroupId = Id<struct GroupTag>;
/// 32-bit hash of what a sender calls the message's type; none where it says nothing.
using MessageTypeId = Id<struct MessageTypeTag, std::uint32_t>;
using FunctionId = Id<struct FunctionTag, std::uint32_t>;
using InstanceId = Id<struct InstanceTag>;
using RunId = Id<struct RunTag>;
/// One pending ReceiveMessage call.
using ReceiverId = Id<struct ReceiverTag>;
using SignalId = Id<struct SignalTag, std::uint32_t>;

}  // namespace forewarm
