#include "edge/cloud/servicebus/bus_message.h"

#include <proton/codec.h>

#include <array>
#include <cstring>
#include <vector>

#include "edge/cloud/servicebus/bus_data.h"
#include "edge/cloud/utf8.h"

namespace forewarm {
namespace {

constexpr std::size_t kTokenBytes = 16;
// Where each byte of a UUID's text stands in a GUID of .NET.
constexpr std::array<std::size_t, kTokenBytes> kGuidOrder{3, 2, 1,  0,  5,  4,  7,  6,
                                                          8, 9, 10, 11, 12, 13, 14, 15};

struct BusProperty {
  const char* name;
  const char* (*get)(pn_message_t*);
  int (*set)(pn_message_t*, const char*);
};
// Of section 3.2.4 of AMQP 1.0's messaging part, those that are text for the user's purposes.
constexpr std::array<BusProperty, 6> kBusProperties{{
    {"to", &pn_message_get_address, &pn_message_set_address},
    {"subject", &pn_message_get_subject, &pn_message_set_subject},
    {"reply-to", &pn_message_get_reply_to, &pn_message_set_reply_to},
    {"content-type", &pn_message_get_content_type, &pn_message_set_content_type},
    {"group-id", &pn_message_get_group_id, &pn_message_set_group_id},
    {"reply-to-group-id", &pn_message_get_reply_to_group_id, &pn_message_set_reply_to_group_id},
}};
constexpr std::string_view kMessageId = "message-id";
constexpr std::string_view kCorrelationId = "correlation-id";

const BusProperty* bus_property(std::string_view name) {
  for (const auto& property : kBusProperties) {
    if (name == property.name) return &property;
  }
  return nullptr;
}

int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

std::string text_of_id(pn_data_t* id) {
  pn_data_rewind(id);
  if (!pn_data_next(id)) return "";
  if (pn_data_type(id) == PN_ULONG) return std::to_string(pn_data_get_ulong(id));
  return data_text(id).value_or("");
}

void set_text_id(pn_data_t* id, std::string_view text) {
  pn_data_clear(id);
  put_text(id, text);
}

/// What is no text and no bytes is left as AMQP writes it.
std::string body_of(pn_data_t* body) {
  pn_data_rewind(body);
  if (!pn_data_next(body)) return "";
  const auto type = pn_data_type(body);
  if (type == PN_NULL) return "";
  if (type == PN_BINARY || type == PN_STRING || type == PN_SYMBOL) {
    const pn_bytes_t bytes = pn_data_get_bytes(body);
    return {bytes.start, bytes.size};
  }
  const auto size = pn_data_encoded_size(body);
  std::string encoded(size > 0 ? static_cast<std::size_t>(size) : 0, '\0');
  if (pn_data_encode(body, encoded.data(), encoded.size()) < 0) return "";
  return encoded;
}

}  // namespace

std::string lock_token_of_tag(std::string_view tag) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (tag.size() != kTokenBytes) return "";
  std::string token;
  for (const auto at : kGuidOrder) {
    const auto byte = static_cast<unsigned char>(tag[at]);
    token += kDigits[byte >> 4];
    token += kDigits[byte & 15];
  }
  return token;
}

std::optional<pn_uuid_t> uuid_of_lock_token(std::string_view token) {
  if (token.size() != 2 * kTokenBytes) return std::nullopt;
  pn_uuid_t uuid{};
  for (std::size_t i = 0; i < kTokenBytes; ++i) {
    const int high = hex_digit(token[2 * i]);
    const int low = hex_digit(token[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    uuid.bytes[i] = static_cast<char>(high * 16 + low);
  }
  return uuid;
}

LentMessage lent_of_bus_message(pn_message_t* message) {
  LentMessage lent;
  lent.body = body_of(pn_message_body(message));
  lent.deliveries = pn_message_get_delivery_count(message);
  // The count is of those that failed, without this one.
  if (lent.deliveries < UINT32_MAX) ++lent.deliveries;
  const auto add = [&lent](std::string_view name, const char* value) {
    if (value != nullptr && *value != '\0' && is_utf8(value)) lent.attributes.emplace_back(name, value);
  };
  for (const auto& property : kBusProperties) add(property.name, property.get(message));
  const std::string id = text_of_id(pn_message_id(message));
  add(kMessageId, id.c_str());
  add(kCorrelationId, text_of_id(pn_message_correlation_id(message)).c_str());
  for_each_entry(pn_message_properties(message), [&lent](std::string_view name, pn_data_t* value) {
    if (auto text = data_text(value)) lent.attributes.emplace_back(name, std::move(*text));
  });
  std::optional<std::int64_t> sequence;
  for_each_entry(pn_message_annotations(message), [&](std::string_view name, pn_data_t* value) {
    if (name == "x-opt-sequence-number") sequence = data_whole_number(value);
    if (name == "x-opt-enqueued-time") lent.sent = data_time(value);
    if (name == "x-opt-locked-until") lent.lent_until = data_time(value);
  });
  if (sequence) {
    lent.id = std::to_string(*sequence);
    if (lent.sent) lent.id += "-" + std::to_string(count_us(*lent.sent) / 1000);
  } else {
    lent.id = id;
  }
  return lent;
}

void fill_bus_message(const LentMessage& from, pn_message_t* message) {
  pn_message_set_durable(message, true);
  pn_message_set_inferred(message, true);
  pn_data_t* body = pn_message_body(message);
  pn_data_put_binary(body, pn_bytes(from.body.size(), from.body.data()));
  std::string id = from.id;
  pn_data_t* properties = pn_message_properties(message);
  pn_data_put_map(properties);
  pn_data_enter(properties);
  for (const auto& [name, value] : from.attributes) {
    if (const auto* property = bus_property(name)) {
      property->set(message, value.c_str());
    } else if (name == kCorrelationId) {
      set_text_id(pn_message_correlation_id(message), value);
    } else if (name == kMessageId) {
      if (id.empty()) id = value;
    } else {
      put_text(properties, name);
      put_text(properties, value);
    }
  }
  pn_data_exit(properties);
  if (!from.group.empty()) pn_message_set_group_id(message, from.group.c_str());
  if (!id.empty()) set_text_id(pn_message_id(message), id);
}

}  // namespace forewarm
