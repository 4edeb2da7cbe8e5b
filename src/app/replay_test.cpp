#include "app/replay.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "app/replay_ratio.h"
#include "app/replay_report.h"
#include "edge/files/temporary_folder.h"

namespace forewarm {
namespace {

class Replay : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream file(folder_ / "trace.csv");
    file << "timestamp_s,queue,bytes,duration_ms\n";
    for (int i = 0; i < 600; ++i) file << i << ",steady,10,200\n";
    for (int i = 0; i < 600; i += 60) {
      for (int n = 0; n < 8; ++n) file << i << ".5,<burst>,10,1000\n";
    }
    options_.trace = folder_.string();
    options_.policies = {"forewarm", "static:1", "static:8"};
    options_.bound = false;  // it takes longer than all policies together
  }

  TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
  ReplayOptions options_;
};

TEST_F(Replay, every_policy_meets_the_same_messages) {
  const Result<ReplayReport> report = replay(options_);
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->policies.size(), 3u);
  for (const PolicyResult& policy : report->policies) {
    EXPECT_EQ(policy.result.total.messages, 680u);
    EXPECT_EQ(policy.result.total.started, 680u);
    EXPECT_NEAR(policy.result.total.busy_seconds, 600 * 0.2 + 80, 1);  // the last is at work at the end
  }
  const QueueLedger& few = report->policies[1].result.total;
  const QueueLedger& many = report->policies[2].result.total;
  EXPECT_GT(few.late, many.late);
  EXPECT_LT(few.instance_seconds(), many.instance_seconds());
}

TEST_F(Replay, the_same_seed_gives_the_same_report) {
  Result<ReplayReport> first = replay(options_);
  Result<ReplayReport> second = replay(options_);
  ASSERT_TRUE(first && second);
  for (Result<ReplayReport>* report : {&first, &second}) {
    for (PolicyResult& policy : (*report)->policies) policy.took_seconds = 0;
  }
  EXPECT_EQ(replay_json(*first), replay_json(*second));
  EXPECT_EQ(replay_html(*first), replay_html(*second));
}

TEST_F(Replay, costs_stand_beside_the_first_policys_with_an_interval) {
  std::ofstream file(folder_ / "trace.csv", std::ios::app);
  for (int i = 660; i < 5400; i += 60) file << i << ",steady,10,200\n";
  file.close();
  options_.policies = {"static:8", "static:2", "keep-alive:1s"};
  options_.queues = {"steady"};
  const Result<ReplayReport> report = replay(options_);
  ASSERT_TRUE(report) << report.error().message;
  const std::optional<CostRatio> quarter = cost_ratio(*report, 1);
  ASSERT_TRUE(quarter && quarter->interval);
  EXPECT_EQ(quarter->block, Duration(10min));
  EXPECT_EQ(quarter->blocks, 9u);
  EXPECT_NEAR(quarter->ratio, 0.25, 1e-3);
  EXPECT_NEAR(quarter->interval->low, 0.25, 1e-3);
  EXPECT_NEAR(quarter->interval->high, 0.25, 1e-3);
  const std::optional<CostRatio> varied = cost_ratio(*report, 2);
  ASSERT_TRUE(varied && varied->interval);
  EXPECT_LT(varied->interval->low, varied->ratio);
  EXPECT_GT(varied->interval->high, varied->ratio);
  EXPECT_NE(replay_table(*report).find("0.25 (0.25-0.25)"), std::string::npos);
  EXPECT_NE(replay_html(*report).find("<td>0.25 (0.25-0.25)</td>"), std::string::npos);
  EXPECT_NE(replay_json(*report).find("\"block_seconds\":6E2,\"blocks\":9"), std::string::npos);
}

TEST_F(Replay, ten_minutes_have_no_interval) {
  options_.policies = {"static:8", "static:1"};
  const Result<ReplayReport> report = replay(options_);
  ASSERT_TRUE(report);
  ASSERT_TRUE(cost_ratio(*report, 1));
  EXPECT_FALSE(cost_ratio(*report, 1)->interval);
  EXPECT_NE(replay_json(*report).find("\"interval_95\":null"), std::string::npos);
  EXPECT_EQ(replay_table(*report).find("In brackets"), std::string::npos);
}

TEST_F(Replay, speed_compresses_the_trace_and_not_the_work) {
  options_.speed = 10;
  options_.policies = {"static:8"};
  const Result<ReplayReport> report = replay(options_);
  ASSERT_TRUE(report);
  EXPECT_NEAR(seconds(report->length), 60, 0.2);
  EXPECT_NEAR(report->policies[0].result.total.busy_seconds, 200, 1);  // the last are at work at the end
}

