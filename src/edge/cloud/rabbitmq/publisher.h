#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "edge/cloud/message_source.h"
#include "edge/cloud/rabbitmq/amqp_content.h"
#include "edge/cloud/rabbitmq/amqp_link.h"

namespace forewarm {

/// The channel of one connection on which messages are published and the queue is asked about. Apart from the
/// consumer's: what the broker refuses here closes this channel alone, and it is opened again when needed.
class RabbitMqPublisher {
 public:
  static constexpr amqp_channel_t kChannel = 2;
  using Done = std::function<void(Result<void>)>;
  using Counted = std::function<void(Result<std::uint32_t>)>;

  RabbitMqPublisher(AmqpLink& link, const RabbitMqOptions& options) : link_(link), options_(options) {}

  /// By the default exchange; `done` when the broker confirms it, which for a durable queue means on disk (in
  /// a quorum: of most).
  Result<void> publish(const LentMessage& message, Done done);
  /// How many messages are ready.
  Result<void> count(Counted done);
  /// A frame of the channel.
  Result<void> take(const amqp_frame_t& frame);
  /// The connection, or the channel, is over.
  void end(const Error& why);

 private:
  Result<void> open();
  Result<void> take_method(const amqp_method_t& method);
  void confirm(std::uint64_t tag, bool multiple, const Result<void>& taken);

  AmqpLink& link_;
  const RabbitMqOptions& options_;
  bool open_ = false;
  std::uint64_t published_ = 0;  ///< on the channel as it is open now: the last one's tag
  std::map<std::uint64_t, Done> unconfirmed_{};
  std::deque<Counted> counts_{};
  bool returned_ = false;  ///< the next confirmation is of a message that no queue took
};

}  // namespace forewarm
