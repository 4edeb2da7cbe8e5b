#include "edge/history/history_database.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "edge/sql/postgres_for_tests.h"
#include "edge/sql/sqlite_session.h"

namespace forewarm {
namespace {

constexpr TimePoint kMonday = time_point_us(1'767'571'200'000'000);  // 2026-01-05T00:00:00Z

class History : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("forewarm_history_" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    if (in_postgres()) {
      if (PostgresForTests::shared() == nullptr) GTEST_SKIP() << "PostgreSQL is not installed";
      PostgresForTests::shared()->ask("DROP SCHEMA IF EXISTS forewarm CASCADE");
    }
    open();
  }
  void TearDown() override {
    database_.reset();
    std::filesystem::remove_all(folder_);
  }
  std::string path() const { return folder_ / "history.db"; }
  static bool in_postgres() { return GetParam(); }
  HistoryDatabase::Options options() const {
    HistoryDatabase::Options options{.path = path()};
    if (in_postgres()) options.shared = {.url = PostgresForTests::shared()->url(), .called = "test"};
    return options;
  }
  void open() {
    database_.reset();
    auto opened = HistoryDatabase::open(options());
    ASSERT_TRUE(opened) << opened.error().message;
    database_ = std::move(*opened);
  }

  static QueueMeasures arrivals(double count) {
    QueueMeasures measures;
    measures.arrivals = count;
    measures.bytes = 100 * count;
    measures.by_priority[4] = count;
    return measures;
  }
  void record(TimePoint start, const std::string& queue, double count) {
    const auto done = database_->record({.start = start, .step = 10s, .queues = {{queue, arrivals(count)}}});
    ASSERT_TRUE(done) << done.error().message;
  }
  Filled fill(const std::string& queue, Duration step, const std::vector<Measured<QueueMeasures>>& rows,
              Span covered, bool replace = false) {
    const auto filled =
        database_->fill<QueueMeasures>(queue, step, rows, std::span(&covered, 1), kMonday + 48h, replace);
    EXPECT_TRUE(filled) << filled.error().message;
    return filled.value_or(Filled{});
  }
  std::vector<Measured<QueueMeasures>> read(const std::string& queue) {
    std::vector<Measured<QueueMeasures>> all;
    const auto done = database_->read<QueueMeasures>(queue, kMonday - 24h * 3000, kMonday + 24h * 3000,
                                                     [&](const auto& one) { all.push_back(one); });
    EXPECT_TRUE(done) << done.error().message;
    return all;
  }
  static std::vector<double> counts(const std::vector<Measured<QueueMeasures>>& rows) {
    std::vector<double> counts;
    for (const auto& row : rows) counts.push_back(row.measures.arrivals);
    return counts;
  }
  void thin_out(TimePoint now) {
    for (int calls = 0; calls < 100'000; ++calls) {
      const auto more = database_->thin_out(now);
      ASSERT_TRUE(more) << more.error().message;
      if (!*more) return;
    }
    FAIL() << "thinning out does not end";
  }

  std::filesystem::path folder_;
  std::unique_ptr<HistoryDatabase> database_;
};

std::vector<Measured<QueueMeasures>> hourly(std::initializer_list<double> values) {
  std::vector<Measured<QueueMeasures>> rows;
  TimePoint at = kMonday;
  for (const double value : values) {
    QueueMeasures measures;
    measures.arrivals = value;
    rows.push_back({at, 1h, measures});
    at += 1h;
  }
  return rows;
}

Span span(TimePoint start, TimePoint until) {
  return {count_ms(start), count_ms(until)};
}

TEST_P(History, KeepsWhatWasRecordedAcrossOpenings) {
  QueueMeasures measures = arrivals(3);
  measures.runs = 2;
  measures.service_seconds = 0.7;
  measures.service_times.observe(200ms);
  measures.service_times.observe(500ms);
  ASSERT_TRUE(database_->record({.start = kMonday,
                                 .step = 10s,
                                 .queues = {{"orders", measures}},
                                 .functions = {{"bill", {1.5, 2e6, 3e6, 2}}},
                                 .signals = {{"price", {2, 5, 4, 6, 6}}}}));
  open();
  const auto rows = read("orders");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].start, kMonday);
  EXPECT_EQ(rows[0].step, 10s);
  EXPECT_EQ(rows[0].measures.arrivals, 3);
  EXPECT_EQ(rows[0].measures.by_priority[4], 3);
  EXPECT_EQ(rows[0].measures.service_seconds, 0.7);
  EXPECT_EQ(rows[0].measures.service_times, measures.service_times);
  FunctionMeasures function;
  ASSERT_TRUE(database_->read<FunctionMeasures>("bill", kMonday, kMonday + 1h,
                                                [&](const auto& one) { function = one.measures; }));
  EXPECT_EQ(function.memory_bytes_max, 3e6);
  SignalMeasures signal;
  ASSERT_TRUE(database_->read<SignalMeasures>("price", kMonday, kMonday + 1h,
                                              [&](const auto& one) { signal = one.measures; }));
  EXPECT_EQ(signal.last, 6);
}

