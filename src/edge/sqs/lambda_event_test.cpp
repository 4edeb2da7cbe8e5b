#include "edge/sqs/lambda_event.h"

#include <gtest/gtest.h>

namespace forewarm::sqs {
namespace {

TEST(LambdaEvent, LooksAsInTheDeveloperGuide) {
  const std::vector<ReceivedMessage> messages = {
      {.message_id = "059f36b4-87a3-44ab-83d2-661975830a7d",
       .receipt_handle = "AQEB",
       .body = "Test \"message\".",
       .md5_of_body = "e4e68fb7bd0e697a0ae8f1bb342846b3",
       .system_attributes = {{"ApproximateReceiveCount", "1"}, {"SentTimestamp", "1545082649183"}},
       .attributes = {{"count", {"Number", "3"}}, {"raw", {"Binary", std::string("\0\1\xff", 3)}}},
       .md5_of_attributes = "c2"}};
  EXPECT_EQ(
      lambda_event(messages, "arn:aws:sqs:us-east-2:000000000000:my-queue"),
      R"({"Records":[{"messageId":"059f36b4-87a3-44ab-83d2-661975830a7d","receiptHandle":"AQEB","body":"Test \"message\".",)"
      R"("attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1545082649183"},)"
      R"("messageAttributes":{"count":{"stringValue":"3","stringListValues":[],"binaryListValues":[],"dataType":"Number"},)"
      R"("raw":{"binaryValue":"AAH/","stringListValues":[],"binaryListValues":[],"dataType":"Binary"}},)"
      R"("md5OfMessageAttributes":"c2","md5OfBody":"e4e68fb7bd0e697a0ae8f1bb342846b3","eventSource":"aws:sqs",)"
      R"("eventSourceARN":"arn:aws:sqs:us-east-2:000000000000:my-queue","awsRegion":"us-east-2"}]})");
}

const std::vector<std::string> kBatch = {"a", "b"};

TEST(BatchResponse, NamesTheMessagesThatFailed) {
  const BatchOutcome outcome =
      read_batch_response(R"({"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"b"}]})", kBatch);
  EXPECT_FALSE(outcome.all_failed);
  EXPECT_EQ(outcome.failed, (std::vector<std::string>{"b"}));
}

TEST(BatchResponse, WithoutAListIsASuccess) {
  for (const std::string_view response : {"", "null", "{}", "\"ok\"", "done", "[1]",
                                          R"({"batchItemFailures":[]})", R"({"batchItemFailures":null})"}) {
    const BatchOutcome outcome = read_batch_response(response, kBatch);
    EXPECT_FALSE(outcome.all_failed) << response;
    EXPECT_TRUE(outcome.failed.empty()) << response;
  }
}

TEST(BatchResponse, MalformedFailsTheWholeBatch) {
  for (const std::string_view response :
       {R"({"batchItemFailures":[{"itemIdentifier":""}]})",
        R"({"batchItemFailures":[{"itemIdentifier":null}]})",
        R"({"batchItemFailures":[{"itemidentifier":"a"}]})",
        R"({"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"c"}]})",
        R"({"batchItemFailures":["a"]})", R"({"batchItemFailures":"a"})",
        R"({"batchItemFailures":[{"itemIdentifier":"a"})"}) {
    EXPECT_TRUE(read_batch_response(response, kBatch).all_failed) << response;
  }
}

}  // namespace
}  // namespace forewarm::sqs
