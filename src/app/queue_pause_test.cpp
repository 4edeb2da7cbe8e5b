#include <gtest/gtest.h>

#include "app/queue_fixture.h"

namespace forewarm {
namespace {

TEST(QueuePause, APausedQueueGivesNothingUntilItIsResumed) {
  QueueFixture queues;
  const std::string url = queues.create("jobs", {{"ForewarmPaused", "true"}});
  queues.send(url, "waits");
  EXPECT_TRUE(queues.receive(url).empty());
  bool done = false;
  ASSERT_TRUE(queues.service.order_pause("jobs", false,
                                         [&](const Result<void>& ordered) { done = ordered.has_value(); }));
  EXPECT_TRUE(done);
  EXPECT_EQ(queues.receive(url).size(), 1U);
  EXPECT_EQ(queues.service.order_pause("none", true, {}).error().code, ErrorCode::NotFound);
}

TEST(QueuePause, AtTheEndNothingIsHandedOutAndEverythingElseIsTaken) {
  QueueFixture queues;
  const std::string url = queues.create("jobs");
  queues.send(url, "one");
  const std::string handle = queues.receive(url).at(0).receipt_handle;
  EXPECT_FALSE(queues.service.consumption_stopped());
  queues.service.stop_consumption();
  EXPECT_TRUE(queues.service.consumption_stopped());
  sqs::ReceiveMessage receive;
  receive.queue_url = url;
  EXPECT_EQ(queues.fault(receive), sqs::Fault::ServiceUnavailable);
  EXPECT_EQ(queues.fault(queues.message(url, "two")), std::nullopt);
  EXPECT_TRUE(queues.remove(url, handle));
}

TEST(QueuePause, PeekingShowsMessagesInTheirOrderAndReceivesNone) {
  QueueFixture queues;
  const std::string url = queues.create("jobs");
  for (const char* body : {"one", "two", "three"}) queues.send(url, body);
  queues.receive(url, 1);
  const auto peeked = queues.service.peek("jobs", 2);
  ASSERT_TRUE(peeked);
  ASSERT_EQ(peeked->size(), 2U);
  EXPECT_EQ(peeked->at(0).body, "one");
  EXPECT_EQ(peeked->at(0).view.state, MessageState::InFlight);
  EXPECT_EQ(peeked->at(1).body, "two");
  EXPECT_EQ(peeked->at(1).view.state, MessageState::Ready);
  EXPECT_EQ(peeked->at(1).view.message.receive_count, 0);
  EXPECT_EQ(queues.service.peek("none", 2).error().code, ErrorCode::NotFound);
}

TEST(QueuePause, WhoeverKeepsTheRecordIsToldOfChangesToQueuesAndOfNothingElse) {
  std::vector<std::string> told;
  QueueServiceOptions options;
  options.changed = [&](const QueueChange& change) {
    told.push_back(std::string(change.sender_id) + " " + std::string(change.action) + " " +
                   std::string(change.queue) + (change.refusal.empty() ? "" : " refused"));
  };
  QueueFixture queues(std::move(options));
  const std::string url = queues.create("jobs");
  queues.send(url, "one");
  queues.receive(url);
  queues.ask(sqs::SetQueueAttributes{.queue_url = url, .attributes = {{"VisibilityTimeout", "never"}}});
  queues.ask(sqs::DeleteQueue{.queue_url = url});
  EXPECT_EQ(told, (std::vector<std::string>{"me CreateQueue jobs", "me SetQueueAttributes jobs refused",
                                            "me DeleteQueue jobs"}));
}

}  // namespace
}  // namespace forewarm