TEST_P(History, TellsZerosFromGaps) {
  record(kMonday, "orders", 2);
  record(kMonday + 10s, "orders", 0);
  record(kMonday + 40s, "orders", 5);
  const auto rows = read("orders");
  EXPECT_EQ(counts(rows), (std::vector<double>{2, 0, 5}));
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[2].start, kMonday + 40s);
  const auto recent = database_->recent_queues(kMonday - 1h, kMonday + 50s, 10s);
  ASSERT_TRUE(recent);
  ASSERT_EQ(recent->size(), 1U);
  const RecentQueue& series = recent->front();
  EXPECT_EQ(series.start, kMonday);
  ASSERT_EQ(series.arrivals.size(), 5U);
  EXPECT_EQ(series.arrivals[1], 0);
  EXPECT_TRUE(std::isnan(series.arrivals[2]));
  EXPECT_TRUE(std::isnan(series.arrivals[3]));
  EXPECT_EQ(series.arrivals[4], 5);
  EXPECT_EQ(series.bytes[4], 500);
}

TEST_P(History, FillingTwiceChangesNothing) {
  const auto rows = hourly({7, 0, 9});
  const Span covered = span(kMonday, kMonday + 3h);
  EXPECT_EQ(fill("orders", 1h, rows, covered).added, 3U);
  const Filled again = fill("orders", 1h, rows, covered);
  EXPECT_EQ(again.added, 0U);
  EXPECT_EQ(again.present, 3U);
  EXPECT_EQ(counts(read("orders")), (std::vector<double>{7, 0, 9}));
}

TEST_P(History, FillsOnlyWhatWasNotMeasuredAndReplacesWhenTold) {
  record(kMonday + 1h, "orders", 4);
  const auto rows = hourly({7, 8, 9});
  const Span covered = span(kMonday, kMonday + 3h);
  const Filled filled = fill("orders", 1h, rows, covered);
  EXPECT_EQ(filled.added, 2U);
  EXPECT_EQ(filled.present, 1U);
  EXPECT_EQ(counts(read("orders")), (std::vector<double>{7, 4, 9}));
  EXPECT_EQ(fill("orders", 1h, rows, covered, true).added, 3U);
  EXPECT_EQ(counts(read("orders")), (std::vector<double>{7, 8, 9}));
}

TEST_P(History, WhatIsFilledTogetherIsThereWholeOrNotAtAll) {
  const auto rows = hourly({7, 8});
  const auto fill_two = [&](bool fail) {
    return database_->together([&]() -> Result<void> {
      fill("orders", 1h, rows, span(kMonday, kMonday + 2h));
      fill("mails", 1h, rows, span(kMonday, kMonday + 2h));
      return fail ? Result<void>(error(ErrorCode::Corrupt, "no more")) : Result<void>();
    });
  };
  const auto failed = fill_two(true);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::Corrupt);
  EXPECT_TRUE(database_->list()->empty());
  ASSERT_TRUE(fill_two(false));
  EXPECT_EQ(counts(read("orders")), (std::vector<double>{7, 8}));
  EXPECT_EQ(counts(read("mails")), (std::vector<double>{7, 8}));
}

