#include <gtest/gtest.h>

#include "edge/sqs/parse.h"

namespace forewarm::sqs {
namespace {

SqsResult<Request> read(const std::string& action, std::string_view body) {
  const std::vector<std::pair<std::string, std::string>> headers = {{"host", "localhost:9324"},
                                                                    {"x-amz-target", "AmazonSQS." + action}};
  Parsed parsed = parse({.method = "POST", .path = "/", .query = {}, .headers = headers, .body = body});
  EXPECT_EQ(parsed.protocol, Protocol::Json);
  if (parsed.request) {
    EXPECT_EQ(action_name(*parsed.request), action);
  }
  return std::move(parsed.request);
}

template <class T>
T read_json(const std::string& action, std::string_view body) {
  SqsResult<Request> request = read(action, body);
  EXPECT_TRUE(request.has_value()) << (request ? "" : request.error().message);
  EXPECT_TRUE(request && std::holds_alternative<T>(*request));
  return request && std::holds_alternative<T>(*request) ? std::get<T>(std::move(*request)) : T{};
}

std::optional<Fault> json_fault(const std::string& action, std::string_view body) {
  const SqsResult<Request> request = read(action, body);
  return request ? std::nullopt : std::optional(request.error().fault);
}

std::string batch(std::string_view entries) {
  return R"({"QueueUrl":"http://h/0/q","Entries":[)" + std::string(entries) + "]}";
}

TEST(ParseJson, ReadsASendWithEverythingInIt) {
  const auto send = read_json<SendMessage>("SendMessage", R"({
    "QueueUrl": "http://localhost:9324/000000000000/orders.fifo", "MessageBody": "h\u00fcllo \ud83d\ude00", "DelaySeconds": 5,
    "MessageAttributes": {"n": {"DataType": "Number", "StringValue": "12"},
                          "b": {"DataType": "Binary.gif", "BinaryValue": "AAH/"}},
    "MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}},
    "MessageGroupId": "g", "MessageDeduplicationId": "d", "SomethingNew": [1, {"x": null}]})");
  EXPECT_EQ(queue_name(send.queue_url), "orders.fifo");
  EXPECT_EQ(send.entry.body, "h\xc3\xbcllo \xf0\x9f\x98\x80");
  EXPECT_EQ(send.entry.delay_seconds, 5);
  EXPECT_EQ(send.entry.attributes.at("n"), (AttributeValue{"Number", "12"}));
  EXPECT_EQ(send.entry.attributes.at("b"), (AttributeValue{"Binary.gif", std::string("\0\1\xff", 3)}));
  EXPECT_EQ(send.entry.system_attributes.at("AWSTraceHeader").value, "Root=1");
  EXPECT_EQ(send.entry.group_id, "g");
  EXPECT_EQ(send.entry.deduplication_id, "d");
}

TEST(ParseJson, ReadsAReceiveAndItsDefaults) {
  const auto full =
      read_json<ReceiveMessage>("ReceiveMessage", R"({"QueueUrl": "q", "MaxNumberOfMessages": 10,
    "VisibilityTimeout": 43200, "WaitTimeSeconds": 20, "AttributeNames": ["SenderId"],
    "MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["a.*"], "ReceiveRequestAttemptId": "r"})");
  EXPECT_EQ(full.messages_max, 10);
  EXPECT_EQ(full.visibility_timeout, 43200);
  EXPECT_EQ(full.wait_seconds, 20);
  EXPECT_EQ(full.system_attribute_names, (std::vector<std::string>{"SenderId", "All"}));
  EXPECT_EQ(full.attribute_names, (std::vector<std::string>{"a.*"}));
  const auto bare =
      read_json<ReceiveMessage>("ReceiveMessage", R"({"QueueUrl": "q", "WaitTimeSeconds": null})");
  EXPECT_EQ(bare.messages_max, 1);
  EXPECT_EQ(bare.visibility_timeout, std::nullopt);
  EXPECT_EQ(bare.wait_seconds, std::nullopt);
}

TEST(ParseJson, ReadsTheActionsOnQueues) {
  const auto create = read_json<CreateQueue>(
      "CreateQueue", R"({"QueueName": "q", "Attributes": {"DelaySeconds": "3"}, "tags": {"a": "b"}})");
  EXPECT_EQ(create.name, "q");
  EXPECT_EQ(create.attributes.at("DelaySeconds"), "3");
  EXPECT_EQ(create.tags.at("a"), "b");
  EXPECT_EQ(read_json<GetQueueUrl>("GetQueueUrl", R"({"QueueName": "q"})").name, "q");
  const auto list =
      read_json<ListQueues>("ListQueues", R"({"QueueNamePrefix": "o", "MaxResults": 7, "NextToken": "t"})");
  EXPECT_EQ(list.prefix, "o");
  EXPECT_EQ(list.results_max, 7);
  EXPECT_EQ(list.next_token, "t");
  EXPECT_TRUE(read("ListQueues", "").has_value());
  EXPECT_EQ(read_json<DeleteQueue>("DeleteQueue", R"({"QueueUrl": "q"})").queue_url, "q");
  EXPECT_EQ(
      read_json<GetQueueAttributes>("GetQueueAttributes", R"({"QueueUrl": "q", "AttributeNames": ["All"]})")
          .names.size(),
      1U);
  EXPECT_EQ(read_json<SetQueueAttributes>("SetQueueAttributes",
                                          R"({"QueueUrl": "q", "Attributes": {"Policy": ""}})")
                .attributes.size(),
            1U);
  EXPECT_EQ(read_json<PurgeQueueRequest>("PurgeQueue", R"({"QueueUrl": "q"})").queue_url, "q");
  EXPECT_EQ(read_json<TagQueue>("TagQueue", R"({"QueueUrl": "q", "Tags": {"a": ""}})").tags.size(), 1U);
  EXPECT_EQ(read_json<UntagQueue>("UntagQueue", R"({"QueueUrl": "q", "TagKeys": ["a"]})").keys.size(), 1U);
  EXPECT_EQ(read_json<ListQueueTags>("ListQueueTags", R"({"QueueUrl": "q"})").queue_url, "q");
  EXPECT_EQ(
      read_json<ListDeadLetterSourceQueues>("ListDeadLetterSourceQueues", R"({"QueueUrl": "q"})").queue_url,
      "q");
}

TEST(ParseJson, ReadsBatches) {
  const auto send = read_json<SendMessageBatch>(
      "SendMessageBatch", batch(R"({"Id":"a","MessageBody":"1"},{"Id":"b","MessageBody":"2"})"));
  ASSERT_EQ(send.entries.size(), 2U);
  EXPECT_EQ(send.entries[1].id, "b");
  EXPECT_EQ(send.entries[1].body, "2");
  const auto remove =
      read_json<DeleteMessageBatch>("DeleteMessageBatch", batch(R"({"Id":"a","ReceiptHandle":"r"})"));
  EXPECT_EQ(remove.entries.at(0).receipt_handle, "r");
  const auto change = read_json<ChangeMessageVisibilityBatch>(
      "ChangeMessageVisibilityBatch", batch(R"({"Id":"a","ReceiptHandle":"r","VisibilityTimeout":9})"));
  EXPECT_EQ(change.entries.at(0).visibility_timeout, 9);
  const auto one = read_json<ChangeMessageVisibility>(
      "ChangeMessageVisibility", R"({"QueueUrl":"q","ReceiptHandle":"r","VisibilityTimeout":0})");
  EXPECT_EQ(one.entry.visibility_timeout, 0);
  EXPECT_EQ(read_json<DeleteMessage>("DeleteMessage", R"({"QueueUrl":"q","ReceiptHandle":"r"})")
                .entry.receipt_handle,
            "r");
}

TEST(ParseJson, RefusesBatchesThatAreWrongAsAWhole) {
  EXPECT_EQ(json_fault("SendMessageBatch", batch("")), Fault::EmptyBatchRequest);
  EXPECT_EQ(json_fault("DeleteMessageBatch", R"({"QueueUrl":"q"})"), Fault::EmptyBatchRequest);
  std::string eleven;
  for (int i = 0; i < 11; ++i)
    eleven += (i ? "," : "") + std::string(R"({"Id":")") + std::to_string(i) + R"(","MessageBody":"x"})";
  EXPECT_EQ(json_fault("SendMessageBatch", batch(eleven)), Fault::TooManyEntriesInBatchRequest);
  EXPECT_EQ(
      json_fault("SendMessageBatch", batch(R"({"Id":"a","MessageBody":"1"},{"Id":"a","MessageBody":"2"})")),
      Fault::BatchEntryIdsNotDistinct);
  EXPECT_EQ(json_fault("SendMessageBatch", batch(R"({"Id":"a b","MessageBody":"1"})")),
            Fault::InvalidBatchEntryId);
  EXPECT_EQ(
      json_fault("SendMessageBatch", batch(R"({"Id":")" + std::string(81, 'a') + R"(","MessageBody":"1"})")),
      Fault::InvalidBatchEntryId);
  EXPECT_EQ(json_fault("SendMessageBatch", batch(R"({"MessageBody":"1"})")), Fault::MissingParameter);
  EXPECT_EQ(json_fault("SendMessageBatch", batch(R"({"Id":"","MessageBody":"1"})")),
            Fault::InvalidBatchEntryId);
  const std::string half = R"("MessageBody":")" + std::string(524'289, 'x') + "\"}";
  EXPECT_EQ(json_fault("SendMessageBatch", batch(R"({"Id":"a",)" + half + R"(,{"Id":"b",)" + half)),
            Fault::BatchRequestTooLong);
}

TEST(ParseJson, AllowsABatchOfExactlyOneMebibyte) {
  const std::string half = R"("MessageBody":")" + std::string(524'288, 'x') + "\"}";
  EXPECT_EQ(json_fault("SendMessageBatch", batch(R"({"Id":"a",)" + half + R"(,{"Id":"b",)" + half)),
            std::nullopt);
}

