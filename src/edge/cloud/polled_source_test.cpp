#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

#include "edge/cloud/lease_book.h"
#include "edge/cloud/polled_engine.h"
#include "edge/cloud/polled_receivers.h"
#include "edge/cloud/settlement_batches.h"

namespace forewarm {
namespace {

using Clock = std::chrono::steady_clock;

PolledMessage polled(const std::string& id, const std::string& token) {
  PolledMessage made;
  made.message.id = id;
  made.message.token = token;
  return made;
}

/// Keeps what it is asked; answers when it is told to.
class ScriptedEngine final : public PolledEngine {
 public:
  Limits limits() const override {
    return {.receive_max = 10, .batch_max = 3, .receivers_max = 4, .waits = 20s};
  }
  void look(std::function<void(Result<Facts>)> done) override { done(Facts{}); }
  void receive(std::uint32_t most, Received done) override { receives.emplace_back(most, std::move(done)); }
  void acknowledge(const std::vector<std::string>& tokens, EachTaken done) override {
    acknowledged.push_back(tokens);
    answers.push_back(std::move(done));
  }
  void change_leases(const std::vector<std::pair<std::string, Duration>>& leases, EachTaken done) override {
    changed.push_back(leases);
    answers.push_back(std::move(done));
  }
  void copy_dead_letter(const PolledMessage&, const std::string&, Taken done) override { done({}); }
  void publish(const LentMessage&, Taken done) override { done({}); }

  void bring(std::size_t call, std::size_t count) {
    std::vector<PolledMessage> messages;
    for (std::size_t i = 0; i < count; ++i) messages.push_back(polled("m", std::to_string(++given)));
    receives.at(call).second(std::move(messages));
  }