TEST_P(History, LeavesOutWhatIsTooOldOrNotOver) {
  auto rows = hourly({1, 2});
  rows[0].start = kMonday - 24h * 2000;
  rows[1].start = kMonday + 48h;
  const std::vector<Span> covered = {span(rows[0].start, rows[0].start + 1h),
                                     span(rows[1].start, rows[1].start + 1h)};
  const auto filled = database_->fill<QueueMeasures>("orders", 1h, rows, covered, kMonday + 48h);
  ASSERT_TRUE(filled);
  EXPECT_EQ(filled->too_old, 1U);
  EXPECT_EQ(filled->future, 1U);
  EXPECT_TRUE(read("orders").empty());
  EXPECT_TRUE(database_->list()->empty());
}

TEST_P(History, RefusesAStepThatCannotBeJoined) {
  const Span covered = span(kMonday, kMonday + 7s);
  const auto filled = database_->fill<QueueMeasures>("orders", 7s, {}, std::span(&covered, 1), kMonday + 1h);
  ASSERT_FALSE(filled);
  EXPECT_NE(filled.error().message.find("--step"), std::string::npos);
}

TEST_P(History, JoinsOldIntervalsToCoarserOnes) {
  for (int i = 0; i < 60; ++i) record(kMonday + i * 10s, "orders", i < 30 ? 1 : 2);
  thin_out(kMonday + 24h * 8);
  auto rows = read("orders");
  EXPECT_EQ(counts(rows), (std::vector<double>{30, 60}));
  EXPECT_EQ(rows[0].step, 5min);
  thin_out(kMonday + 24h * 100);
  // Ten minutes are too little to stand for an hour.
  EXPECT_TRUE(read("orders").empty());
}

TEST_P(History, ScalesWhatWasPartlyMeasured) {
  for (int i = 0; i < 20; ++i) record(kMonday + i * 10s, "orders", 3);  // 200 of 300 seconds
  thin_out(kMonday + 24h * 8);
  const auto rows = read("orders");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_NEAR(rows[0].measures.arrivals, 90, 1e-9);
}

TEST_P(History, ThinningOutTwiceAndFillingAgainChangeNothing) {
  std::vector<Measured<QueueMeasures>> rows;
  for (int i = 0; i < 90; ++i) rows.push_back({kMonday + i * 10s, 10s, arrivals(i % 3)});
  const Span covered = span(kMonday, kMonday + 900s);
  fill("orders", 10s, rows, covered);
  thin_out(kMonday + 24h * 8);
  const auto before = counts(read("orders"));
  EXPECT_EQ(before, (std::vector<double>{30, 30, 30}));
  EXPECT_EQ(fill("orders", 10s, rows, covered).present, 90U);
  thin_out(kMonday + 24h * 8);
  EXPECT_EQ(counts(read("orders")), before);
}

TEST_P(History, RemovesWhatIsTooOld) {
  fill("orders", 1h, hourly({1, 2, 3}), span(kMonday, kMonday + 3h));
  thin_out(kMonday + 24h * 1095 + 2h);
  EXPECT_EQ(counts(read("orders")), (std::vector<double>{3}));
}

