#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "edge/cloud/message_source.h"

namespace forewarm {

/// A queue of RabbitMQ, by AMQP 0-9-1.
struct RabbitMqOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 5672;
  std::string vhost = "/";
  std::string queue;
  std::string user = "guest";
  std::string password = "guest";
  std::function<Result<std::string>()> read_password{};  ///< anew at each login; none: it stays the same
  bool tls = false;
  std::string ca_file{};  ///< PEM of who is trusted; empty: the system's
  /// Both sides say at least this often that they are there; after two without a word the connection is dead.
  std::chrono::seconds heartbeat{10};
  /// AMQP cannot ask what a queue was declared with, so this is said here, or read from the management API.
  /// Without a dead-letter exchange a rejected message is gone, so DeadLetter is refused.
  bool dead_letters = false;
  std::optional<std::uint32_t> delivery_limit{};  ///< x-delivery-limit of a quorum queue
  /// consumer_timeout of the broker (rabbitmq.conf), whose default this is. A message that is unsettled for
  /// longer would end the channel, and with it every other one: it is given back a little before.
  std::chrono::seconds consumer_timeout{1800};
  /// http://HOST:15672 of the management plugin, for unacknowledged, published totals and the queue's
  /// arguments; empty: AMQP alone, which knows how many wait.
  std::string management_url{};

  Result<std::string> password_now() const { return read_password ? read_password() : password; }
};

/// Lends what a consumer gets. The broker's prefetch follows the window roughly (a consumer's is fixed for
/// its life, so it is replaced when the window has changed by more than a quarter), and what it has sent
/// ahead beyond the window is held back here: at most about as much again, for as long as it takes to settle
/// what was lent before.
///
/// `settled` comes when the broker has answered a request that followed the acknowledgements on the channel,
/// since acknowledgements themselves have no answer in AMQP 0-9-1: they have arrived in order and were acted
/// on. A broker that is killed at that moment may still bring such a message again.
///
/// Ids: the message-id property. Without one, a digest of body and properties; of equal messages that are
/// here at a time the second has the ordinal 2, and so on. So a message without an id has the same one at
/// every delivery, but equal messages that come one after the other share it: producers should set
/// message-id. Deliveries are exact in quorum queues (x-delivery-count); in classic ones 1 is certain and
/// more is unknown.
std::unique_ptr<MessageSource> make_rabbitmq_source(RabbitMqOptions options);

}  // namespace forewarm
