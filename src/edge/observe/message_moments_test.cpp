#include "edge/observe/message_moments.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

constexpr QueueId kJobs(1);
constexpr FunctionId kWork(1);
const TimePoint kBegin = time_point_us(1'700'000'000'000'000);

class MessageMomentsTest : public testing::Test {
 protected:
  void tell(Duration at, Event event, Actions actions = {}) {
    moments_.observe({kBegin + at, std::move(event)}, actions);
  }
  void send(Duration at, std::uint64_t id, Duration delay = Duration(0), GroupId group = {}) {
    Message message;
    message.id = MessageId(id);
    message.queue = kJobs;
    message.sent = kBegin + at;
    message.visible_at = kBegin + at + delay;
    message.group = group;
    tell(at, MessageArrived{message, Origin::Sent});
  }
  static Lease lease(std::uint64_t message) { return {MessageId(message), 1, {}}; }
  static Action run(std::uint64_t run, std::uint64_t instance, std::uint64_t message) {
    return forewarm::Run{RunId(run), InstanceId(instance), kWork, kJobs, {lease(message)}};
  }
  static Action start(std::uint64_t instance) {
    return StartInstance{.instance = InstanceId(instance), .function = kWork, .queue = kJobs};
  }
  void finish(Duration at, std::uint64_t run, std::uint64_t message, Actions then = {}) {
    then.insert(then.begin(), Delete{MessageId(message), DeleteReason::RunSucceeded});
    tell(at, RunFinished{RunId(run), ErrorClass::None, 0, 10ms, {}}, std::move(then));
  }
  std::string cause(std::uint64_t id) const {
    const auto late = moments_.lateness(moments_.of(MessageId(id)));
    return late ? std::string(late->cause) : "none";
  }

  MessageMoments moments_;
};

TEST_F(MessageMomentsTest, ATimeLineIsWhatHappenedToThatMessage) {
  send(0s, 1);
  send(0s, 2);
  tell(1s, TimePassed{}, {run(1, 5, 1), run(2, 6, 2)});
  const RetryDecision decision{
      .choice = RetryChoice::Later, .error = ErrorClass::Handler, .attempt = 1, .failure_odds = 0.25F};
  tell(2s, RunFinished{RunId(1), ErrorClass::Handler, 0, 1s, {}},
       {SetVisibility{MessageId(1), kBegin + 3s, 1, decision}});
  tell(3s, TimePassed{}, {run(3, 6, 1)});
  tell(4s, RunFinished{RunId(3), ErrorClass::Handler, 0, 1s, {}},
       {Move{MessageId(1), kJobs, QueueId(9), MoveReason::AttemptsUsed, decision}});
  tell(5s, TimePassed{}, {Delete{MessageId(1), DeleteReason::Client}});
  std::vector<std::string> kinds;
  for (const Moment& moment : moments_.of(MessageId(1))) kinds.emplace_back(word(moment.kind));
  EXPECT_EQ(kinds, (std::vector<std::string>{"sent", "run", "retry", "run", "moved", "deleted"}));
  EXPECT_EQ(moments_.runs_of(MessageId(1)), (std::vector<RunId>{RunId(1), RunId(3)}));
  const auto retry = moments_.of(MessageId(1)).at(2);
  EXPECT_NE(describe(retry, "", "").find("attempt 1 failed (handler)"), std::string::npos);
  EXPECT_NE(describe(retry, "", "").find("25 % would fail again"), std::string::npos);
  EXPECT_TRUE(moments_.of(MessageId(7)).empty());
}

TEST_F(MessageMomentsTest, ItWasLateForACauseThatIsNamed) {
  send(0s, 1);
  tell(5ms, TimePassed{}, {start(1)});
  tell(2s, InstanceReady{InstanceId(1), 2s}, {run(1, 1, 1)});
  EXPECT_EQ(cause(1), "cold_start");

  send(3s, 2);  // the instance is busy with the first
  finish(5s, 1, 1, {run(2, 1, 2)});
  EXPECT_EQ(cause(2), "no_capacity");
  finish(6s, 2, 2);

  send(7s, 3, 4s);
  tell(11s, TimePassed{}, {run(3, 1, 3)});
  EXPECT_EQ(cause(3), "delay");
  finish(12s, 3, 3);

  tell(13s, ConsumptionPaused{kJobs, true});
  send(14s, 4);
  tell(19s, ConsumptionPaused{kJobs, false}, {run(4, 1, 4)});
  EXPECT_EQ(cause(4), "paused");
  finish(20s, 4, 4);

  send(21s, 5);
  tell(21s, TimePassed{}, {run(5, 1, 5)});
  EXPECT_EQ(cause(5), "none");
  finish(22s, 5, 5);

  send(23s, 6);
  tell(25s, TimePassed{}, {run(6, 1, 6)});
  EXPECT_EQ(cause(6), "unknown");

  finish(25s, 6, 6);

  send(25s, 9);
  tell(25s, TimePassed{}, {run(9, 1, 9)});
  tell(25s, RunFinished{RunId(9), ErrorClass::Handler, 0, 1ms, {}},
       {SetVisibility{
           MessageId(9),
           kBegin + 90s,
           1,
           {.choice = RetryChoice::Later, .error = ErrorClass::Handler, .cause = FailureCause::Outage}}});
  send(26s, 10);
  tell(60s, TimePassed{}, {run(10, 1, 10)});
  EXPECT_EQ(cause(10), "breaker");

  send(65s, 7);
  tell(70s, ReceiveRequested{}, {Deliver{ReceiverId(1), {lease(7)}}});
  EXPECT_EQ(cause(7), "no_receiver");
  send(71s, 8);
  EXPECT_EQ(cause(8), "none");  // not started yet
}

TEST_F(MessageMomentsTest, AFifoMessageWaitsForThoseBeforeItInItsGroup) {
  tell(0s, InstanceReady{InstanceId(1), 1s});
  tell(0s, InstanceReady{InstanceId(2), 1s});
  send(1s, 1, Duration(0), GroupId(7));
  send(1s, 2, Duration(0), GroupId(7));
  tell(1s, TimePassed{}, {run(1, 1, 1)});
  finish(4s, 1, 1, {run(2, 2, 2)});
  EXPECT_EQ(cause(2), "group");
}

TEST_F(MessageMomentsTest, APurgeIsTheEndOfItsMessages) {
  send(0s, 1);
  send(0s, 2);
  tell(1s, TimePassed{}, {Delete{MessageId(2), DeleteReason::Client}});
  tell(2s, QueuePurged{kJobs}, {Purge{kJobs, MessageId(2)}});
  EXPECT_EQ(moments_.of(MessageId(1)).back().kind, MomentKind::Purged);
  EXPECT_EQ(moments_.of(MessageId(2)).back().kind, MomentKind::Deleted);
}

TEST(MessageMoments, OnlyTheNewestAreKeptAndItSaysSinceWhen) {
  MessageMoments moments(3);
  EXPECT_FALSE(moments.known_since());
  for (std::uint64_t id = 1; id <= 5; ++id) {
    Message message;
    message.id = MessageId(id);
    moments.observe({kBegin + id * 1s, MessageArrived{message, Origin::Sent}}, {});
  }
  EXPECT_TRUE(moments.of(MessageId(2)).empty());
  EXPECT_EQ(moments.of(MessageId(3)).size(), 1U);
  EXPECT_EQ(moments.known_since(), kBegin + 2s);
}

}  // namespace
}  // namespace forewarm
