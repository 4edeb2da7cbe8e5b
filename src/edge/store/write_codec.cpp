#include "edge/store/write_codec.h"

#include <bit>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace forewarm {

static_assert(std::endian::native == std::endian::little, "the journal is written as it lies in memory");

namespace {

// The numbers are the format's: never used again for another kind.
enum class Kind : std::uint8_t { Append = 1, Remove, Update, Move, Purge, PutRecord, RemoveRecord, Demote };

class BodyWriter {
 public:
  explicit BodyWriter(std::string& body) : body_(body) {}

  template <class Number>
  requires(std::is_arithmetic_v<Number> || std::is_enum_v<Number>) BodyWriter& put(Number number) {
    body_.append(reinterpret_cast<const char*>(&number), sizeof(number));
    return *this;
  }
  BodyWriter& put(TimePoint time) { return put(std::int64_t{count_us(time)}); }
  BodyWriter& put(std::string_view bytes) {
    put(std::uint64_t{bytes.size()});
    body_.append(bytes);
    return *this;
  }

  void operator()(const AppendMessage& write, std::string_view payload) {
    const Message& m = write.message.message;
    put(Kind::Append)
        .put(m.id.value())
        .put(m.queue.value())
        .put(m.type.value())
        .put(m.sent)
        .put(m.visible_at);
    put(m.deadline).put(m.tenant.value()).put(m.group.value()).put(m.bytes).put(m.receive_count);
    put(m.priority).put(m.dead_letter_source.value()).put(payload);
  }
  void operator()(const RemoveMessage& write, std::string_view) {
    put(Kind::Remove).put(write.message.value());
  }
  void operator()(const UpdateMessage& write, std::string_view) {
    put(Kind::Update).put(write.message.value()).put(write.receive_count).put(write.visible_at);
  }
  void operator()(const MoveMessage& write, std::string_view) {
    put(write.received_before == 0 ? Kind::Move : Kind::Demote).put(write.message.value());
    put(write.to.value()).put(write.visible_at).put(write.sent).put(write.source.value());
    if (write.received_before != 0) put(write.received_before);
  }
  void operator()(const PurgeQueue& write, std::string_view) {
    put(Kind::Purge).put(write.queue.value()).put(write.up_to.value());
  }
  void operator()(const PutRecord& write, std::string_view) {
    put(Kind::PutRecord).put(std::string_view(write.key)).put(std::string_view(write.value));
  }
  void operator()(const RemoveRecord& write, std::string_view) {
    put(Kind::RemoveRecord).put(std::string_view(write.key));
  }

 private:
  std::string& body_;
};

/// After a number that is not there whole, all that follow are zero and ok() is false.
class BodyReader {
 public:
  explicit BodyReader(std::string_view body) : rest_(body) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

  template <class Number>
  Number get() {
    Number number{};
    const std::string_view bytes = take(sizeof(number));
    if (ok_) bytes.copy(reinterpret_cast<char*>(&number), sizeof number);
    return number;
  }
  TimePoint time() { return time_point_us(get<std::int64_t>()); }
  std::string text() { return std::string(take(get<std::uint64_t>())); }
  template <class Id>
  Id id() {
    return Id(get<decltype(Id().value())>());
  }

 private:
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) ok_ = false;
    if (!ok_) return {};
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  std::string_view rest_;
  bool ok_ = true;
};

// The braces of a list read from left to right, so these are in the order of the format.

Message read_message(BodyReader& in) {
  return {.id = in.id<MessageId>(),
          .queue = in.id<QueueId>(),
          .type = in.id<MessageTypeId>(),
          .sent = in.time(),
          .visible_at = in.time(),
          .deadline = in.time(),
          .tenant = in.id<TenantId>(),
          .group = in.id<GroupId>(),
          .bytes = in.get<std::uint32_t>(),
          .receive_count = in.get<std::uint16_t>(),
          .priority = in.get<Priority>(),
          .dead_letter_source = in.id<QueueId>()};
}

/// False if there is no such kind.
bool read_write(BodyReader& in, Write& write) {
  switch (in.get<Kind>()) {
    case Kind::Append: {
      Message message = read_message(in);
      write = AppendMessage{{message, in.text()}};
      return true;
    }
    case Kind::Remove:
      write = RemoveMessage{in.id<MessageId>()};
      return true;
    case Kind::Update:
      write = UpdateMessage{in.id<MessageId>(), in.get<std::uint16_t>(), in.time()};
      return true;
    case Kind::Move:
      write = MoveMessage{in.id<MessageId>(), in.id<QueueId>(), in.time(), in.time(), in.id<QueueId>()};
      return true;
    case Kind::Demote:
      write = MoveMessage{in.id<MessageId>(), in.id<QueueId>(), in.time(),
                          in.time(),          in.id<QueueId>(), in.get<std::uint16_t>()};
      return std::get<MoveMessage>(write).received_before != 0;
    case Kind::Purge:
      write = PurgeQueue{in.id<QueueId>(), in.id<MessageId>()};
      return true;
    case Kind::PutRecord:
      write = PutRecord{in.text(), in.text()};
      return true;
    case Kind::RemoveRecord:
      write = RemoveRecord{in.text()};
      return true;
  }
  return false;
}

}  // namespace

void encode_write(const Write& write, std::string_view payload, std::string& body) {
  BodyWriter out(body);
  std::visit([&](const auto& one) { out(one, payload); }, write);
}

Result<void> decode_writes(std::string_view body, const std::function<Result<void>(Write)>& take) {
  BodyReader in(body);
  while (!in.at_end()) {
    Write write;
    if (!read_write(in, write) || !in.ok())
      return error(ErrorCode::Corrupt, "a commit of the journal is not understood");
    if (auto taken = take(std::move(write)); !taken) return taken;
  }
  return {};
}

}  // namespace forewarm
