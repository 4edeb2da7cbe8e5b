#include "edge/sqs/payload.h"

#include <gtest/gtest.h>

namespace forewarm::sqs {
namespace {

Payload full() {
  return {.sent_to = QueueId(300),
          .sent = time_point_us(129),
          .body = std::string(1000, 'b') + '\0',
          .attributes = {{"a", {"String", "x"}}, {"b", {"Binary", std::string("\0\xff", 2)}}},
          .trace_header = "Root=1",
          .group_id = "g",
          .deduplication_id = "d",
          .sender_id = "s"};
}

TEST(Payload, ComesBackAsItWas) {
  EXPECT_EQ(decode(encode(full())), full());
  EXPECT_EQ(decode(encode(Payload{})), Payload{});
}

TEST(Payload, TheFormatStaysWhatTheDocumentSays) {
  const Payload payload{.sent_to = QueueId(300),
                        .sent = time_point_us(129),
                        .body = "hi",
                        .attributes = {{"n", {"Number", "1"}}},
                        .trace_header = {},
                        .group_id = "g",
                        .deduplication_id = {},
                        .sender_id = {}};
  EXPECT_EQ(encode(payload),
            std::string("\x01\xac\x02\x81\x01\x02hi\x01g\x00\x00\x00\x01\x01n\x06Number\x01\x31", 25));
}

TEST(Payload, EveryTruncationIsNoticed) {
  const std::string bytes = encode(full());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto decoded = decode(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(decoded.has_value()) << size;
    EXPECT_EQ(decoded.error().code, ErrorCode::Corrupt);
  }
  EXPECT_FALSE(decode(bytes + 'x').has_value());
}

TEST(Payload, ANewerVersionIsNamed) {
  std::string bytes = encode(full());
  bytes[0] = 2;
  EXPECT_NE(decode(bytes).error().message.find("version 2"), std::string::npos);
}

TEST(Payload, LengthsThatLieAreRefused) {
  EXPECT_FALSE(decode(std::string("\x01\x01\x01\xff\xff\xff\xff\x0f", 8)).has_value());
  EXPECT_FALSE(decode(std::string("\x01\x80\x00\x00\x00\x00\x00\x00\x00", 9))
                   .has_value());  // a number not in its shortest form
}

}  // namespace
}  // namespace forewarm::sqs
