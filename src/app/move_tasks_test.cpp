#include "app/move_tasks.h"

#include <gtest/gtest.h>

#include "app/queue_fixture.h"

namespace forewarm {
namespace {

using sqs::Fault;

constexpr const char* kArn = "arn:aws:sqs:us-east-1:000000000000:";

class MoveTasksTest : public ::testing::Test, protected QueueFixture {
 protected:
  std::string source(const std::string& name, const std::string& dead_letter_queue = "dead") {
    return create(name, {{"RedrivePolicy", "{\"deadLetterTargetArn\":\"" + (kArn + dead_letter_queue) +
                                               "\",\"maxReceiveCount\":1}"}});
  }
  /// Sends messages and receives each once too often.
  void dead_letter(const std::string& url, const std::vector<std::string>& bodies,
                   const std::string& group = {}) {
    for (const std::string& body : bodies) send(url, body, group, group.empty() ? "" : body);
    for (std::size_t n = 0; n < bodies.size(); ++n) {
      (void)receive(url);
      gate.advance(31s);
    }
  }
  std::string start(std::optional<std::int64_t> per_second = {}, std::optional<std::string> destination = {},
                    const std::string& dead_letter_queue = "dead") {
    return ask_for<sqs::MoveTaskStarted>(sqs::StartMessageMoveTask{.source_arn = kArn + dead_letter_queue,
                                                                   .destination_arn = std::move(destination),
                                                                   .messages_per_second_max = per_second})
        .task_handle;
  }
  void pass(int tenths) {
    for (int n = 0; n < tenths; ++n) {
      gate.advance(100ms);
      service.tick();
    }
  }
  std::vector<sqs::MoveTaskListed> list(std::int64_t most = 10) {
    return ask_for<sqs::MoveTasks>(
               sqs::ListMessageMoveTasks{.source_arn = kArn + std::string("dead"), .results_max = most})
        .tasks;
  }
  std::string ready(const std::string& url) { return attribute(url, "ApproximateNumberOfMessages"); }
};

TEST_F(MoveTasksTest, EachMessageGoesBackToTheQueueThatItCameFromAsANewOne) {
  const std::string dead = create("dead");
  const std::string one = source("one");
  const std::string two = source("two");
  dead_letter(one, {"a", "b"});
  dead_letter(two, {"c"});
  EXPECT_EQ(ready(dead), "3");
  EXPECT_FALSE(start().empty());
  pass(5);
  EXPECT_EQ(ready(one), "2");
  EXPECT_EQ(ready(two), "1");
  EXPECT_EQ(ready(dead), "0");
  const auto message = receive(two).at(0);
  EXPECT_EQ(message.body, "c");
  EXPECT_EQ(message.system_attributes.at("ApproximateReceiveCount"), "1");
  EXPECT_FALSE(message.system_attributes.contains("DeadLetterQueueSourceArn"));
  const auto tasks = list();
  ASSERT_EQ(tasks.size(), 1U);
  EXPECT_EQ(tasks[0].status, "COMPLETED");
  EXPECT_EQ(tasks[0].messages_moved, 3);
  EXPECT_EQ(tasks[0].messages_to_move, 3);
  EXPECT_TRUE(tasks[0].task_handle.empty());
  EXPECT_TRUE(tasks[0].destination_arn.empty());
}

TEST_F(MoveTasksTest, AChainOfDeadLetterQueuesIsGoneBackOneByOne) {
  create("last");
  const std::string dead = source("dead", "last");
  const std::string one = source("one");
  dead_letter(one, {"a"});
  const auto message = receive(dead).at(0);
  EXPECT_EQ(message.system_attributes.at("DeadLetterQueueSourceArn"), kArn + std::string("one"));
  gate.advance(31s);
  start({}, {}, "last");
  pass(3);
  EXPECT_EQ(ready(dead), "1");
}

TEST_F(MoveTasksTest, MovesNoMoreInASecondThanAsked) {
  const std::string dead = create("dead");
  const std::string one = source("one");
  dead_letter(one, {"a", "b", "c", "d", "e", "f", "g", "h", "i"});
  start(2);
  pass(10);
  EXPECT_EQ(ready(one), "3");  // one at once, two in the second
  EXPECT_EQ(list()[0].status, "RUNNING");
  EXPECT_FALSE(list()[0].task_handle.empty());
  EXPECT_EQ(list()[0].messages_per_second_max, 2);
  pass(40);
  EXPECT_EQ(ready(one), "9");
  EXPECT_EQ(list()[0].status, "COMPLETED");
  EXPECT_EQ(ready(dead), "0");
}

TEST_F(MoveTasksTest, ACancelledTaskLeavesTheRestWhereItIs) {
  const std::string dead = create("dead");
  const std::string one = source("one");
  dead_letter(one, {"a", "b", "c"});
  const std::string handle = start(1);
  pass(1);
  EXPECT_EQ(fault(sqs::StartMessageMoveTask{kArn + std::string("dead"), {}, {}}),
            Fault::InvalidParameterValue);
  const auto cancelled = ask_for<sqs::MoveTaskCancelled>(sqs::CancelMessageMoveTask{.task_handle = handle});
  EXPECT_EQ(cancelled.messages_moved, 1);
  EXPECT_EQ(list()[0].status, "CANCELLING");
  EXPECT_EQ(fault(sqs::CancelMessageMoveTask{.task_handle = handle}), Fault::ResourceNotFound);
  pass(20);
  EXPECT_EQ(list()[0].status, "CANCELLED");
  EXPECT_EQ(ready(dead), "2");
  start();
  pass(3);
  EXPECT_EQ(ready(dead), "0");
  ASSERT_EQ(list().size(), 2U);
  EXPECT_EQ(list()[0].status, "COMPLETED");
  EXPECT_EQ(list(1).size(), 1U);
}

TEST_F(MoveTasksTest, AMessageOfUnknownOriginEndsATaskWithoutADestination) {
  const std::string dead = create("dead");
  const std::string one = source("one");
  send(dead, "sent here");
  start();
  pass(3);
  EXPECT_EQ(list()[0].status, "FAILED");
  EXPECT_EQ(list()[0].failure_reason, "CouldNotDetermineMessageSource");
  EXPECT_EQ(ready(dead), "1");
  start({}, kArn + std::string("one"));
  pass(3);
  EXPECT_EQ(list()[0].status, "COMPLETED");
  EXPECT_EQ(list()[0].destination_arn, kArn + std::string("one"));
  EXPECT_EQ(ready(one), "1");
}

TEST_F(MoveTasksTest, AQueueThatIsGoneEndsTheTaskAndKeepsTheMessages) {
  const std::string dead = create("dead");
  source("kept");
  const std::string one = source("one");
  const std::string other = create("other");
  dead_letter(one, {"a"});
  start({}, kArn + std::string("other"));
  ask(sqs::DeleteQueue{.queue_url = other});
  pass(3);
  EXPECT_EQ(list()[0].failure_reason, "AWS.SimpleQueueService.NonExistentQueue");
  ask(sqs::DeleteQueue{.queue_url = one});
  start();
  pass(3);
  EXPECT_EQ(list()[0].failure_reason, "AWS.SimpleQueueService.NonExistentQueue");
  EXPECT_EQ(ready(dead), "1");
}

TEST_F(MoveTasksTest, WhatCannotBeMovedIsRefused) {
  create("dead");
  create("dead.fifo");
  source("one");
  const auto start_fault = [&](const std::string& from, std::optional<std::string> to) {
    return fault(sqs::StartMessageMoveTask{kArn + from, std::move(to), {}});
  };
  EXPECT_EQ(start_fault("none", {}), Fault::ResourceNotFound);
  EXPECT_EQ(start_fault("one", {}), Fault::InvalidParameterValue);
  EXPECT_EQ(start_fault("dead", kArn + std::string("none")), Fault::ResourceNotFound);
  EXPECT_EQ(start_fault("dead", kArn + std::string("dead.fifo")), Fault::InvalidParameterValue);
  EXPECT_EQ(fault(sqs::ListMessageMoveTasks{.source_arn = kArn + std::string("none")}),
            Fault::ResourceNotFound);
  EXPECT_EQ(fault(sqs::CancelMessageMoveTask{.task_handle = "foobared"}), Fault::InvalidParameterValue);
}

TEST_F(MoveTasksTest, FifoGroupsKeepTheirOrderAndTheirGroups) {
  create("dead.fifo");
  const std::string one = source("one.fifo", "dead.fifo");
  dead_letter(one, {"a", "b", "c"}, "g");
  start({}, {}, "dead.fifo");
  pass(5);
  const auto messages = receive(one);
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(messages[0].body, "a");
  EXPECT_EQ(messages[2].body, "c");
  EXPECT_EQ(messages[2].system_attributes.at("MessageGroupId"), "g");
}

TEST_F(MoveTasksTest, ATaskGoesOnAfterARestart) {
  create("dead");
  const std::string one = source("one");
  dead_letter(one, {"a", "b", "c"});
  start(1);
  pass(1);
  QueueFixture after;
  after.gate.advance(gate.now() - after.gate.now());
  for (const auto& [key, value] : gate.memory().records) {
    if (key == "secret") continue;
    EXPECT_TRUE(after.service.recover(key, value).value_or(false)) << key;
  }
  for (const QueueChanged& queue : after.service.events()) (void)after.gate.submit(queue, {});
  for (const auto& [id, stored] : gate.memory().messages)
    (void)after.gate.submit(MessageArrived{stored.message, Origin::Recovered}, {});
  const auto listed = [&] {
    return after.ask_for<sqs::MoveTasks>(sqs::ListMessageMoveTasks{.source_arn = kArn + std::string("dead")})
        .tasks.at(0);
  };
  EXPECT_EQ(listed().status, "RUNNING");
  EXPECT_EQ(listed().messages_moved, 1);
  for (int n = 0; n < 40; ++n) {
    after.gate.advance(100ms);
    after.service.tick();
  }
  EXPECT_EQ(listed().status, "COMPLETED");
  EXPECT_EQ(listed().messages_moved, 3);
  EXPECT_EQ(after.attribute(one, "ApproximateNumberOfMessages"), "3");
}

TEST_F(MoveTasksTest, ADeadLetterQueueThatAllowsASourceNoMoreGetsNothingFromIt) {
  const std::string dead = create("dead");
  const std::string one = source("one");
  send(one, "a");
  (void)receive(one);
  ask(sqs::SetQueueAttributes{dead, {{"RedriveAllowPolicy", R"({"redrivePermission":"denyAll"})"}}});
  gate.advance(31s);
  EXPECT_EQ(receive(one).size(), 1U);
  EXPECT_EQ(
      fault(sqs::CreateQueue{"two",
                             {{"RedrivePolicy", "{\"deadLetterTargetArn\":\"" + (kArn + std::string("dead")) +
                                                    "\",\"maxReceiveCount\":1}"}},
                             {}}),
      Fault::InvalidParameterValue);
  for (const char* wrong : {R"({"redrivePermission":"some"})", R"({"redrivePermission":"byQueue"})",
                            R"({"redrivePermission":"allowAll","sourceQueueArns":["arn:aws:sqs:r:1:q"]})",
                            R"({"redrivePermission":"byQueue","sourceQueueArns":[]})", R"({})"}) {
    EXPECT_EQ(fault(sqs::SetQueueAttributes{dead, {{"RedriveAllowPolicy", wrong}}}),
              Fault::InvalidParameterValue)
        << wrong;
  }
}

}  // namespace
}  // namespace forewarm
