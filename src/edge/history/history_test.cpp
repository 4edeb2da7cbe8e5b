#include "edge/history/history_database.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

namespace forewarm {
namespace {

constexpr TimePoint kMonday = time_point_us(1'767'571'200'000'000);  // 2026-01-05T00:00:00Z

class History : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("forewarm_history_" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    open();
  }
  void TearDown() override {
    database_.reset();
    std::filesystem::remove_all(folder_);
  }
  std::string path() const { return folder_ / "history.db"; }
  void open() {
    database_.reset();
    auto opened = HistoryDatabase::open({.path = path()});
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

TEST_F(History, KeepsWhatWasRecordedAcrossOpenings) {
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

TEST_F(History, TellsZerosFromGaps) {
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

TEST_F(History, FillingTwiceChangesNothing) {
  const auto rows = hourly({7, 0, 9});
  const Span covered = span(kMonday, kMonday + 3h);
  EXPECT_EQ(fill("orders", 1h, rows, covered).added, 3U);
  const Filled again = fill("orders", 1h, rows, covered);
  EXPECT_EQ(again.added, 0U);
  EXPECT_EQ(again.present, 3U);
  EXPECT_EQ(counts(read("orders")), (std::vector<double>{7, 0, 9}));
}

TEST_F(History, FillsOnlyWhatWasNotMeasuredAndReplacesWhenTold) {
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

TEST_F(History, WhatIsFilledTogetherIsThereWholeOrNotAtAll) {
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

TEST_F(History, LeavesOutWhatIsTooOldOrNotOver) {
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

TEST_F(History, RefusesAStepThatCannotBeJoined) {
  const Span covered = span(kMonday, kMonday + 7s);
  const auto filled = database_->fill<QueueMeasures>("orders", 7s, {}, std::span(&covered, 1), kMonday + 1h);
  ASSERT_FALSE(filled);
  EXPECT_NE(filled.error().message.find("--step"), std::string::npos);
}

TEST_F(History, JoinsOldIntervalsToCoarserOnes) {
  for (int i = 0; i < 60; ++i) record(kMonday + i * 10s, "orders", i < 30 ? 1 : 2);
  thin_out(kMonday + 24h * 8);
  auto rows = read("orders");
  EXPECT_EQ(counts(rows), (std::vector<double>{30, 60}));
  EXPECT_EQ(rows[0].step, 5min);
  thin_out(kMonday + 24h * 100);
  // Ten minutes are too little to stand for an hour.
  EXPECT_TRUE(read("orders").empty());
}

TEST_F(History, ScalesWhatWasPartlyMeasured) {
  for (int i = 0; i < 20; ++i) record(kMonday + i * 10s, "orders", 3);  // 200 of 300 seconds
  thin_out(kMonday + 24h * 8);
  const auto rows = read("orders");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_NEAR(rows[0].measures.arrivals, 90, 1e-9);
}

TEST_F(History, ThinningOutTwiceAndFillingAgainChangeNothing) {
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

TEST_F(History, RemovesWhatIsTooOld) {
  fill("orders", 1h, hourly({1, 2, 3}), span(kMonday, kMonday + 3h));
  thin_out(kMonday + 24h * 1095 + 2h);
  EXPECT_EQ(counts(read("orders")), (std::vector<double>{3}));
}

TEST_F(History, SpreadsLongIntervalsOverAFinerGrid) {
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

TEST_F(History, KeepsWhatScalersHaveLearntUntilItIsOlderThanAllHistory) {
  const std::vector<SavedScaler> two{{"b", 1, "first"}, {"a", 1, "other"}};
  ASSERT_TRUE(database_->keep_scalers(two, kMonday));
  ASSERT_TRUE(database_->keep_scalers(std::vector<SavedScaler>{{"b", 2, "second"}}, kMonday + 24h * 1090));
  open();
  EXPECT_EQ(database_->scalers().value(), (std::vector<SavedScaler>{{"a", 1, "other"}, {"b", 2, "second"}}));
  fill("a", 1h, hourly({1, 2, 3}), span(kMonday, kMonday + 3h));
  thin_out(kMonday + 24h * 1095 + 2h);
  EXPECT_EQ(database_->scalers().value(), (std::vector<SavedScaler>{{"b", 2, "second"}}));
}

TEST_F(History, KeepsWhatWasLearntOfFailures) {
  EXPECT_FALSE(database_->retries().value());
  ASSERT_TRUE(database_->keep_retries({.version = 1, .memory = "first"}, kMonday));
  ASSERT_TRUE(database_->keep_retries({.version = 2, .memory = "second"}, kMonday + 1h));
  open();
  EXPECT_EQ(database_->retries().value(), (SavedMemory{.version = 2, .memory = "second"}));
}

TEST_F(History, ListsWhatThereIs) {
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

TEST_F(History, TwoProgramsShareTheFile) {
  auto other = HistoryDatabase::open({.path = path()});
  ASSERT_TRUE(other);
  record(kMonday, "orders", 1);
  ASSERT_TRUE((*other)->record({.start = kMonday + 10s, .step = 10s, .queues = {{"orders", arrivals(2)}}}));
  record(kMonday + 20s, "orders", 3);
  EXPECT_EQ(counts(read("orders")), (std::vector<double>{1, 2, 3}));
}

TEST_F(History, RefusesTheDatabaseOfAnotherProgram) {
  database_.reset();
  std::filesystem::remove(path());
  sqlite::Connection connection;
  ASSERT_EQ(connection.open(path(), nullptr, true), sqlite::kOk);
  ASSERT_EQ(connection.execute("CREATE TABLE mine (a)"), sqlite::kOk);
  connection.close();
  const auto opened = HistoryDatabase::open({.path = path()});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::Invalid);
}

TEST_F(History, NamesADamagedFile) {
  database_.reset();
  std::ofstream(path(), std::ios::trunc) << std::string(8192, 'x');
  const auto opened = HistoryDatabase::open({.path = path()});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::Corrupt);
  EXPECT_NE(opened.error().message.find("history.db"), std::string::npos);
}

TEST(SpanSet, AddsRemovesAndMeasures) {
  SpanSet set;
  set.add({10, 20});
  set.add({30, 40});
  set.add({20, 30});
  EXPECT_EQ(set.spans(), (std::vector<Span>{{10, 40}}));
  set.remove({15, 18});
  set.remove({0, 11});
  EXPECT_EQ(set.spans(), (std::vector<Span>{{11, 15}, {18, 40}}));
  EXPECT_EQ(set.overlap({0, 20}), 6);
  set.add({5, 50});
  EXPECT_EQ(set.spans(), (std::vector<Span>{{5, 50}}));
  set.remove({5, 50});
  EXPECT_TRUE(set.empty());
}

TEST(ServiceTimes, QuantilesAreAtMostATenthTooLarge) {
  ServiceTimes times;
  for (int i = 1; i <= 1000; ++i) times.observe(Duration(i * 1000));
  EXPECT_GE(times.quantile(0.5), 500ms);
  EXPECT_LE(times.quantile(0.5), 551ms);
  EXPECT_GE(times.quantile(0.99), 990ms);
  EXPECT_LE(times.quantile(0.99), 1090ms);
}

TEST(ServiceTimes, ReadBackWhatTheyWrite) {
  ServiceTimes times;
  times.observe(Duration(0));
  times.observe(30ms, 2.5);
  times.observe(24h * 30);
  const auto read = ServiceTimes::parse(times.text());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, times);
  for (const char* wrong : {"{", "{}", "{\"1\":2", "{\"1\":-2}", "{\"2\":1,\"1\":1}", "{\"1\":nan}", "x"})
    EXPECT_FALSE(ServiceTimes::parse(wrong)) << wrong;
}

TEST(Joining, FollowsEachColumnsRule) {
  Joining<SignalMeasures> signal;
  signal.add({1, 10, 10, 10, 10}, 1000);
  signal.add({3, 2, 1, 3, 3}, 1000);
  const SignalMeasures joined = signal.whole(4000, 2000);
  EXPECT_EQ(joined.count, 4);
  EXPECT_EQ(joined.mean, 4);
  EXPECT_EQ(joined.least, 1);
  EXPECT_EQ(joined.most, 10);
  EXPECT_EQ(joined.last, 3);
  Joining<FunctionMeasures> function;
  function.add({1, 100, 150, 1}, 1000);
  function.add({2, 400, 450, 2}, 3000);
  const FunctionMeasures whole = function.whole(8000, 4000);
  EXPECT_EQ(whole.cpu_seconds, 6);  // half was measured
  EXPECT_EQ(whole.memory_bytes, 325);
  EXPECT_EQ(whole.memory_bytes_max, 450);
  EXPECT_EQ(whole.instances, 1.75);
}

}  // namespace
}  // namespace forewarm
