#pragma once

#include <cstdint>

#include "base/time.h"
#include "core/model/ids.h"

namespace forewarm {

/// 0 (lowest) to 9, as in JMS 2.0 section 3.4.10; 4 unless the sender says otherwise.
using Priority = std::uint8_t;
inline constexpr Priority kPriorityDefault = 4;
inline constexpr Priority kPriorityMax = 9;

/// Why a message appears. Only Sent is demand: the others are work that was already counted.
enum class Origin : std::uint8_t { Sent, Recovered, Redriven };

/// All that the core knows of a message; body and attributes stay in the store.
struct Message {
  MessageId id;
  QueueId queue;
  MessageTypeId type = {};  ///< messages of one type take about as long
  TimePoint sent;           ///< start of retention
  TimePoint visible_at;     ///< not before this: delay, visibility timeout, or retry
  TimePoint deadline;       ///< a first start after this is late
  TenantId tenant;
  GroupId group;  ///< none on standard queues
  std::uint32_t bytes = 0;
  std::uint16_t receive_count =
      0;  ///< deliveries and runs so far; the latest one's number is in its receipt handle
  Priority priority = kPriorityDefault;
  QueueId dead_letter_source{};       ///< whose dead letter it is; none unless a redrive policy moved it here
  std::uint16_t received_before = 0;  ///< deliveries in the queues that it came here from as a dead letter

  friend bool operator==(const Message&, const Message&) = default;
};

}  // namespace forewarm
