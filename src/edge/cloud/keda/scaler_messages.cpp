#include "edge/cloud/keda/scaler_messages.h"

#include <bit>
#include <optional>

namespace forewarm {
namespace {

// Wire types ("Protocol Buffers: Encoding").
constexpr unsigned kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;

/// Reads fields one after another.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : all_(bytes) {}

  struct Field {
    std::uint64_t number = 0;
    unsigned type = kVarint;
    std::string_view bytes{};  ///< of kBytes; of the others nobody asks
  };
  /// None at the end, and where the bytes are wrong: then wrong() says so.
  std::optional<Field> next() {
    if (at_ == all_.size() || wrong_) return std::nullopt;
    const std::uint64_t tag = varint();
    Field field{.number = tag >> 3, .type = static_cast<unsigned>(tag & 7)};
    if (field.number == 0 || field.number >> 29 != 0) wrong_ = true;
    if (field.type == kVarint)
      varint();
    else if (field.type == kFixed64)
      take(8);
    else if (field.type == kFixed32)
      take(4);
    else if (field.type == kBytes)
      field.bytes = take(varint());
    else
      wrong_ = true;
    if (wrong_) return std::nullopt;
    return field;
  }

  bool wrong() const { return wrong_; }
  std::size_t at() const { return at_; }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at_ < all_.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(all_[at_++]);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    wrong_ = true;
    return 0;
  }
  std::string_view take(std::uint64_t size) {
    if (wrong_ || size > all_.size() - at_) {
      wrong_ = true;
      return {};
    }
    const std::string_view taken = all_.substr(at_, size);
    at_ += size;
    return taken;
  }

  std::string_view all_;
  std::size_t at_ = 0;
  bool wrong_ = false;
};

Result<void> end_of(const FieldReader& reader, std::string_view what) {
  if (!reader.wrong()) return {};
  return error(ErrorCode::Invalid, "these bytes are no " + std::string(what) + ": byte " +
                                       std::to_string(reader.at()) +
                                       " ends what is no field of Protocol Buffers");
}

Result<void> read_entry(std::string_view bytes, ScaledObjectRef& into) {
  std::string key, value;
  FieldReader reader(bytes);
  while (const auto field = reader.next()) {
    if (field->type != kBytes) continue;
    if (field->number == 1) key = field->bytes;
    if (field->number == 2) value = field->bytes;
  }
  if (auto end = end_of(reader, "entry of scalerMetadata"); !end) return end;
  into.metadata.insert_or_assign(std::move(key), std::move(value));
  return {};
}

/// A message that comes in several parts is all of them (proto3: the last of each field counts).
Result<void> read_reference(std::string_view bytes, ScaledObjectRef& into) {
  FieldReader reader(bytes);
  while (const auto field = reader.next()) {
    if (field->type != kBytes) continue;
    if (field->number == 1) into.name = field->bytes;
    if (field->number == 2) into.space = field->bytes;
    if (field->number != 3) continue;
    if (auto read = read_entry(field->bytes, into); !read) return read;
  }
  return end_of(reader, "ScaledObjectRef");
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
  out += static_cast<char>(value);
}
void put_tag(std::string& out, unsigned number, unsigned type) {
  put_varint(out, number << 3 | type);
}
void put_bytes(std::string& out, unsigned number, std::string_view bytes) {
  put_tag(out, number, kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

/// MetricSpec and MetricValue are alike: a name, a whole number, and the same as a double. Zeros are left
/// out (proto3).
std::string named_number(std::string_view name, std::uint32_t number) {
  std::string metric;
  put_bytes(metric, 1, name);
  if (number != 0) {
    put_tag(metric, 2, kVarint);
    put_varint(metric, number);
    put_tag(metric, 3, kFixed64);
    const auto bits = std::bit_cast<std::uint64_t>(static_cast<double>(number));
    for (unsigned shift = 0; shift < 64; shift += 8) metric += static_cast<char>(bits >> shift & 0xFF);
  }
  std::string out;
  put_bytes(out, 1, metric);
  return out;
}

}  // namespace

Result<ScaledObjectRef> parse_scaled_object_ref(std::string_view bytes) {
  ScaledObjectRef reference;
  if (auto read = read_reference(bytes, reference); !read) return std::unexpected(read.error());
  return reference;
}

Result<ScaledObjectRef> parse_metrics_request(std::string_view bytes) {
  ScaledObjectRef reference;
  FieldReader reader(bytes);
  while (const auto field = reader.next()) {
    if (field->type != kBytes || field->number != 1) continue;
    if (auto read = read_reference(field->bytes, reference); !read) return std::unexpected(read.error());
  }
  if (auto end = end_of(reader, "GetMetricsRequest"); !end) return std::unexpected(end.error());
  return reference;
}

std::string active_response(bool active) {
  std::string out;
  if (!active) return out;
  put_tag(out, 1, kVarint);
  put_varint(out, 1);
  return out;
}

std::string metric_spec_response(std::string_view metric, std::uint32_t size) {
  return named_number(metric, size);
}

std::string metrics_response(std::string_view metric, std::uint32_t value) {
  return named_number(metric, value);
}

}  // namespace forewarm
