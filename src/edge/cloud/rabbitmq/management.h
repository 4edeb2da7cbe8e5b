#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string_view>

#include "edge/cloud/message_source.h"
#include "edge/cloud/rabbitmq/rabbitmq_source.h"

namespace forewarm {

/// What the management API knows of a queue that AMQP does not tell.
struct ManagedQueue {
  std::optional<std::uint64_t> unacknowledged{};
  std::optional<std::uint64_t> published_total{};  ///< since the broker started to count
  std::optional<TimePoint> oldest_sent{};          ///< of classic queues whose messages have a timestamp
  bool quorum = false;
  bool dead_letters = false;  ///< by argument or policy
  std::optional<std::uint32_t> delivery_limit{};
};

/// The answer to GET /api/queues/VHOST/NAME. Corrupt for what is no such answer.
Result<ManagedQueue> parse_managed_queue(std::string_view json);

/// Blocks for some seconds at most. Errors are product text.
Result<ManagedQueue> ask_management(const RabbitMqOptions& options, std::stop_token stop);

}  // namespace forewarm
