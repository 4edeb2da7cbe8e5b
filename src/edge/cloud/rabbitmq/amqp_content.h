#pragma once

#include <amqp.h>
#include <amqp_framing.h>

#include <cstdint>
#include <string>
#include <vector>

#include "edge/cloud/message_source.h"

namespace forewarm {

/// A message that comes in frames: a method that announces it, its properties, its body in parts.
struct AmqpContent {
  bool redelivered = false;
  std::uint64_t delivery_tag = 0;
  std::uint64_t consumer = 0;
  std::uint64_t body_bytes = 0;
  bool has_properties = false;
  LentMessage message{};

  /// The frame after the method; `frame.payload.properties`.
  void take_properties(const amqp_frame_t& frame);
  void take_body(amqp_bytes_t part);
  bool complete() const { return has_properties && message.body.size() >= body_bytes; }
};

/// 128 bits, as hexadecimal digits, of all of the message that is the same at each of its deliveries.
std::string content_digest(const LentMessage& message);

/// The properties of a message that is sent: persistent, with the message's id, priority and time. Attributes
/// that have the name of a property ("content-type", "correlation-id", ...) become it, others headers.
/// Borrows the message.
class AmqpProperties {
 public:
  explicit AmqpProperties(const LentMessage& message);
  AmqpProperties(const AmqpProperties&) = delete;
  AmqpProperties& operator=(const AmqpProperties&) = delete;
  const amqp_basic_properties_t& get() const { return properties_; }

 private:
  std::vector<amqp_table_entry_t> headers_;
  amqp_basic_properties_t properties_{};
};

}  // namespace forewarm
