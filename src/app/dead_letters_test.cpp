#include "app/dead_letters.h"

#include <gtest/gtest.h>

#include "app/triage.h"

namespace forewarm {
namespace {

constexpr QueueId kDead(2);
constexpr QueueId kJobs(1);

/// Dead letters as the server has them: the records that were written, and the book over them.
class DeadLettersTest : public ::testing::Test {
 protected:
  static DeadLetters::Names names() {
    return {.queue = [](QueueId id) { return "queue" + std::to_string(id.value()); },
            .receives_max = [](QueueId) { return std::uint16_t{3}; }};
  }
  void act(const Action& action) {
    std::vector<Write> writes;
    letters_.accompany(action, now_, writes);
    keep(writes);
    now_ += 1s;
  }
  void keep(const std::vector<Write>& writes) {
    for (const Write& write : writes) {
      if (const auto* put = std::get_if<PutRecord>(&write)) records_[put->key] = put->value;
      if (const auto* drop = std::get_if<RemoveRecord>(&write)) records_.erase(drop->key);
    }
  }
  void fail(std::uint64_t message, const std::string& text, const std::string& type = "Error") {
    const MessageId id(message);
    const std::uint64_t fingerprint = error_fingerprint(type, text);
    letters_.note_failed({&id, 1}, {.function = "resize",
                                    .version = 3,
                                    .instance = InstanceId(9),
                                    .fingerprint = fingerprint,
                                    .type = type,
                                    .message = text,
                                    .at = now_});
    act(Move{.message = id,
             .from = kJobs,
             .to = kDead,
             .reason = MoveReason::AttemptsUsed,
             .decision = {.choice = RetryChoice::DeadLetter,
                          .error = ErrorClass::Handler,
                          .attempt = 3,
                          .attempts_max = 3,
                          .failure_odds = 0.75F,
                          .evidence = 12,
                          .cause = FailureCause::Message,
                          .fingerprint = fingerprint}});
  }
  /// The book of a server that starts on these records, with these dead letters.
  void restart(const std::vector<std::uint64_t>& dead, QueueId source = kJobs) {
    letters_ = DeadLetters(names());
    std::vector<Message> messages;
    for (const std::uint64_t id : dead) {
      Message message;
      message.id = MessageId(id);
      message.queue = kDead;
      message.dead_letter_source = source;
      messages.push_back(message);
    }
    for (const auto& [key, value] : records_) {
      const auto taken = letters_.recover(key, value);
      ASSERT_TRUE(taken && *taken) << (taken ? "not taken" : taken.error().message);
    }
    letters_.recovered(messages);
  }

