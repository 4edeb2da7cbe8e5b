#include "edge/sqs/limits.h"

#include <algorithm>
#include <string>

#include "edge/sqs/byte_words.h"

namespace forewarm::sqs {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_name_character(char c) {
  return is_alphanumeric(c) || c == '_' || c == '-';
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, is_name_character);
}

/// The length of the character at the start of `text` if XML allows it, else 0.
std::size_t allowed_character(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const auto trails = [&](std::size_t count) {
    if (text.size() <= count) return false;
    for (std::size_t i = 1; i <= count; ++i) {
      if ((byte(i) & 0xC0U) != 0x80U) return false;
    }
    return true;
  };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return lead >= 0x20 || lead == '\t' || lead == '\n' || lead == '\r' ? 1 : 0;
  if (lead >= 0xC2 && lead <= 0xDF) return trails(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!trails(2)) return 0;
    const std::uint32_t code = (lead & 15U) << 12U | (byte(1) & 63U) << 6U | (byte(2) & 63U);
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    return code >= 0x800 && !surrogate && code <= 0xFFFD ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!trails(3)) return 0;
    const std::uint32_t code =
        (lead & 7U) << 18U | (byte(1) & 63U) << 12U | (byte(2) & 63U) << 6U | (byte(3) & 63U);
    return code >= 0x10000 && code <= 0x10FFFF ? 4 : 0;
  }
  return 0;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view lower_prefix) {
  if (text.size() < lower_prefix.size()) return false;
  for (std::size_t i = 0; i < lower_prefix.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
    if (c != lower_prefix[i]) return false;
  }
  return true;
}

bool is_attribute_name(std::string_view name) {
  if (name.empty() || name.size() > 256) return false;
  if (!std::ranges::all_of(name, [](char c) { return is_name_character(c) || c == '.'; })) return false;
  if (name.starts_with('.') || name.ends_with('.') || name.find("..") != std::string_view::npos) return false;
  return !starts_with_ignoring_case(name, "aws.") && !starts_with_ignoring_case(name, "amazon.");
}

/// A type, and after a point a label of the sender's own.
bool is_data_type(std::string_view type) {
  if (type.size() > 256) return false;
  for (const std::string_view known : {"String", "Number", "Binary"}) {
    if (!type.starts_with(known)) continue;
    const std::string_view label = type.substr(known.size());
    if (label.empty()) return true;
    const auto allowed = [](char c) { return is_name_character(c) || c == '.'; };
    return label.size() > 1 && label.front() == '.' && std::ranges::all_of(label, allowed);
  }
  return false;
}

/// The power of ten of the first digit that is not 0; 0 for zero.
std::int64_t order_of_magnitude(std::string_view whole, std::string_view fraction) {
  if (const std::size_t at = whole.find_first_not_of('0'); at != std::string_view::npos)
    return static_cast<std::int64_t>(whole.size() - 1 - at);
  const std::size_t at = fraction.find_first_not_of('0');
  return at == std::string_view::npos ? 0 : -static_cast<std::int64_t>(at) - 1;
}

/// Optional sign, digits with an optional point, optional exponent; at most 38 digits, from 10^-128 to
/// 10^126. Source: SQS Developer Guide, "Amazon SQS message attributes".
bool is_number(std::string_view text) {
  const auto take_sign = [&] {
    const bool minus = text.starts_with('-');
    if (minus || text.starts_with('+')) text.remove_prefix(1);
    return minus;
  };
  const auto take_digits = [&] {
    const std::string_view digits =
        text.substr(0, std::min(text.find_first_not_of("0123456789"), text.size()));
    text.remove_prefix(digits.size());
    return digits;
  };
  (void)take_sign();
  const std::string_view whole = take_digits();
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_digits();
  }
  const std::size_t count = whole.size() + fraction.size();
  if (count == 0 || count > 38) return false;
  std::int64_t order = order_of_magnitude(whole, fraction);
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    const bool minus = take_sign();
    const std::string_view exponent = take_digits();
    if (exponent.empty() || exponent.size() > 3) return false;
    std::int64_t power = 0;
    for (const char c : exponent) power = power * 10 + (c - '0');
    order += minus ? -power : power;
  }
  return text.empty() && order >= -128 && order <= 126;
}

/// Of UTF-8: all bytes but those that continue one.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// Among what is not ASCII the service looks for letters and digits; here all of it passes.
bool is_tag_text(std::string_view text) {
  constexpr std::string_view kMarks = "_.:/=+-@ \t\n\r";
  return is_allowed_text(text) && std::ranges::all_of(text, [&](char c) {
           return is_alphanumeric(c) || kMarks.find(c) != std::string_view::npos ||
                  static_cast<unsigned char>(c) >= 0x80;
         });
}

SqsError wrong_attribute(std::string_view name, std::string_view what) {
  return {Fault::InvalidParameterValue,
          "Message (user) attribute '" + std::string(name) + "' " + std::string(what)};
}

