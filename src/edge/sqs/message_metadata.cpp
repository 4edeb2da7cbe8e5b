#include "edge/sqs/message_metadata.h"

#include <charconv>

#include "base/random.h"

namespace forewarm::sqs {
namespace {

const AttributeValue* find(const SendMessageEntry& entry, const std::string& name) {
  const auto found = entry.attributes.find(name);
  return found == entry.attributes.end() || is_binary(found->second) ? nullptr : &found->second;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return number;
}

std::unexpected<SqsError> wrong(std::string_view name, std::string_view value, std::string_view expected) {
  return std::unexpected(invalid_value(value, "MessageAttribute " + std::string(name), expected));
}

SqsResult<Priority> read_priority(const SendMessageEntry& entry) {
  const AttributeValue* attribute = find(entry, "forewarm.priority");
  if (!attribute) return kPriorityDefault;
  if (attribute->value == "low") return Priority{1};
  if (attribute->value == "normal") return kPriorityDefault;
  if (attribute->value == "high") return Priority{8};
  const auto number = whole_number(attribute->value);
  if (number && *number >= 0 && *number <= kPriorityMax) return static_cast<Priority>(*number);
  return wrong("forewarm.priority", attribute->value,
               "Must be a whole number from 0 to 9, low, normal or high.");
}

SqsResult<TimePoint> read_deadline(const SendMessageEntry& entry, TimePoint visible_at) {
  // Centuries; keeps the sums below far from overflow.
  constexpr std::int64_t kMillisecondsMax = 10'000'000'000'000;
  if (const AttributeValue* attribute = find(entry, "forewarm.deadline")) {
    const auto number = whole_number(attribute->value);
    if (number && *number > 0 && *number <= kMillisecondsMax)
      return TimePoint(std::chrono::milliseconds(*number));
    return wrong("forewarm.deadline", attribute->value,
                 "Must be milliseconds since 1970-01-01 UTC, more than 0.");
  }
  if (const AttributeValue* attribute = find(entry, "forewarm.objective-ms")) {
    const auto number = whole_number(attribute->value);
    if (number && *number >= 0 && *number <= kMillisecondsMax) {
      return visible_at + std::chrono::milliseconds(*number);
    }
    return wrong("forewarm.objective-ms", attribute->value,
                 "Must be a whole number of milliseconds, 0 or more.");
  }
  return TimePoint{};
}

}  // namespace

SqsResult<MessageMetadata> read_metadata(const SendMessageEntry& entry, bool fifo, TimePoint visible_at) {
  const SqsResult<Priority> priority = read_priority(entry);
  if (!priority) return std::unexpected(priority.error());
  const SqsResult<TimePoint> deadline = read_deadline(entry, visible_at);
  if (!deadline) return std::unexpected(deadline.error());
  MessageMetadata metadata{.priority = *priority, .deadline = *deadline, .tenant = {}, .type = {}};
  if (const AttributeValue* tenant = find(entry, "forewarm.tenant")) {
    metadata.tenant = TenantId(name_hash(tenant->value));
  } else if (!fifo && !entry.group_id.empty()) {
    metadata.tenant = TenantId(name_hash(entry.group_id));
  }
  if (const AttributeValue* type = find(entry, "forewarm.type")) {
    const auto hash = static_cast<std::uint32_t>(name_hash(type->value));
    metadata.type = MessageTypeId(hash == 0 ? 1 : hash);
  }
  return metadata;
}

std::uint64_t name_hash(std::string_view name) {
  std::uint64_t hash =
      0xcbf29ce484222325ULL;  // FNV-1a, then mixed: its high bits alone are weak for short names
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  hash = mix_bits(hash);
  return hash == 0 ? 1 : hash;
}

}  // namespace forewarm::sqs
