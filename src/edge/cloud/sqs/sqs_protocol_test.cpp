#include "edge/cloud/sqs/sqs_protocol.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

TEST(SqsProtocol, ReadsWhatAQueueIs) {
  const auto facts = parse_queue_attributes(
      R"({"Attributes":{"VisibilityTimeout":"45","FifoQueue":"true","ApproximateNumberOfMessages":"7",
      "RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:eu-west-1:1:dead.fifo\",\"maxReceiveCount\":5}"}})");
  ASSERT_TRUE(facts);
  EXPECT_EQ(*facts, (SqsQueueFacts{.visibility_s = 45,
                                   .dead_letter_arn = "arn:aws:sqs:eu-west-1:1:dead.fifo",
                                   .receives_max = 5,
                                   .fifo = true,
                                   .waiting = 7,
                                   .in_flight = std::nullopt}));
  EXPECT_EQ(parse_queue_attributes(R"({"Attributes":{"RedrivePolicy":"no"}})").error().code,
            ErrorCode::Corrupt);
  EXPECT_EQ(parse_queue_attributes("{}").error().code, ErrorCode::Corrupt);
  EXPECT_EQ(parse_queue_attributes("").error().code, ErrorCode::Corrupt);
}

TEST(SqsProtocol, ReadsMessagesAndKeepsTheirTypesForADeadLetter) {
  const auto messages = parse_received(
      R"({"Messages":[{"MessageId":"i","ReceiptHandle":"h","Body":"hello","MD5OfBody":"5d41402abc4b2a76b9719d911017c592",
      "Attributes":{"ApproximateReceiveCount":"3","SentTimestamp":"1700000000123","MessageGroupId":"g","AWSTraceHeader":"Root=1"},
      "MessageAttributes":{"n":{"DataType":"Number","StringValue":"7"},"b":{"DataType":"Binary","BinaryValue":"AAEC"}}}]})");
  ASSERT_TRUE(messages) << messages.error().message;
  ASSERT_EQ(messages->size(), 1U);
  const LentMessage& message = messages->front().message;
  EXPECT_EQ(message.id, "i");
  EXPECT_EQ(message.token, "h");
  EXPECT_EQ(message.deliveries, 3U);
  EXPECT_EQ(message.group, "g");
  EXPECT_EQ(message.sent, time_point_us(1'700'000'000'123'000));
  EXPECT_EQ(message.attributes,
            (std::vector<std::pair<std::string, std::string>>{{"n", "7"}, {"AWSTraceHeader", "Root=1"}}));
  EXPECT_EQ(
      send_json("u", {.body = "hello",
                      .attributes = {{"lost", "x"}},
                      .origin = messages->front().origin,
                      .reason = "why"}),
      R"({"QueueUrl":"u","MessageBody":"hello","MessageAttributes":{"n":{"DataType":"Number","StringValue":"7"},)"
      R"("b":{"DataType":"Binary","BinaryValue":"AAEC"},"DeadLetterReason":{"DataType":"String","StringValue":"why"}},)"
      R"("MessageSystemAttributes":{"AWSTraceHeader":{"DataType":"String","StringValue":"Root=1"}}})");
  EXPECT_TRUE(parse_received("{}")->empty());
  EXPECT_TRUE(parse_received(R"({"Messages":null})")->empty());
  for (const char* wrong :
       {"", "[]", R"({"Messages":1})", R"({"Messages":[1]})", R"({"Messages":[{"MessageId":"i","Body":""}]})",
        R"({"Messages":[{"MessageId":"i","ReceiptHandle":"h","Body":"x","MD5OfBody":"0"}]})"}) {
    EXPECT_EQ(parse_received(wrong).error().code, ErrorCode::Corrupt) << wrong;
  }
}

TEST(SqsProtocol, EachEntryOfABatchHasItsOwnResult) {
  const auto results = parse_batch(
      R"({"Successful":[{"Id":"0"}],"Failed":[{"Id":"1","SenderFault":true,"Code":"ReceiptHandleIsInvalid"},
      {"Id":"2","SenderFault":false,"Code":"InternalError","Message":"later"},{"Id":"77"}]})",
      4);
  ASSERT_EQ(results.size(), 4U);
  EXPECT_TRUE(results[0]);
  EXPECT_EQ(results[1].error().code, ErrorCode::Invalid);
  EXPECT_EQ(results[2].error().code, ErrorCode::Io);
  EXPECT_EQ(results[2].error().message, "SQS did not take it: InternalError: later");
  EXPECT_EQ(results[3].error().code, ErrorCode::Corrupt);
  for (const auto& result : parse_batch("<html>", 2)) EXPECT_FALSE(result);
}

TEST(SqsProtocol, AReasonDoesNotPushAnAttributeOut) {
  SqsSend send{.body = "x", .reason = "why"};
  for (int i = 0; i < 10; ++i) send.attributes.emplace_back("a" + std::to_string(i), "v");
  EXPECT_EQ(send_json("u", send).find("DeadLetterReason"), std::string::npos);
}

TEST(SqsProtocol, FailuresAreToldApart) {
  const auto of = [](unsigned status, const char* body) {
    return parse_failure({.status = status, .body = body});
  };
  EXPECT_EQ(of(400, R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"m"})").code,
            "QueueDoesNotExist");
  EXPECT_TRUE(of(400, R"({"__type":"RequestThrottled"})").is_throttling());
  EXPECT_TRUE(of(403, R"({"__type":"com.amazon.coral.service#ExpiredTokenException"})").is_of_credentials());
  EXPECT_EQ(of(502, "<html>").code, "HTTP status 502");
}

TEST(SqsProtocol, RegionsAndDeadLetterQueuesFollowFromNames) {
  EXPECT_EQ(region_of_sqs_host("sqs.eu-west-1.amazonaws.com"), "eu-west-1");
  EXPECT_EQ(region_of_sqs_host("sqs-fips.us-gov-west-1.amazonaws.com"), "us-gov-west-1");
  EXPECT_EQ(region_of_sqs_host("sqs.cn-north-1.amazonaws.com.cn"), "cn-north-1");
  EXPECT_EQ(region_of_sqs_host("ap-south-1.queue.amazonaws.com"), "ap-south-1");
  EXPECT_EQ(region_of_sqs_host("vpce-1-2.sqs.eu-west-1.vpce.amazonaws.com"), "eu-west-1");
  EXPECT_EQ(region_of_sqs_host("sqs.example.com"), "");
  EXPECT_EQ(queue_path_of_arn("arn:aws:sqs:eu-west-1:123:dead"), "/123/dead");
  EXPECT_EQ(queue_path_of_arn("arn:aws:sns:eu-west-1:123:dead"), "");
  EXPECT_EQ(queue_path_of_arn(""), "");
}

TEST(SqsProtocol, VisibilityIsWholeSecondsAndNeverShorterThanAsked) {
  EXPECT_NE(change_visibility_batch_json("u", {{"h", Duration(1)}}).find("\"VisibilityTimeout\":1}"),
            std::string::npos);
  EXPECT_NE(change_visibility_batch_json("u", {{"h", Duration(0)}}).find("\"VisibilityTimeout\":0}"),
            std::string::npos);
}

}  // namespace
}  // namespace forewarm
