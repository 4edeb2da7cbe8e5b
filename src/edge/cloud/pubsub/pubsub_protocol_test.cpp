#include "edge/cloud/pubsub/pubsub_protocol.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

TEST(PubSubProtocol, ReadsASubscription) {
  const auto read = parse_subscription(
      R"({"name":"projects/p/subscriptions/s","topic":"projects/p/topics/t","ackDeadlineSeconds":20,
      "deadLetterPolicy":{"deadLetterTopic":"projects/p/topics/d","maxDeliveryAttempts":7}})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->topic, "projects/p/topics/t");
  EXPECT_EQ(read->ack_deadline, 20s);
  EXPECT_TRUE(read->has_dead_letter_policy);
  EXPECT_EQ(read->deliveries_max, 7U);
  EXPECT_EQ(parse_subscription("{}").error().code, ErrorCode::Corrupt);
}

TEST(PubSubProtocol, ReadsWhatIsPulled) {
  const auto messages = parse_pulled(
      R"({"receivedMessages":[{"ackId":"a","deliveryAttempt":3,"message":{"data":"aGVsbG8=","attributes":{"k":"v"},
      "messageId":"7","publishTime":"1970-01-01T00:00:01.500Z","orderingKey":"g"}},{"ackId":"b","message":{"messageId":"8"}}]})");
  ASSERT_TRUE(messages) << messages.error().message;
  ASSERT_EQ(messages->size(), 2U);
  const LentMessage& message = messages->front().message;
  EXPECT_EQ(message.body, "hello");
  EXPECT_EQ(message.deliveries, 3U);
  EXPECT_EQ(message.group, "g");
  EXPECT_EQ(message.sent, time_point_us(1'500'000));
  EXPECT_EQ(message.attributes, (std::vector<std::pair<std::string, std::string>>{{"k", "v"}}));
  EXPECT_EQ((*messages)[1].message.body, "");
  EXPECT_TRUE(parse_pulled("{}")->empty());
  for (const char* wrong :
       {"", R"({"receivedMessages":1})", R"({"receivedMessages":[{"ackId":"a"}]})",
        R"({"receivedMessages":[{"ackId":"a","message":{"messageId":"7","data":"!"}}]})"}) {
    EXPECT_EQ(parse_pulled(wrong).error().code, ErrorCode::Corrupt) << wrong;
  }
}

TEST(PubSubProtocol, Base64GoesThereAndBack) {
  for (const std::string text : {"", "f", "fo", "foo", "foob"}) EXPECT_EQ(base64_decoded(base64(text)), text);
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_FALSE(base64_decoded("abc"));
  EXPECT_FALSE(base64_decoded("!!!!"));
}

TEST(PubSubProtocol, ADeadLetterHasItsReason) {
  LentMessage message;
  message.body = "foo";
  message.group = "g";
  EXPECT_EQ(
      publish_json(message, "why"),
      R"({"messages":[{"data":"Zm9v","attributes":{"CloudPubSubDeadLetterReason":"why"},"orderingKey":"g"}]})");
}

TEST(PubSubProtocol, TheNewestPointIsTheFirst) {
  EXPECT_EQ(parse_newest_point(
                R"({"timeSeries":[{"points":[{"value":{"int64Value":"12"}},{"value":{"int64Value":"9"}}]}]})")
                .value(),
            12.0);
  EXPECT_EQ(parse_newest_point(R"({"timeSeries":[{"points":[{"value":{"doubleValue":1.5}}]}]})").value(),
            1.5);
  EXPECT_EQ(parse_newest_point("{}").value(), std::nullopt);
  EXPECT_FALSE(parse_newest_point("no"));
}

}  // namespace
}  // namespace forewarm
