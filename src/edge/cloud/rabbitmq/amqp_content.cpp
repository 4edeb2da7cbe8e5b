#include "edge/cloud/rabbitmq/amqp_content.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include "edge/cloud/rabbitmq/amqp_link.h"
#include "edge/cloud/utf8.h"

namespace forewarm {
namespace {

struct TextProperty {
  std::string_view name;
  amqp_flags_t flag;
  amqp_bytes_t amqp_basic_properties_t::*member;
};
// user-id is left out: the broker takes only the sender's own.
constexpr TextProperty kTextProperties[] = {
    {"content-type", AMQP_BASIC_CONTENT_TYPE_FLAG, &amqp_basic_properties_t::content_type},
    {"content-encoding", AMQP_BASIC_CONTENT_ENCODING_FLAG, &amqp_basic_properties_t::content_encoding},
    {"correlation-id", AMQP_BASIC_CORRELATION_ID_FLAG, &amqp_basic_properties_t::correlation_id},
    {"reply-to", AMQP_BASIC_REPLY_TO_FLAG, &amqp_basic_properties_t::reply_to},
    {"expiration", AMQP_BASIC_EXPIRATION_FLAG, &amqp_basic_properties_t::expiration},
    {"type", AMQP_BASIC_TYPE_FLAG, &amqp_basic_properties_t::type},
    {"app-id", AMQP_BASIC_APP_ID_FLAG, &amqp_basic_properties_t::app_id},
};

std::optional<std::uint64_t> whole_number(const amqp_field_value_t& value) {
  switch (value.kind) {
    case AMQP_FIELD_KIND_I8:
      return static_cast<std::uint64_t>(std::max<std::int8_t>(0, value.value.i8));
    case AMQP_FIELD_KIND_U8:
      return value.value.u8;
    case AMQP_FIELD_KIND_I16:
      return static_cast<std::uint64_t>(std::max<std::int16_t>(0, value.value.i16));
    case AMQP_FIELD_KIND_U16:
      return value.value.u16;
    case AMQP_FIELD_KIND_I32:
      return static_cast<std::uint64_t>(std::max(0, value.value.i32));
    case AMQP_FIELD_KIND_U32:
      return value.value.u32;
    case AMQP_FIELD_KIND_I64:
      return static_cast<std::uint64_t>(std::max<std::int64_t>(0, value.value.i64));
    case AMQP_FIELD_KIND_U64:
      return value.value.u64;
    default:
      return std::nullopt;
  }
}

// x-delivery-count of quorum queues: how often it came back before; not there at the first delivery.
std::optional<std::uint64_t> take_headers(const amqp_table_t& headers, LentMessage& message) {
  std::optional<std::uint64_t> came_back;
  for (int i = 0; i < headers.num_entries; ++i) {
    const auto& header = headers.entries[i];
    const auto name = amqp_view(header.key);
    if (name == "x-delivery-count") came_back = whole_number(header.value);
    if (header.value.kind != AMQP_FIELD_KIND_UTF8) continue;
    const auto text = amqp_view(header.value.value.bytes);
    if (is_utf8(name) && is_utf8(text)) message.attributes.emplace_back(name, text);
  }
  return came_back;
}

}  // namespace

void AmqpContent::take_properties(const amqp_frame_t& frame) {
  const auto& properties = *static_cast<amqp_basic_properties_t*>(frame.payload.properties.decoded);
  body_bytes = frame.payload.properties.body_size;
  has_properties = true;
  const auto has = [&](amqp_flags_t flag) { return (properties._flags & flag) != 0; };
  for (const auto& property : kTextProperties) {
    const auto text = amqp_view(properties.*property.member);
    if (has(property.flag) && is_utf8(text)) message.attributes.emplace_back(property.name, text);
  }
  std::optional<std::uint64_t> came_back;
  if (has(AMQP_BASIC_HEADERS_FLAG)) came_back = take_headers(properties.headers, message);
  if (has(AMQP_BASIC_MESSAGE_ID_FLAG)) message.id = amqp_view(properties.message_id);
  if (has(AMQP_BASIC_PRIORITY_FLAG)) message.priority = properties.priority;
  if (has(AMQP_BASIC_TIMESTAMP_FLAG) && properties.timestamp < 1'000'000'000'000) {
    message.sent = TimePoint(std::chrono::seconds(static_cast<std::int64_t>(properties.timestamp)));
  }
  if (came_back) {
    message.deliveries = static_cast<std::uint32_t>(std::min<std::uint64_t>(*came_back, 1'000'000'000)) + 1;
  } else {
    message.deliveries = redelivered ? 0 : 1;
  }
}

void AmqpContent::take_body(amqp_bytes_t part) {
  message.body += amqp_view(part);
}

std::string content_digest(const LentMessage& message) {
  std::string all;
  const auto add = [&all](std::string_view part) {
    all += std::to_string(part.size());
    all += ':';
    all += part;
  };
  for (const auto& [name, value] : message.attributes) {
    add(name);
    add(value);
  }
  add(message.priority ? std::to_string(*message.priority) : "");
  add(message.sent ? std::to_string(count_us(*message.sent)) : "");
  add(message.body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_Digest(all.data(), all.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  std::string hexadecimal;
  for (std::size_t i = 0; i < 16; ++i) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    hexadecimal += kDigits[digest[i] >> 4];
    hexadecimal += kDigits[digest[i] & 15];
  }
  return hexadecimal;
}

AmqpProperties::AmqpProperties(const LentMessage& message) {
  headers_.reserve(message.attributes.size());
  for (const auto& [name, value] : message.attributes) {
    const auto* const property = std::ranges::find(kTextProperties, name, &TextProperty::name);
    if (property != std::end(kTextProperties)) {
      properties_.*property->member = amqp_borrow(value);
      properties_._flags |= property->flag;
      continue;
    }
    amqp_table_entry_t& header = headers_.emplace_back();
    header.key = amqp_borrow(name);
    header.value.kind = AMQP_FIELD_KIND_UTF8;
    header.value.value.bytes = amqp_borrow(value);
  }
  properties_._flags |= AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_HEADERS_FLAG;
  properties_.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  properties_.headers = {static_cast<int>(headers_.size()), headers_.data()};
  if (!message.id.empty()) {
    properties_._flags |= AMQP_BASIC_MESSAGE_ID_FLAG;
    properties_.message_id = amqp_borrow(message.id);
  }
  if (message.priority) {
    properties_._flags |= AMQP_BASIC_PRIORITY_FLAG;
    properties_.priority = *message.priority;
  }
  if (message.sent) {
    properties_._flags |= AMQP_BASIC_TIMESTAMP_FLAG;
    properties_.timestamp = static_cast<std::uint64_t>(count_us(*message.sent) / 1'000'000);
  }
}

}  // namespace forewarm
