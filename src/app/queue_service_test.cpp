#include "app/queue_service.h"

#include <gtest/gtest.h>

#include "app/queue_fixture.h"

namespace forewarm {
namespace {

using sqs::Fault;

struct QueueServiceTest : testing::Test, QueueFixture {
  void TearDown() override {
    EXPECT_EQ(wrong_answers, 0) << "an answer was not of the kind that the test expects";
  }
};

TEST_F(QueueServiceTest, AMessageComesBackExactlyAsItWasSent) {
  const std::string url = create("orders");
  EXPECT_EQ(url, "http://host/000000000000/orders");
  sqs::SendMessage request = message(url, "h\xc3\xbcllo", "tenant");
  request.entry.attributes["n"] = {"Number", "1"};
  request.entry.attributes["b"] = {"Binary", std::string("\0\1", 2)};
  request.entry.system_attributes["AWSTraceHeader"] = {"String", "Root=1"};
  const auto sent = ask_for<sqs::Sent>(request);
  EXPECT_EQ(sent.md5_of_body.size(), 32U);
  EXPECT_EQ(sent.md5_of_attributes.size(), 32U);
  EXPECT_EQ(sent.md5_of_system_attributes.size(), 32U);
  EXPECT_EQ(sent.sequence_number, "");

  const auto received = receive("http://any-other-name:1/queue/orders");
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received[0].message_id, sent.message_id);
  EXPECT_EQ(received[0].body, "h\xc3\xbcllo");
  EXPECT_EQ(received[0].md5_of_body, sent.md5_of_body);
  EXPECT_EQ(received[0].attributes, request.entry.attributes);
  EXPECT_EQ(received[0].md5_of_attributes, sent.md5_of_attributes);
  const sqs::StringMap expected = {{"ApproximateFirstReceiveTimestamp", "1700000000000"},
                                   {"ApproximateReceiveCount", "1"},
                                   {"AWSTraceHeader", "Root=1"},
                                   {"MessageGroupId", "tenant"},
                                   {"SenderId", "me"},
                                   {"SentTimestamp", "1700000000000"}};
  EXPECT_EQ(received[0].system_attributes, expected);
}

TEST_F(QueueServiceTest, ASendIsAnsweredOnlyWhenItIsDurable) {
  const std::string url = create("q");
  gate.hold();
  EXPECT_FALSE(ask(message(url, "x")).has_value());
  EXPECT_TRUE(receive(url).empty());
  gate.release();
  ASSERT_TRUE(last != nullptr);
  EXPECT_EQ(receive(url).size(), 1U);
}

TEST_F(QueueServiceTest, ASendThatCannotBeStoredIsNotAcknowledged) {
  const std::string url = create("q");
  gate.hold();
  ask(message(url, "x"));
  gate.release(error(ErrorCode::Io, "the disk is gone"));
  ASSERT_TRUE(last->has_value());
  EXPECT_EQ((*last)->error().fault, Fault::ServiceUnavailable);
  gate.full = true;
  EXPECT_EQ(fault(message(url, "x")), Fault::RequestThrottled);
}

TEST_F(QueueServiceTest, DeletesByTheLatestReceiptOnly) {
  const std::string url = create("q", {{"VisibilityTimeout", "10"}});
  send(url, "x");
  const auto first = receive(url);
  ASSERT_EQ(first.size(), 1U);
  gate.advance(10s);
  const auto second = receive(url);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_NE(first[0].receipt_handle, second[0].receipt_handle);
  EXPECT_EQ(second[0].system_attributes.at("ApproximateReceiveCount"), "2");
  EXPECT_EQ(second[0].system_attributes.at("ApproximateFirstReceiveTimestamp"), "1700000000000");
  EXPECT_TRUE(remove(url, first[0].receipt_handle));
  EXPECT_EQ(gate.memory().messages.size(), 1U);
  EXPECT_TRUE(remove(url, second[0].receipt_handle));
  EXPECT_EQ(gate.memory().messages.size(), 0U);
  EXPECT_TRUE(remove(url, second[0].receipt_handle)) << "a delete can be repeated";
}

TEST_F(QueueServiceTest, RefusesForgedAndForeignReceipts) {
  const std::string url = create("q");
  const std::string other = create("other");
  send(url, "x");
  const auto received = receive(url);
  EXPECT_EQ(fault(sqs::DeleteMessage{url, {{}, "nonsense"}}), Fault::ReceiptHandleIsInvalid);
  EXPECT_EQ(fault(sqs::DeleteMessage{other, {{}, received.at(0).receipt_handle}}),
            Fault::ReceiptHandleIsInvalid);
  EXPECT_EQ(fault(sqs::ChangeMessageVisibility{url, {{}, "nonsense", 0}}), Fault::ReceiptHandleIsInvalid);
}

TEST_F(QueueServiceTest, AReceiptOfTheSourceQueueDoesNothingInTheDeadLetterQueue) {
  const std::string dead = create("dead");
  const std::string url = create(
      "q", {{"VisibilityTimeout", "1"},
            {"RedrivePolicy",
             R"({"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"1"})"}});
  send(url, "x");
  const auto from_source = receive(url);
  ASSERT_EQ(from_source.size(), 1U);
  gate.advance(2s);
  const auto from_dead = receive(dead);
  ASSERT_EQ(from_dead.size(), 1U);
  EXPECT_EQ(from_dead[0].message_id, from_source[0].message_id);
  EXPECT_EQ(from_dead[0].system_attributes.at("DeadLetterQueueSourceArn"),
            "arn:aws:sqs:us-east-1:000000000000:q");
  // Across all queues, as the API reference says.
  EXPECT_EQ(from_dead[0].system_attributes.at("ApproximateReceiveCount"), "2");
  EXPECT_TRUE(remove(url, from_source[0].receipt_handle));
  EXPECT_EQ(gate.memory().messages.size(), 1U);
  EXPECT_EQ(fault(sqs::ChangeMessageVisibility{url, {{}, from_source[0].receipt_handle, 0}}),
            Fault::InvalidParameterValue);
  EXPECT_TRUE(remove(dead, from_dead[0].receipt_handle));
  EXPECT_EQ(gate.memory().messages.size(), 0U);
}

TEST_F(QueueServiceTest, ChangesVisibilityOfWhatIsInFlight) {
  const std::string url = create("q");
  send(url, "x");
  const auto received = receive(url);
  const auto change = [&](std::int64_t seconds) {
    return sqs::ChangeMessageVisibility{url, {{}, received.at(0).receipt_handle, seconds}};
  };
  EXPECT_EQ(fault(change(43'201)), Fault::InvalidParameterValue);
  ask_for<sqs::Empty>(change(100));
  gate.advance(60s);
  EXPECT_TRUE(receive(url).empty());
  ask_for<sqs::Empty>(change(0));
  EXPECT_EQ(fault(change(0)), Fault::MessageNotInflight);
  EXPECT_EQ(receive(url).size(), 1U);
  EXPECT_EQ(fault(change(5)), Fault::InvalidParameterValue) << "the receipt is an old one now";
}

TEST_F(QueueServiceTest, ALongPollWaitsForAMessageOrItsEnd) {
  const std::string url = create("q", {{"ReceiveMessageWaitTimeSeconds", "20"}});
  sqs::ReceiveMessage poll;
  poll.queue_url = url;
  EXPECT_FALSE(ask(poll).has_value());
  const auto first = last;
  send(url, "x");
  ASSERT_TRUE(first->has_value());
  EXPECT_EQ(std::get<sqs::Received>(***first).messages.size(), 1U);
  EXPECT_FALSE(ask(poll).has_value());
  const auto second = last;
  gate.advance(20s);
  ASSERT_TRUE(second->has_value());
  EXPECT_TRUE(std::get<sqs::Received>(***second).messages.empty());
  poll.wait_seconds = 0;
  EXPECT_TRUE(ask(poll).has_value());
}

TEST_F(QueueServiceTest, AClientThatWentAwayTakesNoMessage) {
  const std::string url = create("q");
  sqs::ReceiveMessage poll;
  poll.queue_url = url;
  poll.wait_seconds = 20;
  std::function<void()> close;
  RequestContext from{.base_url = "http://host",
                      .sender_id = "me",
                      .on_closed = [&](std::function<void()> closed) { close = closed; }};
  EXPECT_FALSE(ask(poll, from).has_value());
  ASSERT_TRUE(close);
  close();
  send(url, "x");
  EXPECT_EQ(receive(url).size(), 1U);
  EXPECT_EQ(gate.core().queue(service.directory().find("q")->id).in_flight, 1U);
}

TEST_F(QueueServiceTest, AnswersOnlyWithTheAttributesThatWereAskedFor) {
  const std::string url = create("q");
  sqs::SendMessage request = message(url, "x");
  for (const std::string name : {"a.one", "a.two", "b"}) request.entry.attributes[name] = {"String", name};
  ask_for<sqs::Sent>(request);
  sqs::ReceiveMessage wanted;
  wanted.queue_url = url;
  wanted.attribute_names = {"a.*"};
  wanted.visibility_timeout = 0;
  auto received = ask_for<sqs::Received>(wanted).messages;
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received[0].attributes.size(), 2U);
  EXPECT_TRUE(received[0].system_attributes.empty());
  gate.advance(1s);
  wanted.attribute_names = {"b", "nothing"};
  wanted.system_attribute_names = {"SentTimestamp"};
  received = ask_for<sqs::Received>(wanted).messages;
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received[0].attributes.size(), 1U);
  EXPECT_EQ(received[0].system_attributes.size(), 1U);
  wanted.system_attribute_names = {"Colour"};
  EXPECT_EQ(fault(wanted), Fault::InvalidAttributeName);
}

TEST_F(QueueServiceTest, DelaysByTheMessageOrByTheQueue) {
  const std::string url = create("q", {{"DelaySeconds", "5"}});
  send(url, "the queue's");
  sqs::SendMessage own = message(url, "its own");
  own.entry.delay_seconds = 1;
  ask_for<sqs::Sent>(own);
  EXPECT_EQ(attribute(url, "ApproximateNumberOfMessagesDelayed"), "2");
  gate.advance(1s);
  const auto first = receive(url);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].body, "its own");
  gate.advance(4s);
  EXPECT_EQ(receive(url).size(), 1U);
}

TEST_F(QueueServiceTest, ABatchIsAnsweredEntryByEntry) {
  const std::string url = create("q", {{"MaximumMessageSize", "1024"}});
  sqs::SendMessageBatch batch;
  batch.queue_url = url;
  for (const std::string& body :
       {std::string("good"), std::string("\x01"), std::string(1025, 'x'), std::string("also good")}) {
    batch.entries.push_back(message(url, body).entry);
    batch.entries.back().id = "e" + std::to_string(batch.entries.size());
  }
  const auto sent = ask_for<sqs::SentBatch>(batch);
  ASSERT_EQ(sent.successful.size(), 2U);
  EXPECT_EQ(sent.successful[1].id, "e4");
  ASSERT_EQ(sent.failed.size(), 2U);
  EXPECT_EQ(sent.failed[0].id, "e2");
  EXPECT_EQ(sent.failed[0].error.fault, Fault::InvalidMessageContents);
  EXPECT_EQ(sent.failed[1].error.fault, Fault::InvalidParameterValue);

  const auto received = receive(url);
  ASSERT_EQ(received.size(), 2U);
  sqs::ChangeMessageVisibilityBatch change{url,
                                           {{"a", received[0].receipt_handle, 100}, {"b", "nonsense", 1}}};
  const auto changed = ask_for<sqs::DoneBatch>(change);
  EXPECT_EQ(changed.successful, (std::vector<std::string>{"a"}));
  ASSERT_EQ(changed.failed.size(), 1U);
  const auto removed = ask_for<sqs::DoneBatch>(sqs::DeleteMessageBatch{
      url, {{"a", received[0].receipt_handle}, {"b", "nonsense"}, {"c", received[1].receipt_handle}}});
  EXPECT_EQ(removed.successful, (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(removed.failed.at(0).error.fault, Fault::ReceiptHandleIsInvalid);
  EXPECT_EQ(gate.memory().messages.size(), 0U);
}

TEST_F(QueueServiceTest, TellsTheCoreOfPriorityTenantAndDeadline) {
  const std::string url = create("q");
  sqs::SendMessage request = message(url, "x", "acme");
  request.entry.attributes["forewarm.priority"] = {"Number", "9"};
  request.entry.attributes["forewarm.objective-ms"] = {"Number", "250"};
  ask_for<sqs::Sent>(request);
  const Message& stored = gate.memory().messages.begin()->second.message;
  EXPECT_EQ(stored.priority, 9);
  EXPECT_EQ(stored.deadline, gate.now() + 250ms);
  EXPECT_TRUE(stored.tenant);
  EXPECT_FALSE(stored.group);
  request.entry.attributes["forewarm.priority"] = {"Number", "10"};
  EXPECT_EQ(fault(request), Fault::InvalidParameterValue);
}

TEST_F(QueueServiceTest, CountsWhatAQueueHolds) {
  const std::string url = create("q");
  for (int i = 0; i < 3; ++i) send(url, "x");
  receive(url, 1);
  EXPECT_EQ(attribute(url, "ApproximateNumberOfMessages"), "2");
  EXPECT_EQ(attribute(url, "ApproximateNumberOfMessagesNotVisible"), "1");
  const auto listings = service.list();
  ASSERT_EQ(listings.size(), 1U);
  EXPECT_EQ(listings[0].view.ready, 2U);
}

TEST_F(QueueServiceTest, AMessageWhosePayloadIsDamagedIsNamedAndNotDelivered) {
  std::string warning;
  QueueFixture other({.names = {},
                      .receivable = {},
                      .warn = [&](std::string_view text) { warning = text; },
                      .wants_ticks = {}});
  const std::string url = other.create("q");
  other.send(url, "x");
  other.gate.memory().messages.begin()->second.payload = "garbage";
  EXPECT_TRUE(other.receive(url).empty());
  EXPECT_NE(warning.find("message 1 cannot be delivered"), std::string::npos);
  EXPECT_EQ(other.gate.memory().messages.size(), 1U);
}

TEST_F(QueueServiceTest, AQueueOfAFunctionRefusesOtherReceivers) {
  QueueFixture other(
      {.names = {}, .receivable = [](QueueId) { return false; }, .warn = {}, .wants_ticks = {}});
  const std::string url = other.create("q");
  sqs::ReceiveMessage request;
  request.queue_url = url;
  EXPECT_EQ(other.fault(request), Fault::UnsupportedOperation);
}

TEST_F(QueueServiceTest, WithTooManyInFlightShortPollsAreRefusedAndLongOnesWait) {
  QueueServiceOptions options;
  options.in_flight_max = 1;
  QueueFixture other(std::move(options));
  const std::string url = other.create("q");
  other.send(url, "one");
  other.send(url, "two");
  sqs::ReceiveMessage poll;
  poll.queue_url = url;
  const std::string handle = other.ask_for<sqs::Received>(poll).messages.at(0).receipt_handle;
  EXPECT_EQ(other.fault(poll), Fault::OverLimit);
  poll.wait_seconds = 5;
  EXPECT_FALSE(other.ask(poll).has_value());
  const auto first = other.last;
  EXPECT_TRUE(other.service.tick());
  EXPECT_FALSE(first->has_value());
  other.ask_for<sqs::Empty>(sqs::DeleteMessage{.queue_url = url, .entry = {{}, handle}});
  EXPECT_FALSE(other.service.tick());
  ASSERT_TRUE(first->has_value());
  EXPECT_EQ(std::get<sqs::Received>(***first).messages.at(0).body, "two");
  EXPECT_FALSE(other.ask(poll).has_value());
  const auto second = other.last;
  other.gate.advance(5s);
  EXPECT_FALSE(other.service.tick());
  ASSERT_TRUE(second->has_value());
  EXPECT_TRUE(std::get<sqs::Received>(***second).messages.empty());
  EXPECT_FALSE(other.ask(poll).has_value());
  other.service.stop_consumption();
  EXPECT_TRUE(other.last->has_value()) << "a server that ends answers";
}

TEST_F(QueueServiceTest, AFunctionGetsItsMessagesAndNamesThoseThatFailed) {
  const std::string url = create("q");
  std::vector<std::string> ids;
  for (const std::string body : {"one", "two", "three"}) ids.push_back(send(url, body).message_id);
  std::vector<Lease> leases;
  for (const auto& [id, message] : gate.memory().messages) leases.push_back({id, 1, gate.now() + 30s});
  gate.memory().messages.at(leases[2].message).payload = "garbage";
  const QueueId queue = service.directory().find("q")->id;
  const auto given = service.function_messages(queue, leases);
  ASSERT_TRUE(given.has_value());
  EXPECT_EQ(given->queue, "q");
  EXPECT_EQ(given->arn, "arn:aws:sqs:us-east-1:000000000000:q");
  ASSERT_EQ(given->messages.size(), 2U);
  EXPECT_EQ(given->messages[1].body, "two");
  const auto failed =
      service.failed_messages(leases, R"({"batchItemFailures":[{"itemIdentifier":")" + ids[1] + R"("}]})");
  EXPECT_EQ(failed, (std::vector<MessageId>{leases[1].message, leases[2].message}))
      << "one by name, one it never saw";
  EXPECT_EQ(service.failed_messages(leases, "{}").size(), 0U);
  EXPECT_EQ(service.failed_messages(leases, R"({"batchItemFailures":"?"})").size(), 3U);
}

TEST_F(QueueServiceTest, AMessageIsNotKeptInvisibleForMoreThanTwelveHoursInAll) {
  const std::string url = create("q");
  send(url, "x");
  const std::string handle = receive(url).at(0).receipt_handle;
  const auto change = [&](std::int64_t seconds) {
    return fault(sqs::ChangeMessageVisibility{url, {{}, handle, seconds}});
  };
  EXPECT_EQ(change(43'200), std::nullopt);
  gate.advance(10s);
  EXPECT_EQ(change(43'200), Fault::InvalidParameterValue);
  EXPECT_EQ(change(43'190), std::nullopt);
  EXPECT_EQ(change(0), std::nullopt);
}

}  // namespace
}  // namespace forewarm
