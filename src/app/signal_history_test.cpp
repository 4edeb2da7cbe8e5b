#include "app/signal_history.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace forewarm {
namespace {

constexpr TimePoint kNoon = time_point_us(1'767'614'400'000'000);  // 2026-01-05T12:00:00Z

TimePoint noon_and(double s) {
  return kNoon + from_seconds(s);
}

class SignalHistories : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("forewarm_signal_history_" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    auto opened = HistoryDatabase::open({.path = folder_ / "history.db"});
    ASSERT_TRUE(opened) << opened.error().message;
    database_ = std::move(*opened);
    history_.configure(signals_, kNoon);
  }
  void TearDown() override {
    database_.reset();
    std::filesystem::remove_all(folder_);
  }

  void price(double at, double value) { history_.observe({SignalId(1), noon_and(at), value}); }
  void posts(double at, double value) { history_.observe({SignalId(2), noon_and(at), value}); }
  void write(double now) {
    const auto done = write_signals(*database_, history_.take(noon_and(now)), noon_and(now));
    ASSERT_TRUE(done) << done.error().message;
  }
  /// Of every measured interval its seconds since noon and what `column` has.
  std::vector<std::pair<double, double>> written(const std::string& name,
                                                 double SignalMeasures::*column = &SignalMeasures::mean) {
    std::vector<std::pair<double, double>> rows;
    const auto done = database_->read<SignalMeasures>(name, kNoon - 48h, kNoon + 48h, [&](const auto& row) {
      rows.emplace_back(seconds(row.start - kNoon), row.measures.*column);
    });
    EXPECT_TRUE(done) << done.error().message;
    return rows;
  }
  SignalPast past(const RecordedSignal& signal, double now) {
    auto read = read_signal_past(*database_, signal, kNoon - 24h, noon_and(now), 10s);
    EXPECT_TRUE(read) << read.error().message;
    return read.value_or(SignalPast{});
  }

  using Rows = std::vector<std::pair<double, double>>;
  std::filesystem::path folder_;
  std::unique_ptr<HistoryDatabase> database_;
  std::vector<RecordedSignal> signals_ = {{SignalId(1), "price", false, 1h},
                                          {SignalId(2), "posts", true, Duration(0)}};
  SignalHistory history_{10s};
};

TEST_F(SignalHistories, AnIntervalIsWrittenOnceItsTimeHasPassed) {
  price(1, 4);
  price(3, 6);
  price(9, 5);
  write(9.9);
  EXPECT_EQ(written("price"), Rows{});
  write(10);
  EXPECT_EQ(written("price"), (Rows{{0, 5}}));
  EXPECT_EQ(written("price", &SignalMeasures::count), (Rows{{0, 3}}));
  EXPECT_EQ(written("price", &SignalMeasures::least), (Rows{{0, 4}}));
  EXPECT_EQ(written("price", &SignalMeasures::most), (Rows{{0, 6}}));
  EXPECT_EQ(written("price", &SignalMeasures::last), (Rows{{0, 5}}));
  EXPECT_TRUE(history_.take(noon_and(11)).empty()) << "it is written once";
}

TEST_F(SignalHistories, WhatComesLateJoinsItsInterval) {
  price(1, 4);
  posts(1, 2);
  write(10);
  price(6, 8);
  posts(1.5, 3);
  posts(6, 1);
  write(11);
  EXPECT_EQ(written("price"), (Rows{{0, 6}}));
  EXPECT_EQ(written("posts"), (Rows{{0, 3}}));
  EXPECT_EQ(written("posts", &SignalMeasures::count), (Rows{{0, 2}})) << "a value for each quarter";
  price(1, 10);  // corrected
  write(12);
  EXPECT_EQ(written("price"), (Rows{{0, 9}}));
  EXPECT_EQ(written("price", &SignalMeasures::last), (Rows{{0, 8}})) << "the last by its time";
}

TEST_F(SignalHistories, OfTimesToComeTheLastThatWasSaidIsWrittenOnceTheyArePast) {
  price(60, 4);
  posts(60, 4);
  write(30);
  EXPECT_EQ(written("price"), Rows{});
  EXPECT_EQ(written("posts"), Rows{});
  price(60, 5);
  write(69);
  EXPECT_EQ(written("price"), Rows{});
  write(70);
  EXPECT_EQ(written("price"), (Rows{{60, 5}}));
  EXPECT_EQ(written("posts"), (Rows{{60, 4}}));
}

TEST_F(SignalHistories, ACountIsZeroWhereNothingCameAndALevelIsNotMeasuredThere) {
  price(1, 4);
  posts(1, 2);
  for (double now = 10; now <= 40; now += 10) write(now);
  price(41, 4);
  posts(41, 3);
  write(50);
  EXPECT_EQ(written("price"), (Rows{{0, 4}, {40, 4}}));
  EXPECT_EQ(written("posts"), (Rows{{0, 2}, {10, 0}, {20, 0}, {30, 0}, {40, 3}}));
}

TEST_F(SignalHistories, AFileThatIsReadFromItsBeginningIsKnownFromItsFirstValueOn) {
  for (double at = -3600; at < 0; at += 20) posts(at, 1);
  write(5);
  const Rows rows = written("posts");
  ASSERT_EQ(rows.size(), 360U);
  EXPECT_EQ(rows[0], std::pair(-3600.0, 1.0));
  EXPECT_EQ(rows[1], std::pair(-3590.0, 0.0));
}

TEST_F(SignalHistories, AfterALongPauseTheTimeBetweenIsAGap) {
  posts(1, 2);
  write(10);
  write(300);
  posts(301, 1);
  write(310);
  EXPECT_EQ(written("posts"), (Rows{{0, 2}, {300, 1}}));
}

TEST_F(SignalHistories, MemoryIsBoundedAndWhatHasLeftItIsJoined) {
  const auto most = static_cast<int>(SignalHistory::kIntervalsMax);
  for (int i = 0; i < 2 * most; ++i) {
    price(10.0 * i + 1, 4);
    posts(10.0 * i + 1, 4);
    if (i == most / 2) write(10.0 * i);
  }
  write(20.0 * most);
  EXPECT_EQ(written("price").size(), 2U * SignalHistory::kIntervalsMax);
  EXPECT_EQ(written("posts"), written("price"));
  price(6, 8);
  posts(6, 8);
  write(20.0 * most + 1);
  EXPECT_EQ(written("price").front(), std::pair(0.0, 6.0));
  EXPECT_EQ(written("posts", &SignalMeasures::count).front(), std::pair(0.0, 2.0));
  EXPECT_EQ(written("posts").front(), std::pair(0.0, 6.0)) << "twelve in two values";
}

TEST_F(SignalHistories, APastIsGivenBackAsItWasTold) {
  price(1, 4);
  price(6, 6);
  posts(1, 2);
  posts(6, 5);
  posts(31, 1);
  write(50);
  const SignalPast levels = past(signals_[0], 55);
  EXPECT_EQ(levels.values, (std::vector<LevelChange>{{kNoon, 5}}));
  EXPECT_EQ(levels.until, noon_and(10));
  const SignalPast counts = past(signals_[1], 55);
  EXPECT_EQ(counts.values, (std::vector<LevelChange>{{kNoon, 7}, {noon_and(30), 1}}));
  EXPECT_EQ(counts.until, noon_and(50)) << "what was measured to be zero is past too";
  EXPECT_EQ(past({SignalId(3), "nothing", false, 1h}, 55).until, TimePoint());
}

TEST_F(SignalHistories, ALevelThatHoldsForLessThanAStepIsGivenBackAsOftenAsItTakes) {
  price(1, 4);
  write(10);
  EXPECT_EQ(past({SignalId(1), "price", false, 3s}, 15).values.size(), 4U);
}

TEST_F(SignalHistories, LongerIntervalsAreLaidOutOverTheirSteps) {
  const Measured<SignalMeasures> row{kNoon, 60s, {2, 30, 0, 60, 60}};
  const Span span{count_ms(kNoon), count_ms(noon_and(60))};
  for (const char* name : {"price", "posts"}) {
    ASSERT_TRUE(
        database_->fill<SignalMeasures>(name, 60s, std::span(&row, 1), std::span(&span, 1), noon_and(60)));
  }
  const SignalPast counts = past(signals_[1], 60);
  ASSERT_EQ(counts.values.size(), 6U);
  EXPECT_EQ(counts.values[5], (LevelChange{noon_and(50), 10}));
  EXPECT_EQ(past(signals_[0], 60).values[5], (LevelChange{noon_and(50), 30}));
}

TEST_F(SignalHistories, ACountWithAPastIsMeasuredAgainFromTheFirstWholeInterval) {
  SignalHistory again(10s);
  again.know("posts", noon_and(-100));
  again.configure(signals_, noon_and(3));
  again.observe({SignalId(2), noon_and(-110), 1});  // it is in the past
  again.observe({SignalId(2), noon_and(-50), 1});   // the file had it while the server did not run
  const auto done = write_signals(*database_, again.take(noon_and(40)), noon_and(40));
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(written("posts"), (Rows{{-50, 1}, {10, 0}, {20, 0}, {30, 0}}));
}

TEST_F(SignalHistories, ACountThatBeginsAnewIsNotCountedTwice) {
  posts(1, 2);
  posts(11, 3);
  write(12);
  signals_[1].id = SignalId(7);
  history_.configure(signals_, noon_and(12));
  history_.observe({SignalId(7), noon_and(1), 2});
  history_.observe({SignalId(7), noon_and(11), 3});
  history_.observe({SignalId(2), noon_and(11), 3});  // the one that is gone
  write(20);
  EXPECT_EQ(written("posts"), (Rows{{0, 2}, {10, 3}}));
}

TEST_F(SignalHistories, WhatIsNotRecordedLeavesNothing) {
  history_.observe({SignalId(9), kNoon, 1});
  history_.configure({}, kNoon);
  price(1, 4);
  EXPECT_TRUE(history_.take(noon_and(60)).empty());
}

TEST_F(SignalHistories, AnErrorLeavesNothingOfWhatGathered) {
  price(1, 4);
  std::vector<SignalBatch> batches = history_.take(noon_and(10));
  batches.push_back(batches.front());
  batches.back().covered.front().start += 1;
  EXPECT_FALSE(write_signals(*database_, batches, noon_and(10)));
  EXPECT_EQ(written("price"), Rows{});
}

}  // namespace
}  // namespace forewarm