  std::map<std::string, std::string> records_;
  DeadLetters letters_{names()};
  TimePoint now_ = time_point_us(1'700'000'000'000'000);
};

TEST_F(DeadLettersTest, OneErrorIsOneGroupWhoeverItMet) {
  fail(10, "no user 17");
  fail(11, "no user 23");
  fail(12, "disk full", "IoError");
  const auto groups = letters_.groups(kDead);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].messages, 2U);
  EXPECT_EQ(groups[0].last - groups[0].first, Duration(1s));
  EXPECT_EQ(groups[0].newest.last.message, "no user 23");
  EXPECT_EQ(groups[0].source_name, "queue1");
  EXPECT_EQ(groups[0].causes[static_cast<std::size_t>(FailureCause::Message)], 2U);
  EXPECT_EQ(groups[1].newest.last.type, "IoError");
  EXPECT_EQ(letters_.known(kDead), 3U);
  EXPECT_EQ(letters_.known(kJobs), 0U);
  EXPECT_EQ(records_.size(), 3U);
}

TEST_F(DeadLettersTest, ARecordGoesWhenItsMessageLeaves) {
  for (std::uint64_t id = 1; id <= 5; ++id) fail(id, "boom");
  act(Delete{MessageId(1), DeleteReason::Client});
  act(Delete{MessageId(2), DeleteReason::Expired});
  act(Move{.message = MessageId(3), .from = kDead, .to = kJobs, .reason = MoveReason::Redrive});
  EXPECT_EQ(records_.size(), 2U);
  EXPECT_EQ(letters_.groups(kDead).at(0).messages, 2U);
  act(Purge{kDead, MessageId(4)});
  EXPECT_EQ(letters_.groups(kDead).at(0).messages, 1U);
  keep(letters_.take_removals(100));
  EXPECT_TRUE(records_.contains("failure/5"));
  EXPECT_EQ(records_.size(), 1U);
}

TEST_F(DeadLettersTest, AMessageMayBecomeADeadLetterAgain) {
  fail(1, "boom");
  act(Purge{kDead, MessageId(1)});
  fail(1, "bang");  // before the purged record was removed
  keep(letters_.take_removals(100));
  ASSERT_EQ(records_.size(), 1U);
  EXPECT_EQ(letters_.groups(kDead).at(0).newest.last.message, "bang");
}

TEST_F(DeadLettersTest, EverythingIsThereAgainAfterARestart) {
  fail(9, "boom 1");
  fail(10, "boom 2");
  fail(11, "other");
  const auto before = letters_.groups(kDead);
  restart({9, 10, 11});
  const auto after = letters_.groups(kDead);
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].messages, before[i].messages);
    EXPECT_EQ(after[i].fingerprint, before[i].fingerprint);
    EXPECT_EQ(after[i].first, before[i].first);
    EXPECT_EQ(after[i].last, before[i].last);
    EXPECT_EQ(after[i].newest.decision, before[i].newest.decision);
    EXPECT_EQ(after[i].newest.last.message, before[i].newest.last.message);
    EXPECT_EQ(after[i].newest.last.version, 3U);
    EXPECT_EQ(after[i].newest.last.instance, InstanceId(9));
    EXPECT_EQ(after[i].causes, before[i].causes);
  }
  EXPECT_TRUE(letters_.take_removals(10).empty());
}

TEST_F(DeadLettersTest, RecordsThatAnOlderProgramLeftBehindAreRemoved) {
  fail(1, "boom");
  fail(2, "boom");
  restart({2});
  EXPECT_EQ(letters_.known(kDead), 1U);
  keep(letters_.take_removals(10));
  EXPECT_FALSE(records_.contains("failure/1"));
  restart({2}, QueueId{});  // it went back and came again without a source
  keep(letters_.take_removals(10));
  EXPECT_TRUE(records_.empty());
}

TEST_F(DeadLettersTest, WhatWasReceivedTooOftenSaysSo) {
  act(Move{.message = MessageId(1), .from = kJobs, .to = kDead, .reason = MoveReason::ReceiveCount});
  const auto group = letters_.groups(kDead).at(0);
  EXPECT_EQ(group.newest.decision.error, ErrorClass::None);
  EXPECT_EQ(group.newest.decision.attempt, 3);
  EXPECT_EQ(group.fingerprint, 0U);
}

TEST_F(DeadLettersTest, LongErrorsAreCutBetweenCharacters) {
  fail(1, std::string(kErrorMessageKept - 1, 'x') + "\xc3\xbc" + std::string(5000, 'y'));
  EXPECT_EQ(letters_.groups(kDead).at(0).newest.last.message, std::string(kErrorMessageKept - 1, 'x'));
  restart({1});
  EXPECT_EQ(letters_.known(kDead), 1U);
}

TEST(FailureRecord, ADamagedRecordIsNamed) {
  const PutRecord good =
      to_record({.message = MessageId(7), .source = QueueId(1), .source_name = "q", .at = {}});
  EXPECT_TRUE(read_failure_record(good.key, good.value));
  for (const std::string& bad : {std::string("{"), std::string("{}"), std::string("[]"),
                                 std::string(R"({"version":2})"), good.value.substr(1)}) {
    const auto read = read_failure_record("failure/7", bad);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::Corrupt);
    EXPECT_NE(read.error().message.find("failure/7"), std::string::npos);
  }
  EXPECT_FALSE(read_failure_record("failure/x", good.value));
  EXPECT_FALSE(read_failure_record("failure/0", good.value));
}

