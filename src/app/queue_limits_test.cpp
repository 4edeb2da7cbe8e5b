#include "app/queue_limits.h"

#include <gtest/gtest.h>

#include "app/queue_fixture.h"

namespace forewarm {
namespace {

TEST(QueueLimits, ASendAboveTheNumberOfMessagesIsRefusedUntilOneIsDeleted) {
  QueueFixture queues;
  const std::string url = queues.create("jobs", {{"ForewarmMaximumMessages", "2"}});
  queues.send(url, "one");
  queues.send(url, "two");
  EXPECT_EQ(queues.fault(queues.message(url, "three")), sqs::Fault::OverLimit);
  const auto received = queues.receive(url, 1);
  EXPECT_EQ(queues.fault(queues.message(url, "three")), sqs::Fault::OverLimit) << "in flight counts";
  ASSERT_TRUE(queues.remove(url, received.at(0).receipt_handle));
  EXPECT_EQ(queues.fault(queues.message(url, "three")), std::nullopt);
  EXPECT_EQ(queues.attribute(url, "ForewarmMaximumMessages"), "2");
}

TEST(QueueLimits, BytesAreCountedAsTheQueueCountsThem) {
  QueueFixture queues;
  const std::string url = queues.create("jobs", {{"ForewarmMaximumBytes", "10"}});
  queues.send(url, "12345678");
  EXPECT_EQ(queues.fault(queues.message(url, "123")), sqs::Fault::OverLimit);
  EXPECT_EQ(queues.fault(queues.message(url, "12")), std::nullopt);
}

TEST(QueueLimits, WhatIsOnItsWayToTheDiskCounts) {
  QueueFixture queues;
  const std::string url = queues.create("jobs", {{"ForewarmMaximumMessages", "1"}});
  queues.gate.hold();
  queues.ask(queues.message(url, "one"));
  EXPECT_EQ(queues.fault(queues.message(url, "two")), sqs::Fault::OverLimit);
  queues.gate.release(error(ErrorCode::Exhausted, "full"));
  EXPECT_EQ(queues.fault(queues.message(url, "two")), std::nullopt) << "the first was not stored";
}

TEST(QueueLimits, ABatchIsTakenUpToTheLimit) {
  QueueFixture queues;
  const std::string url = queues.create("jobs", {{"ForewarmMaximumMessages", "2"}});
  sqs::SendMessageBatch batch;
  batch.queue_url = url;
  for (const char* id : {"a", "b", "c"}) {
    sqs::SendMessageEntry entry;
    entry.id = id;
    entry.body = id;
    batch.entries.push_back(entry);
  }
  const auto sent = queues.ask_for<sqs::SentBatch>(batch);
  EXPECT_EQ(sent.successful.size(), 2U);
  ASSERT_EQ(sent.failed.size(), 1U);
  EXPECT_EQ(sent.failed[0].id, "c");
  EXPECT_EQ(sent.failed[0].error.fault, sqs::Fault::OverLimit);
}

TEST(QueueLimits, ALimitThatIsSetLaterKnowsOfWhatIsThere) {
  QueueFixture queues;
  const std::string url = queues.create("jobs");
  for (const char* body : {"1", "2", "3"}) queues.send(url, body);
  queues.ask(sqs::SetQueueAttributes{.queue_url = url, .attributes = {{"ForewarmMaximumMessages", "3"}}});
  EXPECT_EQ(queues.fault(queues.message(url, "4")), sqs::Fault::OverLimit);
  queues.ask(sqs::SetQueueAttributes{.queue_url = url, .attributes = {{"ForewarmMaximumMessages", "0"}}});
  EXPECT_EQ(queues.fault(queues.message(url, "4")), std::nullopt) << "0 takes it away";
}

TEST(QueueLimits, DeadLettersAreNotRefused) {
  QueueFixture queues;
  const std::string dead = queues.create("dead", {{"ForewarmMaximumMessages", "1"}});
  queues.send(dead, "there");
  const std::string url = queues.create(
      "jobs",
      {{"VisibilityTimeout", "1"},
       {"RedrivePolicy",
        R"({"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"1"})"}});
  queues.send(url, "moves");
  queues.receive(url);
  queues.gate.advance(2s);
  EXPECT_EQ(queues.attribute(dead, "ApproximateNumberOfMessages"), "2");
}

}  // namespace
}  // namespace forewarm
