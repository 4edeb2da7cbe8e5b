#include <gtest/gtest.h>

#include "edge/sqs/parse.h"

namespace forewarm::sqs {
namespace {

Parsed post(std::string_view form, std::string_view path = "/") {
  return parse({.method = "POST", .path = path, .query = {}, .headers = {}, .body = form});
}

template <class T>
T read_form(std::string_view form, std::string_view path = "/") {
  Parsed parsed = post(form, path);
  EXPECT_EQ(parsed.protocol, Protocol::Query);
  EXPECT_TRUE(parsed.request.has_value()) << (parsed.request ? "" : parsed.request.error().message);
  EXPECT_TRUE(parsed.request && std::holds_alternative<T>(*parsed.request));
  return parsed.request && std::holds_alternative<T>(*parsed.request)
             ? std::get<T>(std::move(*parsed.request))
             : T{};
}

std::optional<Fault> form_fault(std::string_view form) {
  const Parsed parsed = post(form);
  return parsed.request ? std::nullopt : std::optional(parsed.request.error().fault);
}

TEST(ParseQuery, ReadsASendWithEverythingInIt) {
  const auto send = read_form<SendMessage>(
      "Action=SendMessage&Version=2012-11-05&QueueUrl=http%3A%2F%2Flocalhost%3A9324%2F000000000000%2Forders"
      "&MessageBody=a+b%26c%3D%C3%BC&DelaySeconds=5&MessageGroupId=g&MessageDeduplicationId=d"
      "&MessageAttribute.2.Name=n&MessageAttribute.2.Value.DataType=Number&MessageAttribute.2.Value."
      "StringValue=12"
      "&MessageAttribute.1.Name=b&MessageAttribute.1.Value.BinaryValue=AAH%2F&MessageAttribute.1.Value."
      "DataType=Binary"
      "&MessageSystemAttribute.1.Name=AWSTraceHeader&MessageSystemAttribute.1.Value.StringValue=Root%3D1"
      "&MessageSystemAttribute.1.Value.DataType=String");
  EXPECT_EQ(queue_name(send.queue_url), "orders");
  EXPECT_EQ(send.entry.body, "a b&c=\xc3\xbc");
  EXPECT_EQ(send.entry.delay_seconds, 5);
  EXPECT_EQ(send.entry.attributes.at("n"), (AttributeValue{"Number", "12"}));
  EXPECT_EQ(send.entry.attributes.at("b"), (AttributeValue{"Binary", std::string("\0\1\xff", 3)}));
  EXPECT_EQ(send.entry.system_attributes.at("AWSTraceHeader").value, "Root=1");
  EXPECT_EQ(send.entry.group_id, "g");
  EXPECT_EQ(send.entry.deduplication_id, "d");
}

TEST(ParseQuery, ReadsBatchesInTheOrderOfTheirIndices) {
  const auto send = read_form<SendMessageBatch>(
      "Action=SendMessageBatch&QueueUrl=q"
      "&SendMessageBatchRequestEntry.10.Id=ten&SendMessageBatchRequestEntry.10.MessageBody=10"
      "&SendMessageBatchRequestEntry.2.Id=two&SendMessageBatchRequestEntry.2.MessageBody=2"
      "&SendMessageBatchRequestEntry.2.MessageAttribute.1.Name=n"
      "&SendMessageBatchRequestEntry.2.MessageAttribute.1.Value.StringValue=x"
      "&SendMessageBatchRequestEntry.2.MessageAttribute.1.Value.DataType=String");
  ASSERT_EQ(send.entries.size(), 2U);
  EXPECT_EQ(send.entries[0].id, "two");
  EXPECT_EQ(send.entries[0].attributes.at("n").value, "x");
  EXPECT_EQ(send.entries[1].body, "10");
  const auto remove = read_form<DeleteMessageBatch>(
      "Action=DeleteMessageBatch&QueueUrl=q&DeleteMessageBatchRequestEntry.1.Id=a"
      "&DeleteMessageBatchRequestEntry.1.ReceiptHandle=r%2B");
  EXPECT_EQ(remove.entries.at(0).receipt_handle, "r+");
  const auto change = read_form<ChangeMessageVisibilityBatch>(
      "Action=ChangeMessageVisibilityBatch&QueueUrl=q&ChangeMessageVisibilityBatchRequestEntry.1.Id=a"
      "&ChangeMessageVisibilityBatchRequestEntry.1.ReceiptHandle=r"
      "&ChangeMessageVisibilityBatchRequestEntry.1.VisibilityTimeout=45");
  EXPECT_EQ(change.entries.at(0).visibility_timeout, 45);
}

TEST(ParseQuery, ReadsTheActionsOnQueues) {
  const auto create = read_form<CreateQueue>(
      "Action=CreateQueue&QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=3&Attribute.2.Name="
      "Policy"
      "&Attribute.2.Value=&Tag.1.Key=a&Tag.1.Value=b");
  EXPECT_EQ(create.attributes, (StringMap{{"DelaySeconds", "3"}, {"Policy", ""}}));
  EXPECT_EQ(create.tags, (StringMap{{"a", "b"}}));
  EXPECT_EQ(read_form<TagQueue>("Action=TagQueue&QueueUrl=q&Tag.1.Key=a&Tag.1.Value=b").tags,
            (StringMap{{"a", "b"}}));
  EXPECT_EQ(read_form<UntagQueue>("Action=UntagQueue&QueueUrl=q&TagKey.1=a&TagKey.2=b").keys,
            (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read_form<GetQueueAttributes>("Action=GetQueueAttributes&QueueUrl=q&AttributeName.1=All").names,
            (std::vector<std::string>{"All"}));
  const auto receive = read_form<ReceiveMessage>(
      "Action=ReceiveMessage&QueueUrl=q&MaxNumberOfMessages=7&AttributeName.1=All&MessageAttributeName.1=x"
      "&MessageSystemAttributeName.1=SenderId");
  EXPECT_EQ(receive.messages_max, 7);
  EXPECT_EQ(receive.system_attribute_names, (std::vector<std::string>{"All", "SenderId"}));
  EXPECT_EQ(receive.attribute_names, (std::vector<std::string>{"x"}));
}

TEST(ParseQuery, ASingleEntryNeedsNoNumber) {
  EXPECT_EQ(read_form<GetQueueAttributes>("Action=GetQueueAttributes&QueueUrl=q&AttributeName=All").names,
            (std::vector<std::string>{"All"}));
  EXPECT_EQ(read_form<SetQueueAttributes>(
                "Action=SetQueueAttributes&QueueUrl=q&Attribute.Name=VisibilityTimeout&Attribute.Value=35")
                .attributes,
            (StringMap{{"VisibilityTimeout", "35"}}));
  EXPECT_EQ(read_form<UntagQueue>("Action=UntagQueue&QueueUrl=q&TagKey=a").keys,
            (std::vector<std::string>{"a"}));
  const auto send = read_form<SendMessage>(
      "Action=SendMessage&QueueUrl=q&MessageBody=x&MessageAttribute.Name=n"
      "&MessageAttribute.Value.DataType=String&MessageAttribute.Value.StringValue=v");
  EXPECT_EQ(send.entry.attributes.at("n").value, "v");
}

TEST(ParseQuery, TakesTheQueueFromThePathOfTheRequest) {
  EXPECT_EQ(queue_name(
                read_form<SendMessage>("Action=SendMessage&MessageBody=x", "/000000000000/orders").queue_url),
            "orders");
  const Parsed get = parse({.method = "GET",
                            .path = "/000000000000/orders",
                            .query = "Action=DeleteQueue",
                            .headers = {},
                            .body = {}});
  ASSERT_TRUE(get.request.has_value());
  EXPECT_EQ(queue_name(std::get<DeleteQueue>(*get.request).queue_url), "orders");
}

TEST(ParseQuery, AQueueFromThePathJoinsAnyNumberOfParameters) {
  // Adding it must not disturb the others, wherever the table of members happens to grow.
  std::string form = "Action=SendMessage&MessageBody=x";
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(read_form<SendMessage>(form, "/0/q").entry.body, "x");
    form += "&Extra" + std::to_string(i) + "=1";
  }
}

TEST(ParseQuery, RefusesWhatItCannotRead) {
  EXPECT_EQ(form_fault(""), Fault::MissingAction);
  EXPECT_EQ(form_fault("Version=2012-11-05"), Fault::MissingAction);
  EXPECT_EQ(form_fault("Action=MakeCoffee"), Fault::InvalidAction);
  EXPECT_EQ(form_fault("Action=SendMessage&MessageBody=x"), Fault::MissingParameter);
  EXPECT_EQ(form_fault("Action=SendMessage&QueueUrl=q&MessageBody=%f"), Fault::MalformedQueryString);
  EXPECT_EQ(form_fault("Action=SendMessage&QueueUrl=q&MessageBody=%zz"), Fault::MalformedQueryString);
  EXPECT_EQ(form_fault("Action=SendMessage&QueueUrl=q&MessageBody=x&DelaySeconds=soon"),
            Fault::InvalidParameterValue);
  EXPECT_EQ(form_fault("Action=ReceiveMessage&QueueUrl=q&MaxNumberOfMessages=11"),
            Fault::InvalidParameterValue);
  EXPECT_EQ(form_fault("Action=SendMessageBatch&QueueUrl=q"), Fault::EmptyBatchRequest);
  EXPECT_EQ(form_fault("Action=ListQueues&a.b.c.d.e.f.g.h.i.j=1"), Fault::InvalidParameterValue);
  EXPECT_EQ(form_fault("Action=SendMessage&QueueUrl.1=q&MessageBody=x"), Fault::Serialization);
}

}  // namespace
}  // namespace forewarm::sqs
