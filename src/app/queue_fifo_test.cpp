#include <gtest/gtest.h>

#include "app/queue_fixture.h"

namespace forewarm {
namespace {

using sqs::Fault;

struct QueueFifoTest : testing::Test, QueueFixture {
  void TearDown() override {
    EXPECT_EQ(wrong_answers, 0) << "an answer was not of the kind that the test expects";
  }
};

TEST_F(QueueFifoTest, AReceiveGetsAsManyOfAGroupAsThereAreAndTheRestWaitForThem) {
  const std::string url = create("q.fifo");
  for (const char* body : {"1", "2", "3"}) send(url, body, "g", body);
  send(url, "4", "h", "4");
  const auto first = receive(url, 2);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].body, "1");
  EXPECT_EQ(first[1].body, "2");
  remove(url, first[0].receipt_handle);
  const auto second = receive(url);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].body, "4");
  gate.advance(31s);
  const auto third = receive(url);
  ASSERT_EQ(third.size(), 3U);
  EXPECT_EQ(third[0].body, "2");
  EXPECT_EQ(third[1].body, "3");
  EXPECT_EQ(third[2].body, "4");
}

TEST_F(QueueFifoTest, WhatIsGivenBackComesAgainBeforeTheOthersOfItsReceive) {
  const std::string url = create("q.fifo");
  for (const char* body : {"1", "2", "3"}) send(url, body, "g", body);
  const auto first = receive(url, 2);
  ASSERT_EQ(first.size(), 2U);
  const auto give_back = [&](const sqs::ReceivedMessage& message) {
    ask_for<sqs::Empty>(sqs::ChangeMessageVisibility{url, {{}, message.receipt_handle, 0}});
  };
  give_back(first[1]);
  EXPECT_TRUE(receive(url).empty()) << "the first of the group is in flight";
  give_back(first[0]);
  const auto second = receive(url, 1);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].body, "1");
  remove(url, second[0].receipt_handle);
  const auto third = receive(url, 1);
  ASSERT_EQ(third.size(), 1U);
  EXPECT_EQ(third[0].body, "2");
  send(url, "4", "g", "4");
  const auto rest = receive(url);
  EXPECT_TRUE(rest.empty()) << "what was never out waits for all that is in flight";
  give_back(third[0]);
  EXPECT_EQ(receive(url).size(), 3U);
}

TEST_F(QueueFifoTest, OneOfSeveralInFlightThatIsGivenBackIsThereAtOnce) {
  const std::string url = create("q.fifo");
  for (const char* body : {"1", "2", "3"}) send(url, body, "g", body);
  const auto first = receive(url, 2);
  ASSERT_EQ(first.size(), 2U);
  ask_for<sqs::Empty>(sqs::ChangeMessageVisibility{url, {{}, first[0].receipt_handle, 0}});
  const auto again = receive(url);
  ASSERT_EQ(again.size(), 1U) << "the second is in flight still, and the third waits for it";
  EXPECT_EQ(again[0].body, "1");
}

TEST_F(QueueFifoTest, AnotherDelayOfTheQueueIsThatOfTheMessagesThatAreThere) {
  const std::string url = create("q.fifo", {{"DelaySeconds", "100"}});
  send(url, "1", "g", "1");
  gate.advance(10s);
  send(url, "2", "g", "2");
  const auto delay = [&](const char* seconds) {
    ask_for<sqs::Empty>(sqs::SetQueueAttributes{.queue_url = url, .attributes = {{"DelaySeconds", seconds}}});
  };
  delay("20");
  EXPECT_EQ(attribute(url, "ApproximateNumberOfMessagesDelayed"), "2");
  gate.advance(10s);
  const auto first = receive(url);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].body, "1");
  EXPECT_TRUE(remove(url, first[0].receipt_handle));
  delay("0");
  send(url, "3", "g", "3");
  const auto rest = receive(url);
  ASSERT_EQ(rest.size(), 2U);
  EXPECT_EQ(rest[0].body, "2");
  EXPECT_EQ(attribute(url, "ApproximateNumberOfMessagesDelayed"), "0");
}

TEST_F(QueueFifoTest, APurgeForgetsTheIds) {
  const std::string url = create("q.fifo");
  send(url, "1", "g", "d");
  gate.advance(1s);
  ask_for<sqs::Empty>(sqs::PurgeQueueRequest{url});
  gate.advance(1s);
  send(url, "2", "g", "d");
  EXPECT_EQ(gate.memory().messages.size(), 1U);
  send(url, "3", "g", "d");
  EXPECT_EQ(gate.memory().messages.size(), 1U) << "the new one is remembered";
}