  std::vector<std::pair<std::uint32_t, Received>> receives;
  std::vector<std::vector<std::string>> acknowledged;
  std::vector<std::vector<std::pair<std::string, Duration>>> changed;
  std::deque<EachTaken> answers;
  int given = 0;
};

TEST(PolledReceivers, AskForNoMoreThanTheWindowHasRoomFor) {
  ScriptedEngine engine;
  PolledReceivers receivers(engine, [](const auto&) {});
  receivers.poll(Clock::now(), 0);
  EXPECT_TRUE(engine.receives.empty());
  receivers.set_window(7);
  receivers.poll(Clock::now(), 0);
  receivers.poll(Clock::now(), 0);
  ASSERT_EQ(engine.receives.size(), 1U);
  EXPECT_EQ(engine.receives[0].first, 7U);
}

TEST(PolledReceivers, AreTwiceAsManyAfterAFullAnswerAndFewerAfterAnEmptyOne) {
  ScriptedEngine engine;
  PolledReceivers receivers(engine, [](const auto&) {});
  receivers.set_window(1000);
  receivers.poll(Clock::now(), 0);
  engine.bring(0, 10);
  EXPECT_EQ(receivers.wanted(), 2U);
  receivers.poll(Clock::now(), 10);
  ASSERT_EQ(engine.receives.size(), 3U);
  engine.bring(1, 10);
  engine.bring(2, 10);
  EXPECT_EQ(receivers.wanted(), 4U) << "the engine's limit";
  receivers.poll(Clock::now(), 30);
  ASSERT_EQ(engine.receives.size(), 7U);
  for (std::size_t i = 3; i < 7; ++i) engine.bring(i, 0);
  EXPECT_EQ(receivers.wanted(), 1U);
}

TEST(PolledReceivers, WaitALittleForMoreRoomSinceACallForOneCostsAsMuchAsForTen) {
  ScriptedEngine engine;
  PolledReceivers receivers(engine, [](const auto&) {});
  receivers.set_window(10);
  const auto now = Clock::now();
  receivers.poll(now, 9);
  EXPECT_TRUE(engine.receives.empty());
  EXPECT_GT(receivers.due(), now);
  receivers.poll(receivers.due(), 8);
  ASSERT_EQ(engine.receives.size(), 1U);
  EXPECT_EQ(engine.receives[0].first, 2U);
}

TEST(PolledReceivers, WaitLongerAfterEachFailure) {
  ScriptedEngine engine;
  std::vector<std::string> said;
  PolledReceivers receivers(engine, [&](const auto& received) {
    if (!received) said.push_back(received.error().message);
  });
  receivers.set_window(10);
  auto now = Clock::now();
  for (std::size_t i = 0; i < 4; ++i) {
    receivers.poll(now, 0);
    ASSERT_EQ(engine.receives.size(), i + 1);
    engine.receives[i].second(error(ErrorCode::Io, "no"));
    receivers.poll(Clock::now(), 0);
    EXPECT_EQ(engine.receives.size(), i + 1) << "not at once";
    now = receivers.due();
  }
  EXPECT_GT(receivers.failing_for(now), std::chrono::milliseconds(300)) << "since the first was begun";
  EXPECT_EQ(said.size(), 4U);
  receivers.poll(now, 0);
  engine.bring(4, 1);
  EXPECT_EQ(receivers.failing_for(now), Clock::duration(0));
}

TEST(PolledReceivers, FailSinceTheAnswerOfACallWasOverdueAndNotSinceItBeganToWait) {
  ScriptedEngine engine;
  PolledReceivers receivers(engine, [](const auto&) {});
  receivers.set_window(10);
  const auto now = Clock::now();
  receivers.poll(now - std::chrono::seconds(15), 0);
  engine.receives[0].second(error(ErrorCode::Io, "reset while it waited"));
  EXPECT_LT(receivers.failing_for(now), std::chrono::seconds(1));
  PolledReceivers others(engine, [](const auto&) {});
  others.set_window(10);
  others.poll(now - std::chrono::seconds(30), 0);
  ASSERT_EQ(engine.receives.size(), 2U);
  engine.receives[1].second(error(ErrorCode::Io, "timed out"));
  EXPECT_GE(others.failing_for(now), std::chrono::seconds(10));
}

TEST(SettlementBatches, ShareARequestWhenTheyAreFullOrHaveWaited) {
  ScriptedEngine engine;
  SettlementBatches batches(engine);
  std::vector<std::string> taken;
  for (const std::string token : {"a", "b", "c", "d"}) {
    batches.acknowledge(token, [&taken, token](const Result<void>& result) {
      taken.push_back(token + (result ? "" : " " + result.error().message));
    });
  }
  batches.flush(Clock::now() - std::chrono::seconds(1));
  EXPECT_EQ(engine.acknowledged, (std::vector<std::vector<std::string>>{{"a", "b", "c"}}));
  batches.flush(batches.due());
  EXPECT_EQ(engine.acknowledged.back(), (std::vector<std::string>{"d"}));
  EXPECT_FALSE(batches.idle());
  engine.answers[0]({Result<void>(), error(ErrorCode::Invalid, "wrong"), Result<void>()});
  engine.answers[1]({});
  for (std::size_t tries = 2; tries <= 3; ++tries) {
    batches.flush(Clock::time_point::max());
    ASSERT_EQ(engine.answers.size(), tries + 1)
        << "what is garbled may have been done, and is asked for again";
    engine.answers.back()({});
  }
  EXPECT_EQ(taken,
            (std::vector<std::string>{"a", "b wrong", "c", "d the engine did not answer for this one"}));
  EXPECT_TRUE(batches.idle());
}

TEST(SettlementBatches, TryEntriesThatStumbleAloneAgainAndThenGiveUp) {
  ScriptedEngine engine;
  SettlementBatches batches(engine);
  int told = 0;
  batches.acknowledge("a", [&](const Result<void>& result) { told += result ? 0 : 1; });
  for (std::size_t tries = 1; tries <= 3; ++tries) {
    EXPECT_EQ(told, 0);
    batches.flush(Clock::time_point::max());
    ASSERT_EQ(engine.answers.size(), tries);
    engine.answers.back()({error(ErrorCode::Io, "busy")});
  }
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(batches.idle());
}

TEST(SettlementBatches, AReleaseTakesTheExtensionsPlaceThatStillWaits) {
  ScriptedEngine engine;
  SettlementBatches batches(engine);
  int extended = 0;
  batches.extend("a", 30s, [&](auto, auto) { ++extended; });
  batches.extend("b", 30s, [&](auto, auto) { ++extended; });
  batches.release("a", 5s, {});
  batches.flush(Clock::time_point::max());
  ASSERT_EQ(engine.changed.size(), 1U);
  EXPECT_EQ(engine.changed[0], (std::vector<std::pair<std::string, Duration>>{{"b", 30s}, {"a", 5s}}));
  engine.answers[0]({Result<void>(), Result<void>()});
  EXPECT_EQ(extended, 1);
}

TEST(LeaseBook, KnowsOneDeliveryOfAMessageAndWhenItEnds) {
  LeaseBook book;
  const auto now = Clock::now();
  EXPECT_EQ(book.add(polled("m", "first"), now, 10s), std::nullopt);
  EXPECT_EQ(book.add(polled("m", "second"), now, 10s), "first");
  EXPECT_EQ(book.find("first"), nullptr);
  EXPECT_TRUE(book.prolong("second", now + 20s));
  EXPECT_FALSE(book.prolong("first", now + 20s));
  EXPECT_TRUE(book.take_ended(now + 10s).empty());
  EXPECT_EQ(book.take_ended(now + 20s), (std::vector<std::string>{"second"}));
  EXPECT_EQ(book.size(), 0U);
  EXPECT_EQ(book.add(polled("m", "third"), now, 10s), std::nullopt);
  EXPECT_TRUE(book.take("third"));
  EXPECT_FALSE(book.take("third"));
}

TEST(HttpCalls, AnswersThatMayPassAreToldFromThoseThatWillNot) {
  const auto with = [](unsigned status) { return Result<HttpResponse>(HttpResponse{.status = status}); };
  for (const unsigned status : {408U, 429U, 500U, 503U})
    EXPECT_TRUE(HttpCalls::may_pass(with(status))) << status;
  for (const unsigned status : {200U, 400U, 403U, 404U})
    EXPECT_FALSE(HttpCalls::may_pass(with(status))) << status;
  EXPECT_TRUE(HttpCalls::may_pass(error(ErrorCode::Io, "no answer")));
  EXPECT_FALSE(HttpCalls::may_pass(error(ErrorCode::Invalid, "no URL")));
}

}  // namespace
}  // namespace forewarm