TEST_P(History, SpreadsLongIntervalsOverAFinerGrid) {
  fill("orders", 1h, hourly({720, 0}), span(kMonday, kMonday + 2h));
  const auto first = database_->recent_queues(kMonday, kMonday + 2h, 10s);
  const auto second = database_->recent_queue("orders", kMonday, kMonday + 2h, 10s);
  ASSERT_TRUE(first && second && *second);
  ASSERT_EQ(first->size(), 1U);
  const auto& arrivals = first->front().arrivals;
  ASSERT_EQ(arrivals.size(), 720U);
  EXPECT_EQ(arrivals, (*second)->arrivals);
  double sum = 0, squares = 0;
  for (int i = 0; i < 360; ++i) {
    sum += arrivals[static_cast<std::size_t>(i)];
    squares += std::pow(arrivals[static_cast<std::size_t>(i)] - 2, 2);
  }
  EXPECT_EQ(sum, 720);
  EXPECT_NEAR(squares / 360, 2, 0.6);  // Poisson: the variance is the mean
  for (std::size_t i = 360; i < 720; ++i) EXPECT_EQ(arrivals[i], 0);
  EXPECT_FALSE(database_->recent_queue("other", kMonday, kMonday + 2h, 10s)->has_value());
}

TEST_P(History, KeepsWhatWasLearntOfASeriesUntilItIsOlderThanAllHistory) {
  using Memories = std::vector<SavedMemory>;
  const Memories two{{"b", 1, "first"}, {"a", 1, "other"}}, second{{"b", 2, "second"}};
  const Memories of_functions{{"b", 1, "of a function"}};
  ASSERT_TRUE(database_->keep_learnt(SeriesKind::Queue, two, kMonday));
  ASSERT_TRUE(database_->keep_learnt(SeriesKind::Queue, second, kMonday + 24h * 1090));
  ASSERT_TRUE(database_->keep_learnt(SeriesKind::Function, of_functions, kMonday));
  open();
  EXPECT_EQ(database_->learnt(SeriesKind::Queue).value(), (Memories{{"a", 1, "other"}, {"b", 2, "second"}}));
  EXPECT_EQ(database_->learnt(SeriesKind::Function).value(), of_functions);
  fill("a", 1h, hourly({1, 2, 3}), span(kMonday, kMonday + 3h));
  thin_out(kMonday + 24h * 1095 + 2h);
  EXPECT_EQ(database_->learnt(SeriesKind::Queue).value(), second);
  EXPECT_EQ(database_->learnt(SeriesKind::Function).value(), Memories{});
}

TEST_P(History, KeepsAMemoryForEachName) {
  EXPECT_FALSE(database_->memory("failures").value());
  ASSERT_TRUE(database_->keep_memory("failures", {.version = 1, .memory = "first"}, kMonday));
  ASSERT_TRUE(database_->keep_memory("alerts", {.version = 1, .memory = "another"}, kMonday));
  ASSERT_TRUE(database_->keep_memory("failures", {.version = 2, .memory = "second"}, kMonday + 1h));
  open();
  EXPECT_EQ(database_->memory("failures").value(), (SavedMemory{.version = 2, .memory = "second"}));
  EXPECT_EQ(database_->memory("alerts").value(), (SavedMemory{.version = 1, .memory = "another"}));
}

TEST_P(History, ListsWhatThereIs) {
  fill("orders", 1h, hourly({1, 2}), span(kMonday, kMonday + 2h));
  record(kMonday + 3h, "orders", 1);
  const auto list = database_->list();
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 1U);
  EXPECT_EQ(list->front().name, "orders");
  EXPECT_EQ(list->front().first, kMonday);
  EXPECT_EQ(list->front().until, kMonday + 3h + 10s);
  EXPECT_EQ(list->front().measured, 2h + 10s);
  EXPECT_EQ(list->front().steps, (std::vector<Duration>{10s, 1h}));
}

TEST_P(History, TwoProgramsShareTheFile) {
  auto other = HistoryDatabase::open(options());
  ASSERT_TRUE(other);
  record(kMonday, "orders", 1);
  ASSERT_TRUE((*other)->record({.start = kMonday + 10s, .step = 10s, .queues = {{"orders", arrivals(2)}}}));
  record(kMonday + 20s, "orders", 3);
  EXPECT_EQ(counts(read("orders")), (std::vector<double>{1, 2, 3}));
}