TEST_F(QueueFifoTest, AnAttemptThatIsRepeatedGetsTheSameMessagesAgain) {
  const std::string url = create("q.fifo");
  send(url, "1", "g", "1");
  send(url, "2", "g", "2");
  sqs::ReceiveMessage request;
  request.queue_url = url;
  request.system_attribute_names = {"All"};
  request.attempt_id = "attempt";
  const auto attempt = [&] { return ask_for<sqs::Received>(request).messages; };
  const auto first = attempt();
  ASSERT_EQ(first.size(), 1U);
  gate.advance(20s);
  const auto again = attempt();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].receipt_handle, first[0].receipt_handle);
  EXPECT_EQ(again[0].system_attributes.at("ApproximateReceiveCount"), "1");
  gate.advance(20s);
  EXPECT_EQ(attempt().size(), 1U) << "its time invisible began anew";
  EXPECT_TRUE(receive(url).empty());
  EXPECT_TRUE(remove(url, first[0].receipt_handle));
  EXPECT_EQ(attempt().at(0).body, "2") << "what was deleted since is not given again";
  gate.advance(31s);
  EXPECT_EQ(attempt().at(0).system_attributes.at("ApproximateReceiveCount"), "2");
  request.queue_url = create("standard");
  EXPECT_EQ(fault(request), Fault::InvalidParameterValue);
}

TEST_F(QueueFifoTest, HighThroughputNeedsDeduplicationByGroup) {
  const sqs::StringMap per_group = {{"FifoQueue", "true"}, {"FifoThroughputLimit", "perMessageGroupId"}};
  EXPECT_EQ(fault(sqs::CreateQueue{"q.fifo", per_group, {}}), Fault::InvalidAttributeValue);
  sqs::StringMap both = per_group;
  both["DeduplicationScope"] = "messageGroup";
  create("q.fifo", both);
  create("q.fifo", per_group);
  send(create("q.fifo", both), "1", "g", "d");
  send(create("q.fifo", both), "2", "h", "d");
  EXPECT_EQ(gate.memory().messages.size(), 2U);
}

TEST_F(QueueFifoTest, KeepsTheOrderOfAGroupAndHandsOutOneAtATime) {
  const std::string url = create("q.fifo");
  const auto first = send(url, "1", "g", "d1");
  const auto second = send(url, "2", "g", "d2");
  send(url, "3", "h", "d3");
  EXPECT_EQ(first.sequence_number.size(), 20U);
  EXPECT_LT(first.sequence_number, second.sequence_number);
  auto received = receive(url, 1);
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(receive(url, 1).at(0).body, "3");
  EXPECT_EQ(received[0].system_attributes.at("SequenceNumber"), first.sequence_number);
  EXPECT_EQ(received[0].system_attributes.at("MessageDeduplicationId"), "d1");
  EXPECT_TRUE(remove(url, received[0].receipt_handle));
  received = receive(url);
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received[0].body, "2");
}

TEST_F(QueueFifoTest, ADuplicateIsAnsweredAsTheOriginalAndNotStored) {
  const std::string url = create("q.fifo");
  const auto first = send(url, "1", "g", "d");
  const auto again = send(url, "another body", "g", "d");
  EXPECT_EQ(again.message_id, first.message_id);
  EXPECT_EQ(again.sequence_number, first.sequence_number);
  EXPECT_EQ(gate.memory().messages.size(), 1U);
  remove(url, receive(url).at(0).receipt_handle);
  send(url, "after the delete", "g", "d");
  EXPECT_EQ(gate.memory().messages.size(), 0U) << "an id is remembered after its message is gone";
}

TEST_F(QueueFifoTest, AnIdCanBeUsedAgainAfterFiveMinutes) {
  const std::string url = create("q.fifo");
  send(url, "1", "g", "d");
  gate.advance(299s);
  send(url, "2", "g", "d");
  EXPECT_EQ(gate.memory().messages.size(), 1U);
  gate.advance(1s);
  send(url, "3", "g", "d");
  EXPECT_EQ(gate.memory().messages.size(), 2U);
  send(url, "4", "g", "d");
  EXPECT_EQ(gate.memory().messages.size(), 2U) << "the new one is remembered";
}

TEST_F(QueueFifoTest, ExpiredIdsLeaveTheStore) {
  const std::string url = create("q.fifo");
  for (int i = 0; i < 10; ++i) send(url, "x", "g", "d" + std::to_string(i));
  const std::size_t before = gate.memory().records.size();
  gate.advance(6min);
  send(url, "x", "g", "new");
  EXPECT_EQ(gate.memory().records.size(), before - 10 + 1);
}

TEST_F(QueueFifoTest, ContentAloneTellsDuplicatesWhereTheQueueSaysSo) {
  const std::string strict = create("strict.fifo");
  EXPECT_EQ(fault(message(strict, "x", "g")), Fault::InvalidParameterValue);
  const std::string url = create("q.fifo", {{"ContentBasedDeduplication", "true"}});
  EXPECT_EQ(send(url, "x", "g").message_id, send(url, "x", "h").message_id);
  EXPECT_NE(send(url, "x", "g").message_id, send(url, "y", "g").message_id);
  EXPECT_NE(send(url, "x", "g").message_id, send(url, "x", "g", "own").message_id);
}

