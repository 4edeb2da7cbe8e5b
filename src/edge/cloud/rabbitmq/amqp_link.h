#pragma once

#include <amqp.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "edge/cloud/rabbitmq/rabbitmq_source.h"

namespace forewarm {

inline std::string_view amqp_view(amqp_bytes_t bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}
/// Borrows.
inline amqp_bytes_t amqp_borrow(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}

/// Lets another thread end what is blocked on a connection: librabbitmq waits for space to write without a
/// limit of its own.
class SocketBreaker {
 public:
  void watch(int socket);
  void forget() { watch(-1); }
  /// From now on every socket that is watched is shut.
  void shut();

 private:
  std::mutex mutex_;
  int socket_ = -1;
  bool shut_ = false;
};

/// One connection, logged in. Used on one thread. After an error it is dead.
class AmqpLink {
 public:
  /// Blocks for some seconds at most. Errors are product text.
  static Result<std::unique_ptr<AmqpLink>> open(const RabbitMqOptions& options, SocketBreaker& breaker);
  /// Says goodbye, if the broker answers within a second.
  ~AmqpLink();
  AmqpLink(const AmqpLink&) = delete;
  AmqpLink& operator=(const AmqpLink&) = delete;

  int socket() const { return amqp_get_sockfd(state_); }
  /// Blocks for the answer. The channel is the caller's to number.
  Result<void> open_channel(amqp_channel_t channel);
  /// How many messages are ready. NotFound when there is no such queue; it costs the channel.
  Result<std::uint32_t> ready_messages(amqp_channel_t channel);
  Result<void> select_confirms(amqp_channel_t channel);

  /// A frame that has come; false when there is none now. Also sends heartbeats, and finds out when the
  /// broker's are missing, so it is to be called every second or so. The frame lives until release().
  Result<bool> receive(amqp_frame_t& frame);
  void release() { amqp_maybe_release_buffers(state_); }

  Result<void> send(amqp_channel_t channel, amqp_method_number_t method, void* arguments);
  Result<void> publish(amqp_channel_t channel, std::string_view routing_key,
                       const amqp_basic_properties_t& properties, std::string_view body);

  /// What the broker says when it closes a channel or the connection, with the remedy.
  Error closed(std::uint16_t code, std::string_view text) const;
  /// What an alarm of the broker's means for us.
  Error blocked(std::string_view reason) const;
  /// "RabbitMQ at HOST:PORT".
  std::string place() const;
  /// The connection is beyond saying goodbye.
  void abandon() { alive_ = false; }

 private:
  AmqpLink(const RabbitMqOptions& options, SocketBreaker& breaker);
  Result<void> connect();
  Result<amqp_socket_t*> make_socket();
  Result<void> log_in();
  Result<void> taken(amqp_rpc_reply_t reply);
  Error broken(int status) const;

  const RabbitMqOptions& options_;
  SocketBreaker& breaker_;
  amqp_connection_state_t state_;
  bool alive_ = false;
};

}  // namespace forewarm
