#include <gtest/gtest.h>

#include "edge/sqs/response.h"

namespace forewarm::sqs {
namespace {

HttpOutput json(const Response& response, std::string_view action) {
  return render(response, {.protocol = Protocol::Json, .action = action, .request_id = "r-1"});
}

std::string xml(const Response& response, std::string_view action) {
  return render(response, {.protocol = Protocol::Query, .action = action, .request_id = "r-1"}).body;
}

std::string wrapped(std::string_view action, std::string_view inner) {
  const std::string name(action);
  return "<?xml version=\"1.0\"?>\n<" + name +
         "Response xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">" + std::string(inner) +
         "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></" + name + "Response>";
}

std::string header(const HttpOutput& output, std::string_view name) {
  for (const auto& [key, value] : output.headers) {
    if (key == name) return value;
  }
  return {};
}

const Sent kSent{.id = {},
                 .message_id = "m",
                 .md5_of_body = "b",
                 .md5_of_attributes = "a",
                 .md5_of_system_attributes = "s",
                 .sequence_number = "10"};

TEST(Render, SendsAreAnsweredWithTheDigestsThatThereAre) {
  EXPECT_EQ(
      json(kSent, "SendMessage").body,
      R"({"MessageId":"m","MD5OfMessageBody":"b","MD5OfMessageAttributes":"a","MD5OfMessageSystemAttributes":"s","SequenceNumber":"10"})");
  EXPECT_EQ(json(Sent{.id = {},
                      .message_id = "m",
                      .md5_of_body = "b",
                      .md5_of_attributes = {},
                      .md5_of_system_attributes = {},
                      .sequence_number = {}},
                 "SendMessage")
                .body,
            R"({"MessageId":"m","MD5OfMessageBody":"b"})");
  EXPECT_EQ(xml(kSent, "SendMessage"),
            wrapped("SendMessage",
                    "<SendMessageResult><MessageId>m</MessageId><MD5OfMessageBody>b</MD5OfMessageBody>"
                    "<MD5OfMessageAttributes>a</MD5OfMessageAttributes><MD5OfMessageSystemAttributes>s</"
                    "MD5OfMessageSystemAttributes>"
                    "<SequenceNumber>10</SequenceNumber></SendMessageResult>"));
}

TEST(Render, BatchesNameTheFailedEntriesOnlyIfThereAreAny) {
  const DoneBatch clean{.successful = {"a"}, .failed = {}};
  EXPECT_EQ(json(clean, "DeleteMessageBatch").body, R"({"Successful":[{"Id":"a"}]})");
  const DoneBatch mixed{.successful = {"a"}, .failed = {{"b", {Fault::ReceiptHandleIsInvalid, "no"}}}};
  EXPECT_EQ(
      json(mixed, "DeleteMessageBatch").body,
      R"({"Successful":[{"Id":"a"}],"Failed":[{"Id":"b","SenderFault":true,"Code":"ReceiptHandleIsInvalid","Message":"no"}]})");
  EXPECT_EQ(xml(mixed, "ChangeMessageVisibilityBatch"),
            wrapped("ChangeMessageVisibilityBatch",
                    "<ChangeMessageVisibilityBatchResult><ChangeMessageVisibilityBatchResultEntry><Id>a</"
                    "Id></ChangeMessageVisibilityBatchResultEntry>"
                    "<BatchResultErrorEntry><Id>b</Id><Code>ReceiptHandleIsInvalid</Code><Message>no</"
                    "Message><SenderFault>true</SenderFault>"
                    "</BatchResultErrorEntry></ChangeMessageVisibilityBatchResult>"));
  Sent sent = kSent;
  sent.id = "a";
  EXPECT_EQ(json(SentBatch{.successful = {sent}, .failed = {}}, "SendMessageBatch").body.substr(0, 48),
            R"({"Successful":[{"Id":"a","MessageId":"m","MD5OfM)");
}

TEST(Render, ReceivedMessagesCarryWhatWasAskedFor) {
  ReceivedMessage message{
      .message_id = "m",
      .receipt_handle = "r",
      .body = "<\"\\\r\n\x7f>&",
      .md5_of_body = "d",
      .system_attributes = {{"SenderId", "s"}},
      .attributes = {{"bin", {"Binary", std::string("\0\1\xff", 3)}}, {"txt", {"String", "v"}}},
      .md5_of_attributes = "e"};
  EXPECT_EQ(json(Received{{message}}, "ReceiveMessage").body,
            "{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"r\",\"MD5OfBody\":\"d\",\"Body\":\"<"
            "\\\"\\\\\\r\\n\\u007f>&\","
            "\"Attributes\":{\"SenderId\":\"s\"},\"MD5OfMessageAttributes\":\"e\",\"MessageAttributes\":{"
            "\"bin\":{\"BinaryValue\":\"AAH/\","
            "\"DataType\":\"Binary\"},\"txt\":{\"StringValue\":\"v\",\"DataType\":\"String\"}}}]}");
  EXPECT_EQ(xml(Received{{message}}, "ReceiveMessage"),
            wrapped("ReceiveMessage",
                    "<ReceiveMessageResult><Message><MessageId>m</MessageId><ReceiptHandle>r</"
                    "ReceiptHandle><MD5OfBody>d</MD5OfBody>"
                    "<Body>&lt;&quot;\\&#xd;\n\x7f&gt;&amp;</Body><Attribute><Name>SenderId</Name><Value>s</"
                    "Value></Attribute>"
                    "<MD5OfMessageAttributes>e</MD5OfMessageAttributes>"
                    "<MessageAttribute><Name>bin</Name><Value><BinaryValue>AAH/</"
                    "BinaryValue><DataType>Binary</DataType></Value></MessageAttribute>"
                    "<MessageAttribute><Name>txt</Name><Value><StringValue>v</StringValue><DataType>String</"
                    "DataType></Value></MessageAttribute>"
                    "</Message></ReceiveMessageResult>"));
  EXPECT_EQ(json(Received{}, "ReceiveMessage").body, "{}");
  EXPECT_EQ(xml(Received{}, "ReceiveMessage"),
            wrapped("ReceiveMessage", "<ReceiveMessageResult></ReceiveMessageResult>"));
}

TEST(Render, QueuesAreListedUnderTheNameOfTheirAction) {
  EXPECT_EQ(json(QueueUrls{{"u"}, "t"}, "ListQueues").body, R"({"QueueUrls":["u"],"NextToken":"t"})");
  EXPECT_EQ(json(QueueUrls{}, "ListQueues").body, "{}");
  EXPECT_EQ(json(QueueUrls{}, "ListDeadLetterSourceQueues").body, R"({"queueUrls":[]})");
  EXPECT_EQ(xml(QueueUrls{{"u", "v"}, {}}, "ListQueues"),
            wrapped("ListQueues",
                    "<ListQueuesResult><QueueUrl>u</QueueUrl><QueueUrl>v</QueueUrl></ListQueuesResult>"));
  EXPECT_EQ(json(QueueUrl{"u"}, "CreateQueue").body, R"({"QueueUrl":"u"})");
  EXPECT_EQ(json(QueueAttributes{{{"DelaySeconds", "0"}}}, "GetQueueAttributes").body,
            R"({"Attributes":{"DelaySeconds":"0"}})");
  EXPECT_EQ(xml(QueueTags{{{"k", "v"}}}, "ListQueueTags"),
            wrapped("ListQueueTags",
                    "<ListQueueTagsResult><Tag><Key>k</Key><Value>v</Value></Tag></ListQueueTagsResult>"));
}

TEST(Render, AnEmptyAnswerHasNoBodyInJsonAndNoResultInXml) {
  const HttpOutput output = json(Empty{}, "DeleteMessage");
  EXPECT_EQ(output.status, 200U);
  EXPECT_EQ(output.body, "");
  EXPECT_EQ(header(output, "x-amzn-RequestId"), "r-1");
  EXPECT_EQ(header(output, "Content-Type"), "application/x-amz-json-1.0");
  EXPECT_EQ(xml(Empty{}, "DeleteMessage"), wrapped("DeleteMessage", ""));
}

TEST(Render, ErrorsAreNamedForBothKindsOfClients) {
  const SqsError error{Fault::QueueDoesNotExist, "The specified queue does not exist."};
  const HttpOutput output = render(error, {.protocol = Protocol::Json, .action = {}, .request_id = "r-1"});
  EXPECT_EQ(output.status, 400U);
  EXPECT_EQ(
      output.body,
      R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."})");
  EXPECT_EQ(header(output, "x-amzn-query-error"), "AWS.SimpleQueueService.NonExistentQueue;Sender");
  const HttpOutput query = render(error, {.protocol = Protocol::Query, .action = {}, .request_id = "r-1"});
  EXPECT_EQ(header(query, "Content-Type"), "text/xml");
  EXPECT_EQ(query.body,
            "<?xml version=\"1.0\"?>\n<ErrorResponse "
            "xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><Error><Type>Sender</Type>"
            "<Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>The specified queue does not "
            "exist for this wsdl version.</Message><Detail></Detail></Error>"
            "<RequestId>r-1</RequestId></ErrorResponse>");
}

TEST(Render, ARefusalIsTextWhateverItQuotes) {
  const SqsError error{Fault::InvalidParameterValue, "Value \xff\x01 of <b>"};
  const Rendering json{.protocol = Protocol::Json, .action = {}, .request_id = "r"};
  EXPECT_NE(render(error, json).body.find("Value ?? of <b>"), std::string::npos);
  const Rendering query{.protocol = Protocol::Query, .action = {}, .request_id = "r"};
  EXPECT_NE(render(error, query).body.find("Value ?? of &lt;b&gt;"), std::string::npos);
}

TEST(Render, EveryFaultHasItsStatus) {
  const auto status = [](Fault fault) { return render(SqsError{fault, "x"}, Rendering{}).status; };
  EXPECT_EQ(status(Fault::ReceiptHandleIsInvalid), 404U);
  EXPECT_EQ(status(Fault::PurgeQueueInProgress), 403U);
  EXPECT_EQ(status(Fault::InvalidParameterValue), 400U);
  EXPECT_EQ(status(Fault::ServiceUnavailable), 503U);
  EXPECT_FALSE(names(Fault::ServiceUnavailable).sender);
  EXPECT_EQ(names(Fault::MissingParameter).code, "MissingParameter");
  EXPECT_EQ(names(Fault::QueueNameExists).code, "QueueAlreadyExists");
  EXPECT_EQ(names(Fault::InvalidAction).type, "com.amazon.coral.service#UnknownOperationException");
  EXPECT_EQ(status(Fault::MalformedQueryString), 404U);
}

}  // namespace
}  // namespace forewarm::sqs