TEST(FailureRecord, AFingerprintReadsBack) {
  EXPECT_EQ(*parse_fingerprint(fingerprint_text(0xfedcba9876543210ULL)), 0xfedcba9876543210ULL);
  EXPECT_EQ(fingerprint_text(1), "0000000000000001");
  for (const char* bad : {"", "1", "fedcba987654321g", "fedcba98765432100", "-edcba9876543210"})
    EXPECT_FALSE(parse_fingerprint(bad)) << bad;
  EXPECT_EQ(error_fingerprint("", ""), 0U);
  EXPECT_EQ(error_fingerprint("A", "user 1"), error_fingerprint("A", "user 2"));
  EXPECT_NE(error_fingerprint("A", "x"), error_fingerprint("B", "x"));
}

RerunOdds works() {
  return {.failure = 0.1, .evidence = 0, .function_attempts = 100, .function_failures = 1, .breaker = {}};
}

TEST(Triage, ACauseIsWhatWasSeenThenAndSince) {
  TriageFacts facts{
      .error = ErrorClass::Handler, .cause = FailureCause::Outage, .version_then = 1, .version_now = 1};
  EXPECT_EQ(judge(facts).cause, TriageCause::Outage);
  facts.succeeded_since = 50;
  facts.odds = works();
  EXPECT_EQ(judge(facts).cause, TriageCause::OutageOver);
  facts.odds->function_failures = 90;
  EXPECT_EQ(judge(facts).cause, TriageCause::Outage);
  facts.odds = works();
  facts.odds->breaker.state = BreakerState::Open;
  EXPECT_EQ(judge(facts).cause, TriageCause::Outage);
  facts.odds = works();
  facts.cause = FailureCause::Message;
  EXPECT_EQ(judge(facts).cause, TriageCause::Poison);
  facts.cause = FailureCause::Deploy;
  EXPECT_EQ(judge(facts).cause, TriageCause::Deploy);
  facts.version_now = 2;
  EXPECT_EQ(judge(facts).cause, TriageCause::DeployOver);
  EXPECT_EQ(judge({.error = ErrorClass::Timeout}).cause, TriageCause::Timeout);
  EXPECT_EQ(judge({.error = ErrorClass::Handler}).cause, TriageCause::Unknown);
  EXPECT_EQ(judge({}).cause, TriageCause::Unhandled);
}

TEST(Triage, NoOddsAreGivenWhereNothingIsKnown) {
  TriageFacts facts{.error = ErrorClass::Handler};
  EXPECT_FALSE(judge(facts).success_odds);
  EXPECT_NE(judge(facts).odds_from, "");
  facts.odds = RerunOdds{
      .failure = 0.2, .evidence = 0.5, .function_attempts = 2, .function_failures = 0, .breaker = {}};
  EXPECT_FALSE(judge(facts).success_odds);
  facts.odds->evidence = 3;
  EXPECT_NEAR(judge(facts).success_odds.value_or(0), 0.8, 1e-9);
}

TEST(Triage, BadOddsFromBeforeTheFunctionWorkedAgainAreNotGiven) {
  TriageFacts facts{.error = ErrorClass::Handler, .succeeded_since = 20, .odds = works()};
  facts.odds->failure = 0.96;
  facts.odds->evidence = 8;
  EXPECT_FALSE(judge(facts).success_odds);
  EXPECT_NE(judge(facts).odds_from.find("canaries"), std::string::npos);
  facts.odds->failure = 0.1;  // attempts after it have succeeded
  EXPECT_TRUE(judge(facts).success_odds);
  facts.odds->failure = 0.96;
  facts.cause = FailureCause::Message;
  EXPECT_TRUE(judge(facts).success_odds);
}

}  // namespace
}  // namespace forewarm