TEST_P(History, CoverageIsJoinedAndCutOnAllSides) {
  const auto minutes = [](int from, int until) { return span(kMonday + from * 60s, kMonday + until * 60s); };
  const auto measured = [this] { return database_->list().value().front(); };
  // Before, after, between, over, inside; then what lies at the ends.
  for (const auto& [from, until] :
       {std::pair(10, 12), {20, 22}, {12, 14}, {18, 20}, {14, 18}, {5, 7}, {4, 30}, {9, 11}})
    fill("orders", 60s, {}, minutes(from, until));
  EXPECT_EQ(measured().measured, 26min);
  EXPECT_EQ(measured().first, kMonday + 4min);
  EXPECT_EQ(measured().until, kMonday + 30min);
  // An hour takes the place of what is finer, in the middle, at an end and of all.
  fill("mails", 60s, {}, span(kMonday, kMonday + 4h));
  fill("mails", 1h, {}, span(kMonday + 1h, kMonday + 2h), true);
  fill("mails", 1h, {}, span(kMonday + 3h, kMonday + 4h), true);
  std::vector<std::pair<Duration, Duration>> found;
  const auto take = [&](const Measured<QueueMeasures>& one) {
    if (found.empty() || found.back().first != one.step) found.emplace_back(one.step, Duration(0));
    found.back().second += one.step;
  };
  ASSERT_TRUE(database_->read<QueueMeasures>("mails", kMonday, kMonday + 5h, take));
  using Steps = std::vector<std::pair<Duration, Duration>>;
  EXPECT_EQ(found, (Steps{{60s, 1h}, {1h, 1h}, {60s, 1h}, {1h, 1h}}));
  fill("mails", 1h, {}, span(kMonday - 1h, kMonday + 5h), true);
  found.clear();
  ASSERT_TRUE(database_->read<QueueMeasures>("mails", kMonday - 30min, kMonday + 4h + 30min, take));
  EXPECT_EQ(found, (Steps{{1h, 5h}}));
}

TEST_P(History, EveryNumberComesBackAsItWas) {
  QueueMeasures measures = arrivals(0.1 + 0.2);
  measures.bytes = kNotMeasured;
  measures.runs = 1e300;
  measures.service_seconds = 5e-324;
  const std::string name = "a 'name' with \"quotes\", ? and \xc3\xa4";
  ASSERT_TRUE(database_->record({.start = kMonday, .step = 10s, .queues = {{name, measures}}}));
  const auto rows = read(name);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].measures.arrivals, 0.1 + 0.2);
  EXPECT_TRUE(std::isnan(rows[0].measures.bytes));
  EXPECT_EQ(rows[0].measures.runs, 1e300);
  EXPECT_EQ(rows[0].measures.service_seconds, 5e-324);
}

INSTANTIATE_TEST_SUITE_P(InSqlite, History, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(InPostgres, History, testing::Values(true));

class HistoryFile : public testing::Test {
 protected:
  HistoryFile() { std::filesystem::create_directories(folder_); }
  ~HistoryFile() override { std::filesystem::remove_all(folder_); }
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("forewarm_history_file_" + std::to_string(::getpid()));
  const std::string path_ = folder_ / "history.db";
};

TEST_F(HistoryFile, RefusesTheDatabaseOfAnotherProgram) {
  ASSERT_TRUE(open_sqlite_session(
      {.path = path_, .application = 7, .tables = "CREATE TABLE mine (a);", .later = ""}));
  const auto opened = HistoryDatabase::open({.path = path_});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::Invalid);
}

TEST_F(HistoryFile, NamesADamagedFile) {
  std::ofstream(path_, std::ios::trunc) << std::string(8192, 'x');
  const auto opened = HistoryDatabase::open({.path = path_});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::Corrupt);
  EXPECT_NE(opened.error().message.find("history.db"), std::string::npos);
}

}  // namespace
}  // namespace forewarm