std::optional<SqsError> find_attribute_fault(std::string_view name, const AttributeValue& attribute) {
  if (!is_attribute_name(name)) {
    return SqsError{
        Fault::InvalidParameterValue,
        "Message (user) attribute name '" + std::string(name.substr(0, 256)) +
            "' is invalid. A name holds 1 to 256 of the characters A-Z, a-z, 0-9, underscore, hyphen and "
            "period; no period at an end or next to another; and does not start with AWS. or Amazon."};
  }
  if (attribute.data_type.empty())
    return wrong_attribute(name, "must contain a non-empty message attribute type.");
  if (!is_data_type(attribute.data_type)) {
    return wrong_attribute(name,
                           "has an invalid message attribute type, the set of supported type prefixes is "
                           "Binary, Number, and String.");
  }
  if (attribute.value.empty()) {
    const std::string_view type = attribute.data_type;
    return wrong_attribute(name, "must contain a non-empty value of type '" +
                                     std::string(type.substr(0, type.find('.'))) + "'.");
  }
  if (attribute.data_type.starts_with("Number") && !is_number(attribute.value)) {
    return SqsError{Fault::InvalidParameterValue, "Can't cast the value of message (user) attribute '" +
                                                      std::string(name) +
                                                      "' to a number of at most 38 digits."};
  }
  if (!is_binary(attribute) && !is_allowed_text(attribute.value)) {
    return wrong_attribute(name, "contains characters that are not allowed.");
  }
  return std::nullopt;
}

std::optional<SqsError> find_system_attribute_fault(std::string_view name, const AttributeValue& attribute) {
  if (name != "AWSTraceHeader") {
    return SqsError{Fault::InvalidParameterValue,
                    "Message system attribute name '" + std::string(name.substr(0, 256)) +
                        "' is invalid. The only one that can be sent is AWSTraceHeader."};
  }
  if (attribute.data_type != "String" || attribute.value.empty() || !is_allowed_text(attribute.value)) {
    return SqsError{
        Fault::InvalidParameterValue,
        "The message system attribute 'AWSTraceHeader' must have the type String and a trace header."};
  }
  return std::nullopt;
}

}  // namespace

bool is_queue_name(std::string_view name) {
  if (name.size() > 80) return false;
  if (name.ends_with(".fifo")) name.remove_suffix(5);
  return is_plain_name(name);
}

bool is_batch_id(std::string_view id) {
  return id.size() <= 80 && is_plain_name(id);
}

bool is_fifo_id(std::string_view id) {
  return !id.empty() && id.size() <= 128 &&
         std::ranges::all_of(id, [](char c) { return c > ' ' && c <= '~'; });
}

bool is_allowed_text(std::string_view text) {
  while (!text.empty()) {
    if (text.size() >= kWordBytes) {
      const std::uint64_t word = load_word(text, 0);
      if (is_ascii(word) && !has_byte_below(word, 0x20)) {
        text.remove_prefix(kWordBytes);
        continue;
      }
    }
    const std::size_t length = allowed_character(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::optional<SqsError> find_tag_fault(const StringMap& tags) {
  const auto wrong = [](std::string_view what) {
    return SqsError{Fault::InvalidParameterValue, std::string(what)};
  };
  if (tags.size() > kTagsMax) return wrong("Too many tags: a queue can have at most 50.");
  for (const auto& [key, value] : tags) {
    if (key.empty() || characters(key) > kTagKeyCharactersMax)
      return wrong("Tag keys must be between 1 and 128 characters in length.");
    if (characters(value) > kTagValueCharactersMax)
      return wrong("Tag values must be at most 256 characters in length.");
    if (starts_with_ignoring_case(key, "aws:") || starts_with_ignoring_case(value, "aws:"))
      return wrong("The prefix aws: of tag keys and values is reserved.");
    if (!is_tag_text(key) || !is_tag_text(value)) {
      return wrong("Tags hold Unicode letters and digits, white space, and the characters _ . : / = + - @");
    }
  }
  return std::nullopt;
}

std::uint64_t size_bytes(const SendMessageEntry& entry) {
  std::uint64_t size = entry.body.size();
  for (const auto& [name, attribute] : entry.attributes) {
    size += name.size() + attribute.data_type.size() + attribute.value.size();
  }
  return size;
}

std::optional<SqsError> find_fault(const SendMessageEntry& entry) {
  if (entry.body.empty()) return missing_parameter("MessageBody");
  if (!is_allowed_text(entry.body)) {
    return SqsError{Fault::InvalidMessageContents,
                    "Invalid characters found. Valid unicode characters are #x9 | #xA | "
                    "#xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"};
  }
  if (entry.attributes.size() > kAttributesMax) {
    return SqsError{Fault::InvalidParameterValue, "Number of message attributes [" +
                                                      std::to_string(entry.attributes.size()) +
                                                      "] exceeds the allowed maximum [10]."};
  }
  for (const auto& [name, attribute] : entry.attributes) {
    if (auto fault = find_attribute_fault(name, attribute)) return fault;
  }
  for (const auto& [name, attribute] : entry.system_attributes) {
    if (auto fault = find_system_attribute_fault(name, attribute)) return fault;
  }
  if (entry.delay_seconds && (*entry.delay_seconds < 0 || *entry.delay_seconds > kDelaySecondsMax)) {
    return invalid_value(std::to_string(*entry.delay_seconds), "DelaySeconds",
                         "DelaySeconds must be >= 0 and <= 900.");
  }
  constexpr std::string_view kIdRule =
      "can only include alphanumeric and punctuation characters. 1 to 128 in length.";
  if (!entry.group_id.empty() && !is_fifo_id(entry.group_id)) {
    return invalid_value(entry.group_id, "MessageGroupId", "MessageGroupId " + std::string(kIdRule));
  }
  if (!entry.deduplication_id.empty() && !is_fifo_id(entry.deduplication_id)) {
    return invalid_value(entry.deduplication_id, "MessageDeduplicationId",
                         "MessageDeduplicationId " + std::string(kIdRule));
  }
  return std::nullopt;
}

}  // namespace forewarm::sqs