TEST_F(Replay, static_without_a_number_is_sized_by_the_trace) {
  options_.policies = {"static"};
  const Result<ReplayReport> report = replay(options_);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->policies[0].result.queues[0].instances_peak, 1u);
  EXPECT_EQ(report->policies[0].result.queues[1].instances_peak, 1u);
}

TEST_F(Replay, no_policy_needs_less_than_the_bound) {
  options_.policies = {"forewarm", "static:8", "keep-alive:1m", "keda"};
  options_.bound = true;
  options_.start_time = 3s;
  const Result<ReplayReport> report = replay(options_);
  ASSERT_TRUE(report);
  ASSERT_EQ(report->bounds.size(), 2u);
  // A message of 200 ms a second: half a second of slack spreads the work, but one instance there is.
  EXPECT_GE(report->bounds[0], 600 * 0.2 * 0.98);
  EXPECT_LE(report->bounds[0], 600);
  for (const PolicyResult& policy : report->policies) {
    for (std::size_t queue = 0; queue < 2; ++queue) {
      const QueueLedger& book = policy.result.queues[queue];
      if (book.late_share() > report->late_share_max) continue;
      EXPECT_GE(book.instance_seconds(), report->bounds[queue] * 0.999) << policy.policy;
    }
  }
  EXPECT_NE(replay_table(*report).find("(bound)"), std::string::npos);
}

TEST_F(Replay, what_is_for_learning_is_not_in_the_books) {
  options_.policies = {"static:8"};
  options_.scored = 0.25;
  const Result<ReplayReport> report = replay(options_);
  ASSERT_TRUE(report);
  const QueueLedger& total = report->policies[0].result.total;
  EXPECT_NEAR(seconds(report->learning), 450, 1);
  EXPECT_NEAR(static_cast<double>(total.messages), 150 + 2 * 8, 9);
  EXPECT_NEAR(total.instance_seconds(), 2 * 8 * 150, 16);
  EXPECT_EQ(total.starts, 0u);
}

TEST_F(Replay, threads_change_nothing) {
  options_.policies = {"forewarm", "keda", "keep-alive:1m"};
  options_.queues = {"<burst>"};
  options_.bound = true;
  options_.threads = 1;
  const Result<ReplayReport> alone = replay(options_);
  options_.threads = 3;
  const Result<ReplayReport> together = replay(options_);
  ASSERT_TRUE(alone && together);
  for (std::size_t i = 0; i < 3; ++i) {
    const QueueLedger& a = alone->policies[i].result.total;
    const QueueLedger& b = together->policies[i].result.total;
    EXPECT_EQ(a.instance_seconds(), b.instance_seconds());
    EXPECT_EQ(a.late, b.late);
    EXPECT_EQ(alone->policies[i].result.events, together->policies[i].result.events);
  }
  EXPECT_EQ(alone->bounds, together->bounds);
}

TEST_F(Replay, a_policy_that_does_not_exist_is_an_error) {
  options_.policies = {"magic"};
  EXPECT_FALSE(replay(options_));
}

TEST_F(Replay, the_page_escapes_what_it_shows_and_needs_no_other_file) {
  const Result<ReplayReport> report = replay(options_);
  ASSERT_TRUE(report);
  const std::string page = replay_html(*report);
  EXPECT_EQ(page.find("<burst>"), std::string::npos);
  EXPECT_NE(page.find("&lt;burst&gt;"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos);
  EXPECT_EQ(page.find("src="), std::string::npos);
}

TEST_F(Replay, a_price_sheet_gives_every_policy_its_cost) {
  options_.policies = {"static:1", "static:8"};
  PriceSheet sheet;
  sheet.name = "<own>";
  sheet.currency = "EUR";
  sheet.idle_second = 0.01;
  sheet.busy_second = 0.5;
  sheet.start = 3;
  sheet.million_requests = 1e6;
  options_.prices = sheet;
  const Result<ReplayReport> report = replay(options_);
  ASSERT_TRUE(report) << report.error().message;
  for (const PolicyResult& policy : report->policies) {
    const QueueLedger& total = policy.result.total;
    EXPECT_NEAR(policy.cost.total(),
                total.idle_seconds * 0.01 + total.busy_seconds * 0.5 + static_cast<double>(total.starts) * 3 +
                    static_cast<double>(total.requests),
                1e-6);
    EXPECT_GE(total.requests, 680u);
    EXPECT_EQ(policy.cost.committed_instances, 0u);
  }
  EXPECT_NE(replay_table(*report).find("EUR"), std::string::npos);
  EXPECT_EQ(replay_table(*report).find("committed"), std::string::npos);
  EXPECT_NE(replay_json(*report).find("\"cost\":{\"total\":"), std::string::npos);
  const std::string page = replay_html(*report);
  EXPECT_NE(page.find(money_text(report->policies[0].cost.total())), std::string::npos);
  EXPECT_NE(page.find("&lt;own&gt;"), std::string::npos);
}

TEST_F(Replay, a_committed_tier_takes_what_is_always_there) {
  options_.policies = {"static:1", "static:8"};
  PriceSheet sheet;
  sheet.currency = "EUR";
  sheet.starting_second = sheet.idle_second = sheet.busy_second = 1;
  const auto cost_with = [&](std::optional<CommittedPrice> committed) {
    sheet.committed = committed;
    options_.prices = sheet;
    return replay(options_);
  };
  const Result<ReplayReport> plain = cost_with(std::nullopt);
  const Result<ReplayReport> committed = cost_with(CommittedPrice{.second = 0.6});
  ASSERT_TRUE(plain && committed);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(committed->policies[i].cost.total(), plain->policies[i].cost.total() * 0.6, 20);
    EXPECT_EQ(committed->policies[i].cost.committed_instances, i == 0 ? 2u : 16u);
  }
  EXPECT_NE(replay_table(*committed).find("of it 16 committed"), std::string::npos);
}

