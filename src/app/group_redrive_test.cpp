#include "app/group_redrive.h"

#include <gtest/gtest.h>

#include "app/queue_fixture.h"

namespace forewarm {
namespace {

const TimePoint kBegin = time_point_us(1'700'000'000'000'000);

Action done(std::uint64_t id) {
  return Delete{MessageId(id), DeleteReason::RunSucceeded};
}
Action failed_again(std::uint64_t id) {
  return SetVisibility{MessageId(id), kBegin, 1, {.error = ErrorClass::Handler}};
}

TEST(GroupRedrive, NothingFollowsTheCanariesUntilAllAreKnown) {
  GroupRedrive redrive(1, 3);
  EXPECT_EQ(redrive.may_follow(), 3U);
  for (std::uint64_t id = 1; id <= 3; ++id) redrive.moved(MessageId(id), kBegin);
  EXPECT_EQ(redrive.may_follow(), 0U);
  redrive.observe(done(1));
  redrive.observe(done(7));  // not one of them
  redrive.observe(done(2));
  EXPECT_TRUE(redrive.testing());
  EXPECT_EQ(redrive.may_follow(), 0U);
  redrive.observe(done(3));
  EXPECT_FALSE(redrive.testing());
  EXPECT_EQ(redrive.may_follow(), GroupRedrive::kUnderWayMax);
  EXPECT_FALSE(redrive.verdict(kBegin));
  EXPECT_EQ(redrive.succeeded(), 3U);
}

TEST(GroupRedrive, ItStopsWhenMoreThanOneCanaryInFiveFails) {
  GroupRedrive redrive(1, 5);
  for (std::uint64_t id = 1; id <= 5; ++id) redrive.moved(MessageId(id), kBegin);
  redrive.observe(failed_again(1));
  EXPECT_FALSE(redrive.verdict(kBegin));
  redrive.observe(SetVisibility{MessageId(2), kBegin, 1, {.error = ErrorClass::Capacity}});
  EXPECT_EQ(redrive.failed(), 1U);  // no room is nobody's fault
  redrive.observe(Move{MessageId(2), QueueId(1), QueueId(2), MoveReason::AttemptsUsed});
  ASSERT_TRUE(redrive.verdict(kBegin));
  EXPECT_NE(redrive.verdict(kBegin)->find("2 of 5 canaries"), std::string::npos);
}

TEST(GroupRedrive, ItStopsWhenLaterOnesFail) {
  GroupRedrive redrive(1, 1);
  redrive.moved(MessageId(1), kBegin);
  redrive.observe(done(1));
  for (std::uint64_t id = 2; id <= 12; ++id) redrive.moved(MessageId(id), kBegin);
  EXPECT_EQ(redrive.may_follow(), GroupRedrive::kUnderWayMax - 11);
  redrive.observe(failed_again(2));
  redrive.observe(failed_again(3));
  EXPECT_FALSE(redrive.verdict(kBegin));  // two may be bad luck
  for (std::uint64_t id = 4; id <= 9; ++id) redrive.observe(done(id));
  EXPECT_FALSE(redrive.verdict(kBegin));
  redrive.observe(failed_again(10));
  EXPECT_TRUE(redrive.verdict(kBegin));
}

TEST(GroupRedrive, AQueueThatNobodyTakesFromEndsIt) {
  GroupRedrive redrive(1, 1);
  redrive.moved(MessageId(1), kBegin);
  EXPECT_FALSE(redrive.verdict(kBegin + GroupRedrive::kPatience));
  EXPECT_TRUE(redrive.verdict(kBegin + GroupRedrive::kPatience + 1s));
  redrive.forget_gone([](MessageId) { return false; });  // purged: another canary is sent
  EXPECT_FALSE(redrive.verdict(kBegin + 1h));
  EXPECT_EQ(redrive.may_follow(), 1U);
}

/// The same through a queue service: dead letters by receives, sent back in a group.
class GroupTaskTest : public ::testing::Test, protected QueueFixture {
 protected:
  GroupTaskTest() {
    gate.accompany = [this](const Action& action, TimePoint now, std::vector<Write>& writes) {
      service.accompany(action, now, writes);
    };
    dead_ = create("dead");
    jobs_ = create(
        "jobs",
        {{"RedrivePolicy",
          R"({"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1})"}});
  }
  void dead_letter(int count) {
    for (int n = 0; n < count; ++n) send(jobs_, "m" + std::to_string(n));
    for (int n = 0; n < count; ++n) (void)receive(jobs_);
    gate.advance(31s);
    (void)receive(jobs_);
  }
  Result<void> start(std::uint32_t canaries, std::int64_t rate = 500) {
    return service.move_tasks().start_group({.queue = "dead", .per_second = rate, .canaries = canaries},
                                            [](const Result<std::uint64_t>&) {});
  }
  void pass(int tenths) {
    for (int n = 0; n < tenths; ++n) {
      gate.advance(100ms);
      service.tick();
    }
  }
  MoveTasks::GroupProgress progress() {
    return service.move_tasks().groups(service.directory().find("dead")->id).at(0);
  }
  std::string ready(const std::string& url) { return attribute(url, "ApproximateNumberOfMessages"); }
  std::size_t failure_records() {
    return static_cast<std::size_t>(std::ranges::count_if(
        gate.memory().records, [](const auto& each) { return each.first.starts_with("failure/"); }));
  }

  std::string dead_, jobs_;
};

TEST_F(GroupTaskTest, CanariesGoFirstAndTheOthersWhenTheyAreDone) {
  dead_letter(8);
  ASSERT_EQ(ready(dead_), "8");
  EXPECT_EQ(failure_records(), 8U);
  ASSERT_TRUE(start(2));
  pass(10);
  EXPECT_EQ(ready(jobs_), "2");
  EXPECT_EQ(ready(dead_), "6");
  EXPECT_EQ(failure_records(), 6U);
  EXPECT_TRUE(progress().testing);
  for (const auto& message : receive(jobs_)) EXPECT_TRUE(remove(jobs_, message.receipt_handle));
  pass(10);
  EXPECT_EQ(ready(dead_), "0");
  EXPECT_EQ(ready(jobs_), "6");
  EXPECT_EQ(progress().status, "RUNNING");
  EXPECT_EQ(progress().under_way, 6U);
  for (const auto& message : receive(jobs_)) EXPECT_TRUE(remove(jobs_, message.receipt_handle));
  pass(3);
  EXPECT_EQ(progress().status, "COMPLETED");
  EXPECT_EQ(progress().succeeded, 8U);
  EXPECT_EQ(failure_records(), 0U);
}

TEST_F(GroupTaskTest, ACanaryThatBecomesADeadLetterAgainEndsIt) {
  dead_letter(5);
  ASSERT_TRUE(start(1));
  pass(5);
  (void)receive(jobs_);
  gate.advance(31s);
  (void)receive(jobs_);
  pass(5);
  EXPECT_EQ(progress().status, "FAILED");
  EXPECT_NE(progress().reason.find("1 of 1 canaries"), std::string::npos);
  EXPECT_EQ(ready(dead_), "5");
  EXPECT_EQ(failure_records(), 5U);
}

TEST_F(GroupTaskTest, WhatCannotBeIsRefused) {
  EXPECT_EQ(start(1).error().code, ErrorCode::NotFound);  // nothing has failed
  dead_letter(3);
  ASSERT_TRUE(start(1));
  EXPECT_EQ(start(1).error().code, ErrorCode::Conflict);
  pass(3);
  const std::uint64_t id = progress().id;
  EXPECT_FALSE(service.move_tasks().cancel_group("dead", id + 1, [](const Result<void>&) {}));
  EXPECT_TRUE(service.move_tasks().cancel_group("dead", id, [](const Result<void>&) {}));
  pass(2);
  EXPECT_EQ(progress().status, "CANCELLED");
  EXPECT_EQ(ready(dead_), "2");
}

TEST_F(GroupTaskTest, AfterARestartItBeginsWithCanariesAgain) {
  dead_letter(4);
  ASSERT_TRUE(start(1));
  pass(5);
  for (const auto& message : receive(jobs_)) EXPECT_TRUE(remove(jobs_, message.receipt_handle));
  QueueService other({});
  bool taken = false;
  for (const auto& [key, value] : gate.memory().records) {
    const auto read = other.recover(key, value);
    ASSERT_TRUE(read) << read.error().message;
    taken = taken || (*read && key.starts_with("group-redrive/"));
  }
  EXPECT_TRUE(taken);
  const auto again = other.move_tasks().groups(other.directory().find("dead")->id).at(0);
  EXPECT_EQ(again.status, "RUNNING");
  EXPECT_EQ(again.canaries, 1U);
  EXPECT_TRUE(again.testing);
}

}  // namespace
}  // namespace forewarm