TEST(ParseJson, RefusesNumbersOutOfTheirRanges) {
  for (const std::string_view member :
       {R"("MaxNumberOfMessages":0)", R"("MaxNumberOfMessages":11)", R"("WaitTimeSeconds":21)",
        R"("WaitTimeSeconds":-1)", R"("VisibilityTimeout":43201)"}) {
    EXPECT_EQ(json_fault("ReceiveMessage", R"({"QueueUrl":"q",)" + std::string(member) + "}"),
              Fault::InvalidParameterValue)
        << member;
  }
  EXPECT_EQ(json_fault("ListQueues", R"({"MaxResults":1001})"), Fault::InvalidParameterValue);
  EXPECT_EQ(json_fault("CreateQueue", R"({"QueueName":"no such name"})"), Fault::InvalidParameterValue);
}

TEST(ParseJson, RefusesWhatIsMissingMalformedOrUnknown) {
  EXPECT_EQ(json_fault("SendMessage", R"({"MessageBody":"x"})"), Fault::MissingParameter);
  EXPECT_EQ(json_fault("SendMessage", R"({"QueueUrl":"q"})"), Fault::MissingParameter);
  EXPECT_EQ(json_fault("SetQueueAttributes", R"({"QueueUrl":"q"})"), Fault::MissingParameter);
  EXPECT_EQ(json_fault("ChangeMessageVisibility", R"({"QueueUrl":"q","ReceiptHandle":"r"})"),
            Fault::MissingParameter);
  EXPECT_EQ(json_fault("SendMessage", "{"), Fault::Serialization);
  EXPECT_EQ(json_fault("SendMessage", "[]"), Fault::Serialization);
  EXPECT_EQ(json_fault("SendMessage", R"({"QueueUrl":7})"), Fault::Serialization);
  EXPECT_EQ(json_fault("SendMessage", R"({"QueueUrl":"q","MessageBody":"x","DelaySeconds":"5"})"),
            Fault::Serialization);
  EXPECT_EQ(json_fault("SendMessage", "{\"QueueUrl\":\"q\",\"MessageBody\":\"\xff\"}"), Fault::Serialization);
  EXPECT_EQ(
      json_fault(
          "SendMessage",
          R"({"QueueUrl":"q","MessageBody":"x","MessageAttributes":{"a":{"DataType":"Binary","BinaryValue":"?"}}})"),
      Fault::Serialization);
  EXPECT_EQ(
      json_fault(
          "SendMessage",
          R"({"QueueUrl":"q","MessageBody":"x","MessageAttributes":{"a":{"DataType":"String","StringListValues":["x"]}}})"),
      Fault::UnsupportedOperation);
  EXPECT_EQ(json_fault("ReceiveMessage", std::string(R"({"QueueUrl":)") + std::string(10'000, '[')),
            Fault::Serialization);
  EXPECT_EQ(json_fault("AddPermission", "{}"), Fault::MissingParameter);
  EXPECT_EQ(json_fault("MakeCoffee", "{}"), Fault::InvalidAction);
}

TEST(ParseJson, EntriesThatCanBeRefusedAloneAreNotRefusedHere) {
  const auto remove =
      read_json<DeleteMessageBatch>("DeleteMessageBatch", batch(R"({"Id":"a","ReceiptHandle":""})"));
  EXPECT_EQ(remove.entries.at(0).receipt_handle, "");
  EXPECT_EQ(json_fault("DeleteMessageBatch", batch(R"({"Id":"a"})")), Fault::MissingParameter);
  const auto change = read_json<ChangeMessageVisibilityBatch>("ChangeMessageVisibilityBatch",
                                                              batch(R"({"Id":"a","ReceiptHandle":"r"})"));
  EXPECT_EQ(change.entries.at(0).visibility_timeout, std::nullopt);
}

TEST(ParseJson, TagsHaveTheServicesRules) {
  const auto fault_of = [](const std::string& key, const std::string& value) {
    return json_fault("TagQueue", R"({"QueueUrl":"q","Tags":{")" + key + R"(":")" + value + R"("}})");
  };
  EXPECT_EQ(fault_of("a b_.:/=+-@\u00fc", ""), std::nullopt);
  EXPECT_EQ(fault_of(std::string(128, 'k'), std::string(256, 'v')), std::nullopt);
  EXPECT_EQ(fault_of(std::string(129, 'k'), "v"), Fault::InvalidParameterValue);
  EXPECT_EQ(fault_of("k", std::string(257, 'v')), Fault::InvalidParameterValue);
  EXPECT_EQ(fault_of("", "v"), Fault::InvalidParameterValue);
  EXPECT_EQ(fault_of("AWS:k", "v"), Fault::InvalidParameterValue);
  EXPECT_EQ(fault_of("k", "<v>"), Fault::InvalidParameterValue);
  EXPECT_EQ(json_fault("CreateQueue", R"({"QueueName":"q","tags":{"aws:k":"v"}})"),
            Fault::InvalidParameterValue);
}

TEST(ParseJson, WhoSaysJsonWithoutATargetIsAnsweredInJson) {
  const std::vector<std::pair<std::string, std::string>> headers = {
      {"content-type", "application/x-amz-json-1.0"}};
  const Parsed parsed = parse({.method = "POST", .path = "/", .query = {}, .headers = headers, .body = "{}"});
  EXPECT_EQ(parsed.protocol, Protocol::Json);
  EXPECT_EQ(parsed.request.error().fault, Fault::InvalidAction);
}

TEST(ParseJson, RefusesAnotherServicesTargetAndAnotherMethod) {
  const std::vector<std::pair<std::string, std::string>> other = {{"X-Amz-Target", "AmazonSNS.Publish"}};
  EXPECT_EQ(parse({.method = "POST", .path = "/", .query = {}, .headers = other, .body = "{}"})
                .request.error()
                .fault,
            Fault::InvalidAction);
  const std::vector<std::pair<std::string, std::string>> target = {{"X-Amz-Target", "AmazonSQS.ListQueues"}};
  EXPECT_EQ(parse({.method = "GET", .path = "/", .query = {}, .headers = target, .body = "{}"})
                .request.error()
                .fault,
            Fault::InvalidAction);
}

TEST(QueueName, IsTheLastSegmentOfAnyUrl) {
  EXPECT_EQ(queue_name("http://sqs.eu-west-1.amazonaws.com/123456789012/orders"), "orders");
  EXPECT_EQ(queue_name("/000000000000/orders.fifo?x=1"), "orders.fifo");
  EXPECT_EQ(queue_name("http://localhost:9324/queue/orders/"), "orders");
  EXPECT_EQ(queue_name("orders"), "orders");
  for (const std::string_view url : {"", "/", "http://localhost:9324", "http://localhost:9324/"})
    EXPECT_EQ(queue_name(url), "") << url;
}

TEST(QueueName, IsTheLastPartOfAnArn) {
  EXPECT_EQ(queue_name_of_arn("arn:aws:sqs:us-east-1:000000000000:orders.fifo"), "orders.fifo");
  for (const char* text : {"", "orders", "a:b", "arn:"}) EXPECT_EQ(queue_name_of_arn(text), "") << text;
}

}  // namespace
}  // namespace forewarm::sqs
