#include "edge/cloud/rabbitmq/amqp_content.h"

#include <gtest/gtest.h>

#include "edge/cloud/rabbitmq/amqp_link.h"
#include "edge/cloud/rabbitmq/management.h"
#include "edge/cloud/utf8.h"

namespace forewarm {
namespace {

AmqpContent come(const amqp_basic_properties_t& properties, std::string_view body, bool redelivered = false) {
  AmqpContent content;
  content.redelivered = redelivered;
  amqp_frame_t frame{};
  frame.frame_type = AMQP_FRAME_HEADER;
  frame.payload.properties.body_size = body.size();
  frame.payload.properties.decoded = const_cast<amqp_basic_properties_t*>(&properties);
  content.take_properties(frame);
  if (!body.empty()) content.take_body(amqp_borrow(body));
  return content;
}

TEST(AmqpContent, AMessageComesAsItWasPublished) {
  LentMessage sent;
  sent.id = "m-1";
  sent.body = std::string("a\0b", 3);
  sent.attributes = {{"content-type", "application/json"}, {"correlation-id", "c"}, {"tenant", "acme"}};
  sent.priority = 7;
  sent.sent = TimePoint(std::chrono::seconds(1'700'000'000));
  const AmqpProperties properties(sent);
  AmqpContent came = come(properties.get(), sent.body);
  EXPECT_TRUE(came.complete());
  EXPECT_EQ(came.message.deliveries, 1U);
  came.message.deliveries = 0;
  EXPECT_EQ(came.message, sent);
}

TEST(AmqpContent, CountsDeliveriesWhereTheQueueDoes) {
  amqp_table_entry_t count{};
  count.key = amqp_borrow("x-delivery-count");
  count.value.kind = AMQP_FIELD_KIND_I64;
  count.value.value.i64 = 2;
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_HEADERS_FLAG;
  properties.headers = {1, &count};
  EXPECT_EQ(come(properties, "", true).message.deliveries, 3U);
  properties._flags = 0;
  EXPECT_EQ(come(properties, "", true).message.deliveries,
            0U);  // a classic queue: more than one, nobody knows
}

TEST(AmqpContent, IsCompleteWithItsLastPart) {
  amqp_basic_properties_t properties{};
  AmqpContent content = come(properties, "");
  EXPECT_TRUE(content.complete());
  content.body_bytes = 4;
  content.take_body(amqp_borrow("ab"));
  EXPECT_FALSE(content.complete());
  content.take_body(amqp_borrow("cd"));
  EXPECT_TRUE(content.complete());
}

TEST(AmqpContent, TheDigestIsOfAllThatStaysTheSame) {
  LentMessage message;
  message.body = "body";
  message.attributes = {{"a", "b"}};
  LentMessage again = message;
  again.token = "another";
  again.deliveries = 9;
  EXPECT_EQ(content_digest(message), content_digest(again));
  EXPECT_EQ(content_digest(message).size(), 32U);
  again.attributes = {{"ab", ""}};
  EXPECT_NE(content_digest(message), content_digest(again));
  again = message;
  again.priority = 0;
  EXPECT_NE(content_digest(message), content_digest(again));
}

TEST(Management, ReadsWhatAmqpDoesNotTell) {
  const auto queue = parse_managed_queue(R"({"name":"q","type":"quorum","messages_unacknowledged":3,
    "message_stats":{"publish":40},"arguments":{"x-delivery-limit":5},
    "effective_policy_definition":{"dead-letter-exchange":"dlx"},"head_message_timestamp":1700000000})");
  ASSERT_TRUE(queue);
  EXPECT_TRUE(queue->quorum);
  EXPECT_TRUE(queue->dead_letters);
  EXPECT_EQ(queue->delivery_limit, 5U);
  EXPECT_EQ(queue->unacknowledged, 3U);
  EXPECT_EQ(queue->published_total, 40U);
  ASSERT_TRUE(queue->oldest_sent);
  EXPECT_FALSE(parse_managed_queue("[]"));
  EXPECT_FALSE(parse_managed_queue("{}"));
  const auto bare = parse_managed_queue(R"({"name":"q"})");
  ASSERT_TRUE(bare);
  EXPECT_FALSE(bare->unacknowledged);  // a gap, not zero
}

TEST(Utf8, KnowsTheBoundsOfTheTable) {
  for (const char* good :
       {"", "a", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc2", "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
}

}  // namespace
}  // namespace forewarm
