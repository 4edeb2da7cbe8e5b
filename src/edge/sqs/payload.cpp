#include "edge/sqs/payload.h"

#include <cstdint>
#include <optional>

namespace forewarm::sqs {
namespace {

constexpr char kVersion = 1;

void write_number(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>((value & 0x7FU) | 0x80U);
    value >>= 7U;
  }
  out += static_cast<char>(value);
}

void write_text(std::string& out, std::string_view text) {
  write_number(out, text.size());
  out += text;
}

/// Takes values off the front; once something is missing, everything after it is empty and `good` is false.
struct Source {
  std::string_view bytes;
  bool good = true;

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && !bytes.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      if (byte < 0x80) {
        // One number has one form, and 64 bits.
        if ((byte == 0 && shift > 0) || (shift == 63 && byte > 1)) break;
        return value;
      }
    }
    good = false;
    bytes = {};
    return 0;
  }

  std::string text() {
    const std::uint64_t size = number();
    if (size > bytes.size()) {
      good = false;
      bytes = {};
      return {};
    }
    std::string text(bytes.substr(0, size));
    bytes.remove_prefix(size);
    return text;
  }
};

}  // namespace

std::string encode(const Payload& payload) {
  std::string out;
  out.reserve(payload.body.size() + 128);
  out += kVersion;
  write_number(out, payload.sent_to.value());
  write_number(out, static_cast<std::uint64_t>(count_us(payload.sent)));
  write_text(out, payload.body);
  write_text(out, payload.group_id);
  write_text(out, payload.deduplication_id);
  write_text(out, payload.sender_id);
  write_text(out, payload.trace_header);
  write_number(out, payload.attributes.size());
  for (const auto& [name, attribute] : payload.attributes) {
    write_text(out, name);
    write_text(out, attribute.data_type);
    write_text(out, attribute.value);
  }
  return out;
}

Result<Payload> decode(std::string_view bytes) {
  if (bytes.empty()) return error(ErrorCode::Corrupt, "a message's payload is empty");
  if (bytes.front() != kVersion) {
    return error(ErrorCode::Corrupt, "a message's payload has version " +
                                         std::to_string(static_cast<unsigned char>(bytes.front())) +
                                         "; this program reads version 1");
  }
  Source source{.bytes = bytes.substr(1)};
  Payload payload;
  const std::uint64_t queue = source.number();
  payload.sent_to = QueueId(static_cast<std::uint32_t>(queue));
  payload.sent = time_point_us(static_cast<std::int64_t>(source.number()));
  payload.body = source.text();
  payload.group_id = source.text();
  payload.deduplication_id = source.text();
  payload.sender_id = source.text();
  payload.trace_header = source.text();
  const std::uint64_t count = source.number();
  for (std::uint64_t i = 0; i < count && source.good; ++i) {
    std::string name = source.text();
    AttributeValue attribute{.data_type = source.text(), .value = source.text()};
    const bool ordered = payload.attributes.empty() || payload.attributes.rbegin()->first < name;
    source.good = source.good && ordered;
    payload.attributes.emplace_hint(payload.attributes.end(), std::move(name), std::move(attribute));
  }
  if (!source.good || !source.bytes.empty() || queue > UINT32_MAX) {
    return error(ErrorCode::Corrupt, "a message's payload is damaged");
  }
  return payload;
}

}  // namespace forewarm::sqs