TEST_F(Replay, freezing_changes_what_idle_time_costs_and_nothing_else) {
  options_.policies = {"static:8", "static:8,freeze=2s"};
  PriceSheet sheet;
  sheet.currency = "EUR";
  sheet.starting_second = sheet.idle_second = sheet.busy_second = 1;
  sheet.frozen_second = 0.25;
  options_.prices = sheet;
  const Result<ReplayReport> report = replay(options_);
  ASSERT_TRUE(report) << report.error().message;
  const QueueLedger& idle = report->policies[0].result.total;
  const QueueLedger& frozen = report->policies[1].result.total;
  EXPECT_EQ(frozen.late, idle.late);
  EXPECT_EQ(frozen.starts, idle.starts);
  EXPECT_EQ(frozen.waits.quantile(0.99), idle.waits.quantile(0.99));
  EXPECT_NEAR(frozen.instance_seconds(), idle.instance_seconds(), 1e-6);
  EXPECT_EQ(idle.frozen_seconds, 0);
  EXPECT_GT(frozen.frozen_seconds, 0.8 * idle.idle_seconds);
  EXPECT_NEAR(report->policies[1].cost.total(),
              report->policies[0].cost.total() - 0.75 * frozen.frozen_seconds, 1e-6);
  EXPECT_NE(replay_json(*report).find("\"frozen_seconds\""), std::string::npos);
}

TEST_F(Replay, without_a_price_sheet_there_is_no_cost) {
  const Result<ReplayReport> report = replay(options_);
  ASSERT_TRUE(report);
  EXPECT_EQ(replay_json(*report).find("\"cost\""), std::string::npos);
  EXPECT_EQ(replay_html(*report).find("price sheet"), std::string::npos);
}

TEST_F(Replay, amounts_of_money_keep_four_digits) {
  EXPECT_EQ(money_text(0), "0");
  EXPECT_EQ(money_text(0.00123456), "0.001235");
  EXPECT_EQ(money_text(1.23456), "1.235");
  EXPECT_EQ(money_text(123.456), "123.5");
  EXPECT_EQ(money_text(1234567.8), "1,234,568");
  EXPECT_EQ(money_text(999.99), "1000.0");
}

TEST_F(Replay, the_page_shows_how_queues_differ_where_there_are_enough) {
  options_.policies = {"static:1"};
  const Result<ReplayReport> two = replay(options_);
  ASSERT_TRUE(two);
  EXPECT_EQ(replay_html(*two).find("From queue to queue"), std::string::npos);
  std::ofstream file(folder_ / "trace.csv", std::ios::app);
  for (int i = 600; i < 700; ++i) file << i << ",third,10,200\n" << i << ",fourth,10,1500\n";
  file.close();
  const Result<ReplayReport> four = replay(options_);
  ASSERT_TRUE(four) << four.error().message;
  EXPECT_NE(replay_html(*four).find("From queue to queue"), std::string::npos);
}

TEST_F(Replay, queues_on_which_another_policy_was_better_are_named) {
  options_.policies = {"static:8", "static:1"};
  options_.start_time = 100ms;
  const Result<ReplayReport> report = replay(options_);
  ASSERT_TRUE(report);
  const std::vector<LostQueue> lost = lost_queues(*report);
  ASSERT_EQ(lost.size(), 1u);  // one instance is enough for the steady one
  EXPECT_EQ(report->queues[lost[0].queue], "steady");
  EXPECT_NE(replay_table(*report).find("steady to static:1"), std::string::npos);
}

}  // namespace
}  // namespace forewarm
