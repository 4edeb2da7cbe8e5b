#include "edge/observe/decision_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "edge/observe/clock_text.h"
#include "edge/observe/decision_files.h"
#include "edge/observe/names_fixture.h"

namespace forewarm {
namespace {

namespace fs = std::filesystem;

ScalingPlan plan_of(std::uint32_t instances) {
  ScalingPlan plan;
  plan.queue = kOrders;
  plan.until = time_point_us(1'010'000'000);
  plan.instances = instances;
  plan.warm_floor = 1;
  plan.keep_idle = 90s;
  plan.reason = {.constraint = Constraint::Cost,
                 .model = ModelId::ExponentialSmoothing,
                 .level = 0.975,
                 .lead = 1200ms,
                 .demand = {.messages = 412, .work_seconds = 37.1, .concurrency = 6.4},
                 .keep_price_seconds = 64,
                 .starts_per_cold = 2,
                 .late_share = 0.004,
                 .one_more_saves = 0.02,
                 .one_more_costs_seconds = 9.13,
                 .one_less_late = 0.4,
                 .one_less_saves_seconds = 7.5};
  return plan;
}

RetryDecision failed(RetryChoice choice = RetryChoice::Later) {
  return {choice, 4s, ErrorClass::Timeout, 2, 5, 0.31F, 84};
}

class DecisionLogTest : public testing::Test {
 protected:
  void SetUp() override {
    directory = fs::path(testing::TempDir()) /
                (std::string("decisions-") + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(directory);
  }
  void TearDown() override { fs::remove_all(directory); }

  void tell(DecisionLog& log, Event event, const Actions& actions) {
    log.observe({now, std::move(event)}, actions);
  }
  static std::vector<DecisionRecord> all(const DecisionLog& log) { return log.query({.limit = 100'000}); }
  void fail_a_run(DecisionLog& log, std::uint64_t id) {
    tell(log, TimePassed{}, {forewarm::Run{RunId(id), InstanceId(1), kShip, kOrders, {}}});
    tell(log, RunFinished{RunId(id), ErrorClass::Timeout, 0, 1s, {}},
         {SetVisibility{MessageId(id), now + 4s, 2, failed()}});
  }

  FixedNames names;
  fs::path directory;
  TimePoint now = time_point_us(1'000'000'000);
};

TEST_F(DecisionLogTest, APlanIsRecordedOnlyWhenItSaysSomethingElseOrAfterTenMinutes) {
  DecisionLog log({}, names);
  tell(log, TimePassed{}, {PublishPlan{plan_of(3)}});
  now += 10s;
  tell(log, TimePassed{}, {PublishPlan{plan_of(3)}});
  now += 10s;
  tell(log, TimePassed{}, {PublishPlan{plan_of(7)}});
  now += 10min;
  tell(log, TimePassed{}, {PublishPlan{plan_of(7)}});
  const auto records = all(log);
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(std::get<PlanDecision>(records[1].what).instances_before, 3U);
  EXPECT_EQ(std::get<PlanDecision>(records[1].what).plan.instances, 7U);
  EXPECT_EQ(std::get<PlanDecision>(records[2].what).instances_before, 7U);
}

TEST_F(DecisionLogTest, StartsAndStopsOfOneStepAndReasonAreOneRecord) {
  DecisionLog log({}, names);
  Actions starts;
  for (std::uint64_t i = 1; i <= 5; ++i) {
    StartInstance start;
    start.instance = InstanceId(i);
    start.function = kShip;
    start.queue = kOrders;
    start.reason = i <= 3 ? ScaleReason::Plan : ScaleReason::Reactive;
    starts.push_back(start);
  }
  tell(log, TimePassed{}, starts);
  tell(
      log, TimePassed{},
      {StopInstance{InstanceId(1), ScaleReason::Surplus}, StopInstance{InstanceId(2), ScaleReason::Surplus}});
  const auto records = all(log);
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(std::get<StartDecision>(records[0].what), (StartDecision{"ship", 1, 3, ScaleReason::Plan}));
  EXPECT_EQ(std::get<StartDecision>(records[1].what), (StartDecision{"ship", 1, 2, ScaleReason::Reactive}));
  EXPECT_EQ(std::get<StopDecision>(records[2].what), (StopDecision{"ship", 2, ScaleReason::Surplus}));
}

TEST_F(DecisionLogTest, AStormOfFailuresIsCountedAndNotRecordedOneByOne) {
  DecisionLog log({.retries_per_second = 3}, names);
  for (std::uint64_t id = 1; id <= 50; ++id) fail_a_run(log, id);
  EXPECT_EQ(all(log).size(), 3U);
  now += 1s;
  fail_a_run(log, 51);
  const auto records = all(log);
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[0].queue, "orders");
  EXPECT_EQ(std::get<RetryRecord>(records[3].what).more, 47U);
}

TEST_F(DecisionLogTest, AMoveHasItsTargetAndWhatLedToIt) {
  DecisionLog log({}, names);
  tell(log, TimePassed{},
       {Move{MessageId(9), kOrders, kDead, MoveReason::FailureOdds, failed(RetryChoice::DeadLetter)}});
  const auto records = log.query({.queue = "orders", .kind = DecisionKind::Move});
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(std::get<MoveRecord>(records[0].what).to, "orders-dead");
  EXPECT_EQ(std::get<MoveRecord>(records[0].what).decision, failed(RetryChoice::DeadLetter));
}

TEST_F(DecisionLogTest, MemoryKeepsTheNewestOfEachQueue) {
  DecisionLog log({.records_per_queue_max = 20}, names);
  for (std::uint32_t i = 0; i < 100; ++i) tell(log, TimePassed{}, {PublishPlan{plan_of(i)}});
  const auto records = all(log);
  ASSERT_EQ(records.size(), 20U);
  EXPECT_EQ(std::get<PlanDecision>(records.back().what).plan.instances, 99U);
}

TEST_F(DecisionLogTest, QueriesSelectByTimeAndKindAndKeepTheNewest) {
  DecisionLog log({}, names);
  for (std::uint32_t i = 0; i < 10; ++i) {
    tell(log, TimePassed{}, {PublishPlan{plan_of(i)}});
    now += 1s;
  }
  const TimePoint start = time_point_us(1'000'000'000);
  EXPECT_EQ(log.query({.from = start + 2s, .to = start + 5s}).size(), 3U);
  EXPECT_EQ(log.query({.kind = DecisionKind::Start}).size(), 0U);
  EXPECT_EQ(log.query({.queue = "mails"}).size(), 0U);
  const auto newest = log.query({.limit = 2});
  ASSERT_EQ(newest.size(), 2U);
  EXPECT_EQ(newest[1].at, start + 9s);
}

TEST_F(DecisionLogTest, FilesGiveBackWhatMemoryHad) {
  std::vector<DecisionRecord> remembered;
  {
    DecisionLog log({.directory = directory.string()}, names);
    tell(log, TimePassed{}, {PublishPlan{plan_of(3)}});
    fail_a_run(log, 7);
    tell(log, TimePassed{}, {Move{MessageId(9), kOrders, kDead, MoveReason::AttemptsUsed, failed()}});
    EXPECT_EQ(log.flush(), std::nullopt);
    remembered = all(log);
  }
  const auto read = read_decisions(directory.string(), {.queue = "orders"});
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, remembered);
}

TEST_F(DecisionLogTest, ARestartContinuesInANewFileAndDamagedLinesAreSkippedAndCounted) {
  for (std::uint32_t i = 1; i <= 2; ++i) {
    DecisionLog log({.directory = directory.string()}, names);
    tell(log, TimePassed{}, {PublishPlan{plan_of(i)}});
  }
  std::ofstream(directory / "decisions-00000002.jsonl", std::ios::app) << "{\"kind\":\"pl\n\xff\n[]\n";
  std::ofstream(directory / "notes.txt") << "not ours\n";
  std::uint64_t unread = 0;
  const auto read = read_decisions(directory.string(), {}, &unread);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->size(), 2U);
  EXPECT_EQ(unread, 3U);
}

TEST_F(DecisionLogTest, FilesStayWithinTheirTotal) {
  DecisionLog log({.directory = directory.string(), .file_bytes = 20'000, .total_bytes = 100'000}, names);
  for (std::uint32_t i = 0; i < 2000; ++i) {
    tell(log, TimePassed{}, {PublishPlan{plan_of(i)}});
    if (i % 10 == 0) log.flush();
  }
  log.flush();
  std::uintmax_t total = 0, files = 0;
  for (const auto& entry : fs::directory_iterator(directory)) {
    total += entry.file_size();
    ++files;
  }
  EXPECT_LE(total, 110'000U);
  EXPECT_GT(files, 3U);
  const auto newest = read_decisions(directory.string(), {.limit = 1});
  ASSERT_TRUE(newest);
  EXPECT_EQ(std::get<PlanDecision>(newest->back().what).plan.instances, 1999U);
}

TEST_F(DecisionLogTest, AnErrorOfTheDiskIsToldOnceAndHarmsNothing) {
  std::ofstream(directory.string()) << "a file where the directory should be";
  DecisionLog log({.directory = directory.string()}, names);
  tell(log, TimePassed{}, {PublishPlan{plan_of(1)}});
  const auto problem = log.flush();
  ASSERT_TRUE(problem);
  EXPECT_NE(problem->find(directory.string()), std::string::npos);
  tell(log, TimePassed{}, {PublishPlan{plan_of(2)}});
  EXPECT_EQ(log.flush(), std::nullopt);
  EXPECT_EQ(log.lines_lost(), 2U);
  EXPECT_EQ(all(log).size(), 2U);
}

TEST_F(DecisionLogTest, AFullDiskLosesLinesLeavesNoHalfOneAndBothIsTold) {
  // A limit on the size of files stands in for a full disk: part of the buffer is written, then the kernel
  // says no.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{700, before.rlim_max};
  DecisionFiles files({.directory = directory.string()});
  const std::string line = to_json({now, "orders", PlanDecision{plan_of(1), 0}});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  for (int i = 0; i < 3; ++i) files.append(line);
  files.flush();
  EXPECT_EQ(files.lines_lost(), 2U);
  EXPECT_NE(files.take_notice().find("cannot write the decision log"), std::string::npos);
  files.append(line);
  files.flush();
  EXPECT_EQ(files.lines_lost(), 3U);
  EXPECT_EQ(files.take_notice(), "") << "once";
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, previous);
  files.append(line);
  files.flush();
  EXPECT_EQ(files.take_notice(), "the decision log is written again; 3 lines of it are missing");
  std::uint64_t unread = 0;
  const auto read = read_decisions(directory.string(), {}, &unread);
  ASSERT_TRUE(read);
  EXPECT_EQ(unread, 0U);
  EXPECT_EQ(read->size(), 2U);  // one before the disk was full, one after
  const std::filesystem::directory_iterator entries(directory);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1) << "no new file for each attempt";
}

TEST_F(DecisionLogTest, AMissingLogIsExplained) {
  const auto read = read_decisions(directory.string(), {});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::NotFound);
}

TEST(DecisionRecord, JsonReadsBackToTheSame) {
  ScalingPlan plan = plan_of(7);
  plan.queue = QueueId();
  plan.at = time_point_us(1'772'373'730'250'123);
  const TimePoint at = plan.at;
  for (const DecisionRecord& record :
       {DecisionRecord{at, "orders", PlanDecision{plan, 3}},
        DecisionRecord{at, "a\"b", StartDecision{"ship", 2, 4, ScaleReason::Minimum}},
        DecisionRecord{at, "", StopDecision{"ship", 4, ScaleReason::Outdated}},
        DecisionRecord{at, "q", StartDecision{"ship", 1, 1, ScaleReason::Variant, 3}},
        DecisionRecord{at, "q",
                       DirectiveRecord{.target = "kubernetes",
                       .outcome = DirectiveOutcome::Refused,
                       .instances = 7,
                       .before = {},
                       .request = "PATCH https://api/scale",
                       .answer = "status 403: no"}},
        DecisionRecord{at, "q",
                       DirectiveRecord{.target = "application-auto-scaling",
                       .outcome = DirectiveOutcome::Sent,
                       .instances = 7,
                       .before = {},
                       .request = "POST https://api/ PutScheduledAction",
                       .scheduled_for = at + 5min}},
        DecisionRecord{at, "q",
                       RouteRecord{MessageId(5), InstanceId(9),
                                   RoutingDecision{.reason = RouteReason::Cost,
                                   .variant = 1,
                                   .free = 4,
                                   .passed = 2,
                                   .evidence = 17,
                                   .service = 500ms,
                                   .next_best = 4s,
                                   .slowness = 1.5F},
                                   2}},
        DecisionRecord{at, "q", RetryRecord{MessageId(5), failed(RetryChoice::Park), 3}},
        DecisionRecord{at, "q", MoveRecord{MessageId(5), "d", MoveReason::Redrive, {}, 0}}}) {
    const auto read = read_decision(to_json(record));
    ASSERT_TRUE(read) << to_json(record);
    EXPECT_EQ(*read, record) << to_json(record);
  }
}

TEST_F(DecisionLogTest, ARouteIsRecordedOnceASecondAndOnlyWhereItIsNoMatterOfCourse) {
  DecisionLog log({}, names);
  const auto run = [](RouteReason reason) {
    forewarm::Run action{RunId(1), InstanceId(3), kShip, kOrders, {}};
    action.leases.push_back({.message = MessageId(8), .receive_count = 1, .visible_at = {}});
    action.routing = {
        .reason = reason, .variant = 1, .free = 2, .evidence = 40, .service = 500ms, .next_best = 4s};
    return action;
  };
  tell(log, TimePassed{}, {run(RouteReason::Warmest), run(RouteReason::Only)});
  EXPECT_EQ(all(log).size(), 0U);
  tell(log, TimePassed{}, {run(RouteReason::Cost), run(RouteReason::Cost)});
  ASSERT_EQ(all(log).size(), 1U);
  EXPECT_EQ(
      explain(all(log)[0]),
      "Message 8 goes to instance 3 of variant 1: the least memory-time of 2 free ones. It is predicted to "
      "take 500 ms there, 4 s on the next best, from 40 runs of such messages.");
  now += 1s;
  tell(log, TimePassed{}, {run(RouteReason::Finish)});
  ASSERT_EQ(all(log).size(), 2U);
  EXPECT_EQ(std::get<RouteRecord>(all(log)[1].what).more, 1U);
}

TEST(DecisionRecord, ForeignLinesAreErrorsAndUnknownMembersAreNot) {
  for (const char* line : {"", "null", "{", R"({"kind":"dance"})", R"({"kind":5})", "[1]"})
    EXPECT_FALSE(read_decision(line)) << line;
  EXPECT_TRUE(read_decision(R"({"kind":"plan","reason":7,"instances":-1,"new":[1]})"));
}

TEST(Explain, APlanSaysWhatFromWhichQuantileWhatBoundItAndWhatOneMoreCosts) {
  EXPECT_EQ(
      explain({{}, "orders", PlanDecision{plan_of(7), 3}}),
      "Raises the plan from 3 to 7 instances, 1 of them kept warm whatever comes. "
      "Cost bound it: more would have cost more than the lateness it saves, fewer would have missed the "
      "objective. An instance is kept as long as its next need is worth 64 s of idle time: so far that "
      "would have made 0.4 % late. "
      "A message that finds none gets 2 starts, because one may be too slow. "
      "Read from the exponential smoothing forecast at its 97.5 % level, over the measured start time "
      "of 1.2 s "
      "and the step after it: 412 messages, 37.1 s of work, 6.4 at a time. "
      "Instance number 8 would save 0.02 late messages in this step and stand idle for 9.13 s; "
      "without number 7 0.4 more would be late and 7.5 s of idle time saved. "
      "An instance above the plan is kept 1 min 30 s idle.");
}

TEST(Explain, APlanWithoutAForecastClaimsNone) {
  ScalingPlan plan;
  plan.instances = 1;
  EXPECT_EQ(
      explain({{}, "orders", PlanDecision{plan, 1}}),
      "Keeps the plan at 1 instance. There is no usable forecast yet, so what was needed of late decides.");
}

TEST(Explain, StartsStopsRetriesAndMovesAreSentences) {
  EXPECT_EQ(explain({{}, "q", StartDecision{"ship", 1, 2, ScaleReason::Reactive}}),
            "Starts 2 instances of ship at once: waiting messages would be late without it.");
  EXPECT_EQ(explain({{}, "q", StopDecision{"ship", 1, ScaleReason::Surplus}}),
            "Stops 1 instance of ship: above the plan and idle for long enough.");
  EXPECT_EQ(explain({{}, "q", RetryRecord{MessageId(5), failed(), 2}}),
            "Message 5 is tried again in 4 s. Attempt 2 of 5 failed: the run took longer than allowed. "
            "The odds of failing again are 31 %, from 84 outcomes on the same key. "
            "2 before it were too many to be recorded one by one.");
  EXPECT_EQ(explain({{}, "q", MoveRecord{MessageId(5), "dead", MoveReason::ReceiveCount, {}, 0}}),
            "Message 5 moves to dead: it was received as often as its redrive policy allows.");
}

TEST(Explain, TextForATerminalHasALineForEachAndSaysWhenThereIsNone) {
  EXPECT_EQ(decisions_text({{time_point_us(0), "q", StopDecision{"ship", 1, ScaleReason::Failing}}}, "q"),
            "1970-01-01T00:00:00.000Z  Stops 1 instance of ship: too many failures in a row.\n");
  EXPECT_TRUE(decisions_text({}, "orders").starts_with("No decisions are recorded for orders."));
}

TEST(ClockText, DurationsHaveTheTwoUnitsThatMatter) {
  EXPECT_EQ(duration_text(0us), "0 s");
  EXPECT_EQ(duration_text(850us), "850 \xc2\xb5s");
  EXPECT_EQ(duration_text(1500us), "1.5 ms");
  EXPECT_EQ(duration_text(999'700us), "1 s");
  EXPECT_EQ(duration_text(59'970ms), "1 min");
  EXPECT_EQ(duration_text(3661s), "1 h 1 min");
  EXPECT_EQ(duration_text(49h), "2 d 1 h");
}

}  // namespace
}  // namespace forewarm
