#include "edge/observe/otlp/message_traces.h"

#include <gtest/gtest.h>

#include "edge/observe/names_fixture.h"

namespace forewarm {
namespace {

const TimePoint kStart = time_point_us(1'700'000'000'000'000);

class MessageTracesTest : public testing::Test {
 protected:
  void tell(Duration at, Event event, Actions actions = {}) {
    traces_->observe({kStart + at, std::move(event)}, actions);
  }
  void send(Duration at, std::uint64_t id, Duration delay = Duration(0)) {
    Message message;
    message.id = MessageId(id);
    message.queue = kOrders;
    message.sent = kStart + at;
    message.visible_at = kStart + at + delay;
    message.bytes = 12;
    tell(at, MessageArrived{message, Origin::Sent});
  }
  static Action run(std::uint64_t run, std::vector<std::uint64_t> messages, std::uint16_t attempt = 1) {
    forewarm::Run action{.run = RunId(run),
                         .instance = InstanceId(run + 100),
                         .function = kShip,
                         .queue = kOrders,
                         .leases = {}};
    for (const std::uint64_t each : messages) action.leases.push_back({MessageId(each), attempt, {}});
    return action;
  }
  void with(MessageTraces::Options options) {
    traces_.emplace(options, MessageTraces::Surroundings{
                                 .names = &names_,
                                 .id_text = [](MessageId id) { return "m" + std::to_string(id.value()); },
                                 .ended = [this](TraceSpan span) { ended_.push_back(std::move(span)); }});
  }
  void SetUp() override { with({.ratio = 1}); }

  const TraceSpan* span(std::string_view name, std::size_t which = 0) const {
    for (const TraceSpan& each : ended_)
      if (each.name == name && which-- == 0) return &each;
    return nullptr;
  }
  static std::string said(const TraceSpan& span, std::string_view key) {
    for (const auto& [name, value] : span.attributes) {
      if (name != key) continue;
      if (const auto* text = std::get_if<std::string>(&value)) return *text;
      return std::to_string(std::get<std::int64_t>(value));
    }
    return "(nothing)";
  }

  FixedNames names_;
  std::vector<TraceSpan> ended_;
  std::optional<MessageTraces> traces_;
};

TEST_F(MessageTracesTest, AMessagesLifeIsASpanWithItsWaitsAndRunsBelow) {
  const TraceContext sender{{7, 8}, 9, true, "vendor=1"};
  traces_->sent(MessageId(1), sender);
  send(0s, 1, 1s);
  tell(3s, TimePassed{}, {run(1, {1})});
  ASSERT_TRUE(traces_->of_run(RunId(1)));
  const TraceContext handed_on = *traces_->of_run(RunId(1));
  tell(4s, RunFinished{RunId(1), ErrorClass::Handler, 0, 1s, {}},
       {SetVisibility{MessageId(1), kStart + 6s, 1, {}}});
  tell(7s, TimePassed{}, {run(2, {1}, 2)});
  tell(8s, RunFinished{RunId(2), ErrorClass::None, 0, 1s, {}},
       {Delete{MessageId(1), DeleteReason::RunSucceeded}});
  ASSERT_EQ(ended_.size(), 5U);
  const TraceSpan& message = *span("message orders");
  EXPECT_EQ(message.trace, sender.trace);
  EXPECT_EQ(message.parent, 9U);
  EXPECT_EQ(message.state, "vendor=1");
  EXPECT_EQ(message.start, kStart);
  EXPECT_EQ(message.end, kStart + 8s);
  EXPECT_EQ(said(message, "messaging.message.id"), "m1");
  EXPECT_EQ(said(message, "forewarm.outcome"), "run_succeeded");
  EXPECT_EQ(said(message, "forewarm.runs"), "2");
  EXPECT_EQ(message.failure, "");
  EXPECT_EQ(span("wait orders", 0)->start, kStart + 1s) << "a delay is not waited";
  EXPECT_EQ(span("wait orders", 0)->end, kStart + 3s);
  EXPECT_EQ(span("wait orders", 1)->start, kStart + 6s);
  const TraceSpan& failed = *span("process orders", 0);
  EXPECT_EQ(failed.parent, message.id);
  EXPECT_EQ(failed.failure, "handler");
  EXPECT_EQ(failed.id, handed_on.span);
  EXPECT_EQ(handed_on.trace, sender.trace);
  EXPECT_EQ(said(failed, "forewarm.function"), "ship");
  EXPECT_EQ(said(*span("process orders", 1), "forewarm.attempt"), "2");
  EXPECT_EQ(span("process orders", 1)->failure, "");
  for (const TraceSpan& each : ended_) EXPECT_EQ(each.trace, sender.trace);
  EXPECT_FALSE(traces_->of_run(RunId(2)));
}

TEST_F(MessageTracesTest, ABatchIsATraceOfItsOwnThatLinksToItsMessages) {
  traces_->sent(MessageId(1), {{7, 8}, 9, true, {}});
  traces_->sent(MessageId(2), {{17, 18}, 19, true, {}});
  for (std::uint64_t id : {1, 2, 3}) send(0s, id);
  tell(1s, TimePassed{}, {run(1, {1, 2, 3})});
  tell(2s, RunFinished{RunId(1), ErrorClass::None, 0, 1s, {MessageId(2)}},
       {Delete{MessageId(1), DeleteReason::RunSucceeded}});
  const TraceSpan& batch = *span("process orders");
  EXPECT_EQ(batch.parent, 0U);
  ASSERT_EQ(batch.links.size(), 3U);
  EXPECT_EQ(batch.links[0].trace, (TraceId{7, 8}));
  EXPECT_EQ(batch.links[0].span, span("message orders")->id);
  EXPECT_EQ(batch.links[1].trace, (TraceId{17, 18}));
  EXPECT_FALSE(batch.trace == batch.links[0].trace);
  EXPECT_EQ(said(batch, "messaging.batch.message_count"), "3");
  EXPECT_EQ(batch.failure, "1 of its messages failed");
}

TEST_F(MessageTracesTest, TheSendersDecisionIsKeptAndOursIsForTheOthers) {
  with({.ratio = 0});
  traces_->sent(MessageId(1), {{7, 8}, 9, true, {}});
  traces_->sent(MessageId(2), {{7, 8}, 9, std::nullopt, {}});
  for (std::uint64_t id : {1, 2, 3}) send(0s, id);
  for (std::uint64_t id : {1, 2, 3}) tell(1s, TimePassed{}, {Delete{MessageId(id), DeleteReason::Client}});
  ASSERT_EQ(ended_.size(), 1U);
  EXPECT_EQ(said(ended_[0], "forewarm.outcome"), "deleted_by_client");
  with({.ratio = 1});
  ended_.clear();
  traces_->sent(MessageId(4), {{7, 8}, 9, false, {}});
  send(2s, 4);
  tell(3s, TimePassed{}, {Delete{MessageId(4), DeleteReason::Client}});
  EXPECT_TRUE(ended_.empty());
  with({.ratio = 0.25});
  for (std::uint64_t id = 100; id < 1100; ++id) {
    send(4s, id);
    tell(4s, TimePassed{}, {Delete{MessageId(id), DeleteReason::Client}});
  }
  EXPECT_GT(ended_.size(), 190U);
  EXPECT_LT(ended_.size(), 310U);
}

TEST_F(MessageTracesTest, DeadLettersExpiryPurgesAndLostInstancesAreSaid) {
  for (std::uint64_t id : {1, 2, 3, 4}) send(0s, id);
  tell(1s, TimePassed{}, {run(1, {1})});
  tell(2s, InstanceLost{InstanceId(101), LossReason::Crashed},
       {Move{MessageId(1), kOrders, kDead, MoveReason::FailureOdds, {}, {}}});
  tell(3s, TimePassed{}, {Delete{MessageId(2), DeleteReason::Expired}});
  tell(4s, TimePassed{}, {Purge{kOrders, MessageId(3)}});
  EXPECT_EQ(span("process orders")->failure, "instance crashed");
  EXPECT_EQ(span("message orders", 0)->failure, "dead_lettered");
  EXPECT_EQ(span("message orders", 1)->failure, "expired");
  EXPECT_EQ(said(*span("message orders", 2), "forewarm.outcome"), "purged");
  EXPECT_EQ(span("message orders", 3), nullptr) << "4 is not purged";
}

TEST_F(MessageTracesTest, AReceiversLeaseEndsAWaitAndItsRunningOutBeginsAnother) {
  send(0s, 1);
  tell(1s, TimePassed{}, {Deliver{ReceiverId(1), {{MessageId(1), 1, kStart + 31s}}}});
  tell(40s, TimePassed{}, {Deliver{ReceiverId(2), {{MessageId(1), 2, kStart + 70s}}}});
  tell(41s, TimePassed{}, {Delete{MessageId(1), DeleteReason::Client}});
  EXPECT_EQ(span("wait orders", 0)->end, kStart + 1s);
  EXPECT_EQ(span("wait orders", 1)->start, kStart + 31s);
  EXPECT_EQ(span("wait orders", 1)->end, kStart + 40s);
  EXPECT_EQ(span("message orders")->moments.size(), 2U);
}

TEST_F(MessageTracesTest, TheBoundIsKeptAndCounted) {
  with({.ratio = 1, .messages_max = 2});
  for (std::uint64_t id : {1, 2, 3}) send(0s, id);
  EXPECT_EQ(traces_->left_out(), 1U);
  tell(1s, TimePassed{}, {Delete{MessageId(1), DeleteReason::Client}});
  send(2s, 4);
  EXPECT_EQ(traces_->left_out(), 1U);
  for (std::uint64_t id = 100; id < 30'000; ++id) traces_->sent(MessageId(id), {{7, 8}, 9, true, {}});
}

}  // namespace
}  // namespace forewarm