TEST_F(QueueFifoTest, AnIdMayBelongToItsGroupOnly) {
  const std::string url = create("q.fifo", {{"DeduplicationScope", "messageGroup"}});
  EXPECT_NE(send(url, "x", "g", "d").message_id, send(url, "x", "h", "d").message_id);
  EXPECT_EQ(send(url, "x", "g", "d").message_id, send(url, "x", "g", "d").message_id);
  const std::string other = create("other.fifo");
  EXPECT_NE(send(url, "x", "g", "d").message_id, send(other, "x", "g", "d").message_id);
}

TEST_F(QueueFifoTest, ADuplicateOfAMessageThatIsNotDurableYetWaitsForIt) {
  const std::string url = create("q.fifo");
  gate.hold();
  ask(message(url, "x", "g", "d"));
  const auto original = last;
  EXPECT_FALSE(ask(message(url, "x", "g", "d")).has_value());
  const auto duplicate = last;
  gate.release();
  ASSERT_TRUE(original->has_value() && duplicate->has_value());
  EXPECT_EQ(std::get<sqs::Sent>(***original).message_id, std::get<sqs::Sent>(***duplicate).message_id);
  EXPECT_EQ(gate.memory().messages.size(), 1U);
}

TEST_F(QueueFifoTest, ADuplicateOfAMessageThatWasNotStoredIsRefused) {
  const std::string url = create("q.fifo");
  gate.hold();
  ask(message(url, "x", "g", "d"));
  ask(message(url, "x", "g", "d"));
  gate.release(error(ErrorCode::Exhausted, "the disk is full"));
  ASSERT_TRUE(last->has_value());
  EXPECT_EQ((*last)->error().fault, Fault::RequestThrottled);
  send(url, "x", "g", "d");
  EXPECT_EQ(gate.memory().messages.size(), 1U);
}

TEST_F(QueueFifoTest, DuplicatesInOneBatchAreOneMessage) {
  const std::string url = create("q.fifo");
  sqs::SendMessageBatch batch;
  batch.queue_url = url;
  for (const std::string id : {"a", "b"}) {
    batch.entries.push_back(message(url, "x", "g", "d").entry);
    batch.entries.back().id = id;
  }
  const auto sent = ask_for<sqs::SentBatch>(batch);
  ASSERT_EQ(sent.successful.size(), 2U);
  EXPECT_EQ(sent.successful[0].message_id, sent.successful[1].message_id);
  EXPECT_EQ(gate.memory().messages.size(), 1U);
}

TEST_F(QueueFifoTest, ABatchWithoutWhatEveryMessageOfAFifoQueueNeedsIsRefusedAsAWhole) {
  const std::string url = create("q.fifo");
  sqs::SendMessageBatch batch;
  batch.queue_url = url;
  batch.entries = {message(url, "1", "g", "1").entry, message(url, "2", "", "2").entry};
  EXPECT_EQ(fault(batch), Fault::InvalidParameterValue);
  batch.entries[1] = message(url, "2", "g").entry;
  EXPECT_EQ(fault(batch), Fault::InvalidParameterValue);
  EXPECT_EQ(gate.memory().messages.size(), 0U);
  batch.entries[1] = message(url, "2", "g", "2").entry;
  EXPECT_EQ(ask_for<sqs::SentBatch>(batch).successful.size(), 2U);
}

TEST_F(QueueFifoTest, IdsAreRememberedAcrossARestart) {
  const std::string url = create("q.fifo");
  const auto first = send(url, "x", "g", "d");
  QueueService again({});
  for (const auto& [key, value] : gate.memory().records) {
    const auto mine = again.recover(key, value);
    EXPECT_TRUE(mine && *mine) << key;
  }
  ASSERT_TRUE(again.attach(gate).has_value());
  std::optional<QueueFixture::Answer> answer;
  again.handle(message(url, "x", "g", "d"), {},
               [&](QueueFixture::Answer given) { answer = std::move(given); });
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ(std::get<sqs::Sent>(**answer).message_id, first.message_id) << "the secret is remembered too";
  EXPECT_EQ(gate.memory().messages.size(), 1U);
}

TEST_F(QueueFifoTest, RefusesWhatDoesNotFitTheKindOfQueue) {
  const std::string fifo = create("q.fifo");
  const std::string standard = create("q");
  EXPECT_EQ(fault(message(fifo, "x", "", "d")), Fault::MissingParameter);
  EXPECT_EQ(fault(message(standard, "x", "", "d")), Fault::InvalidParameterValue);
  sqs::SendMessage delayed = message(fifo, "x", "g", "d");
  delayed.entry.delay_seconds = 1;
  EXPECT_EQ(fault(delayed), Fault::InvalidParameterValue);
}

TEST_F(QueueFifoTest, AnExpiredReceiptDeletesNothing) {
  const std::string url = create("q.fifo", {{"VisibilityTimeout", "1"}});
  send(url, "x", "g", "d");
  const auto received = receive(url);
  gate.advance(2s);
  EXPECT_EQ(fault(sqs::DeleteMessage{url, {{}, received.at(0).receipt_handle}}),
            Fault::InvalidParameterValue);
  EXPECT_EQ(gate.memory().messages.size(), 1U);
}

}  // namespace
}  // namespace forewarm
