// What is PostgreSQL's alone: several sessions at once, sessions that end, and tables that are not ours.

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <thread>

#include "edge/files/temporary_folder.h"
#include "edge/history/history_database.h"
#include "edge/sql/postgres_for_tests.h"

namespace forewarm {
namespace {

constexpr TimePoint kTuesday = time_point_us(1'767'657'600'000'000);  // 2026-01-06T00:00:00Z

class InPostgres : public testing::Test {
 protected:
  void SetUp() override {
    if (PostgresForTests::shared() == nullptr) GTEST_SKIP() << "PostgreSQL is not installed";
    server().ask("DROP SCHEMA IF EXISTS forewarm CASCADE");
  }
  static PostgresForTests& server() { return *PostgresForTests::shared(); }
  static Result<std::unique_ptr<HistoryDatabase>> open(std::chrono::milliseconds timeout = 10s) {
    HistoryDatabase::Options options;
    options.shared = {.url = server().url(), .called = "test", .timeout = timeout};
    return HistoryDatabase::open(options);
  }
  static HistoryBatch batch(int interval, int queues, double count = 1) {
    HistoryBatch batch{.start = kTuesday + interval * 10s, .step = 10s};
    QueueMeasures measures;
    measures.arrivals = count;
    for (int i = 0; i < queues; ++i) batch.queues.push_back({"queue " + std::to_string(i), measures});
    return batch;
  }
  static KeptTarget target(std::uint32_t found, const char* name = "deployment|worker") {
    return {.target = name, .found = found, .told = std::nullopt, .changed = true, .since = kTuesday};
  }
};

TEST_F(InPostgres, CopiesThatWriteTheSameAtOnceMakeOneHistory) {
  constexpr int kCopies = 4, kIntervals = 30, kQueues = 5;
  std::vector<std::jthread> copies;
  std::vector<std::string> problems(kCopies);
  for (int copy = 0; copy < kCopies; ++copy)
    copies.emplace_back([&problem = problems[static_cast<std::size_t>(copy)], copy] {
      auto history = open();
      if (!history) problem = history.error().message;
      for (int i = 0; history && i < kIntervals; ++i) {
        // Half of them backwards, so that neither order of series nor of time is the same.
        HistoryBatch mine = batch(copy % 2 == 0 ? i : kIntervals - 1 - i, kQueues);
        if (copy % 2 == 1) std::ranges::reverse(mine.queues);
        if (const auto done = (*history)->record(mine); !done) problem = done.error().message;
        if (const auto done = (*history)->thin_out(kTuesday + 1h); !done) problem = done.error().message;
      }
    });
  copies.clear();
  EXPECT_EQ(problems, std::vector<std::string>(kCopies));
  const auto list = open().value()->list();
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->size(), static_cast<std::size_t>(kQueues));
  for (const SeriesSummary& one : *list) EXPECT_EQ(one.measured, kIntervals * 10s) << one.name;
  EXPECT_EQ(server().ask("SELECT count(*) FROM forewarm.coverage"), std::to_string(kQueues));
  EXPECT_EQ(server().ask("SELECT count(*) FROM forewarm.queue_intervals"),
            std::to_string(kQueues * kIntervals));
}

TEST_F(InPostgres, OfSeveralThatFoundATargetTheFirstCounts) {
  auto first = open().value(), second = open().value();
  EXPECT_EQ(first->keep_target("orders", target(2)).value(), target(2));
  EXPECT_EQ(second->keep_target("orders", target(30)).value(), target(2));
  KeptTarget told = target(2);
  told.told = 7;
  ASSERT_TRUE(second->keep_told("orders", told));
  EXPECT_EQ(first->targets().value().at("orders"), told);
  // Another target of the same queue begins anew; what another target was told is not its own.
  const KeptTarget other = target(4, "deployment|other");
  EXPECT_EQ(first->keep_target("orders", other).value(), other);
  KeptTarget two = target(2, "scalable|a");
  two.beside = 30;
  EXPECT_EQ(first->keep_target("two numbers", two).value(), two);
  ASSERT_TRUE(first->forget_target("two numbers"));
  ASSERT_TRUE(second->keep_told("orders", told));
  EXPECT_EQ(first->targets().value().at("orders"), other);
  KeptTarget nothing = target(0, "keda|worker");
  nothing.found.reset();
  EXPECT_EQ(first->keep_target("mails", nothing).value(), nothing);
  ASSERT_TRUE(second->forget_target("orders"));
  EXPECT_EQ(first->targets().value().size(), 1U);
}

TEST_F(InPostgres, ASchemaOfBeforeGetsWhatItLacksOnce) {
  ASSERT_TRUE(open().value()->keep_target("orders", target(2)));
  server().ask("DROP TABLE forewarm.memories");
  server().ask("ALTER TABLE forewarm.targets DROP COLUMN beside");
  for (int i = 0; i < 2; ++i) {
    auto history = open();
    ASSERT_TRUE(history) << history.error().message;
    EXPECT_EQ((*history)->targets().value().at("orders"), target(2));
    ASSERT_TRUE((*history)->keep_memory("alerts", {.version = i, .memory = "told"}, kTuesday));
  }
  EXPECT_EQ(open().value()->memory("alerts").value(), (SavedMemory{.version = 1, .memory = "told"}));
}

TEST_F(InPostgres, ASessionThatWasEndedIsBegunAnewAndNothingIsLost) {
  auto history = open().value();
  ASSERT_TRUE(history->record(batch(0, 1)));
  const auto end_sessions = [] {
    server().ask(
        "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE application_name = "
        "'test' AND "
        "pid <> pg_backend_pid()");
  };
  end_sessions();
  const auto written = history->record(batch(1, 1));
  ASSERT_TRUE(written) << written.error().message;
  end_sessions();
  EXPECT_EQ(history->list().value().front().measured, 20s);
}

TEST_F(InPostgres, ACrashOfTheServerIsToldAtOnceAndOverWhenItIsBack) {
  auto history = open().value();
  ASSERT_TRUE(history->record(batch(0, 1)));
  server().crash();
  const auto lost = history->record(batch(1, 1));
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::Io);
  EXPECT_NE(lost.error().message.find("the history in postgresql://forewarm@"), std::string::npos);
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(history->list());
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
  ASSERT_TRUE(server().start());
  bool back = false;
  for (int i = 0; i < 300 && !back; ++i) {
    back = history->record(batch(2, 1)).has_value();
    if (!back) server().ask("SELECT pg_sleep(0.1)");
  }
  EXPECT_TRUE(back);
  EXPECT_EQ(history->list().value().front().measured, 20s);
}

TEST_F(InPostgres, AWriterThatHangsKeepsNobodyWaitingForever) {
  auto history = open(2s).value();
  auto hangs = PostgresConnection::open(server().url(), "", "another", {}).value();
  ASSERT_TRUE(hangs->query("BEGIN", {}, {}));
  ASSERT_TRUE(hangs->query("SELECT pg_advisory_xact_lock(1719104104, hashtext('forewarm'))", {}, {}));
  const auto before = std::chrono::steady_clock::now();
  EXPECT_FALSE(history->record(batch(0, 1)));
  EXPECT_LT(std::chrono::steady_clock::now() - before, 30s);
  hangs.reset();
  const auto written = history->record(batch(0, 1));
  EXPECT_TRUE(written) << written.error().message;
}

TEST_F(InPostgres, WhoOnlyReadsMakesNoTables) {
  HistoryDatabase::Options options{.path = {}, .shared = {}, .create = false};
  options.shared = {.url = server().url(), .called = "test"};
  const auto none = HistoryDatabase::open(options);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::NotFound);
  EXPECT_EQ(server().ask("SELECT count(*) FROM pg_namespace WHERE nspname = 'forewarm'"), "0");
}

TEST_F(InPostgres, TablesOfAnotherProgramOrANewerOneAreRefusedAndLeftAlone) {
  server().ask("CREATE SCHEMA forewarm");
  server().ask("CREATE TABLE forewarm.mine (a int)");
  const auto foreign = open();
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, ErrorCode::Invalid);
  EXPECT_EQ(server().ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'forewarm'"), "1");
  server().ask("DROP TABLE forewarm.mine");
  ASSERT_TRUE(open()) << "an empty schema that somebody made is taken";
  server().ask("UPDATE forewarm.about SET format = 2");
  const auto newer = open();
  ASSERT_FALSE(newer);
  EXPECT_NE(newer.error().message.find("have format 2, this program reads up to 1"), std::string::npos)
      << newer.error().message;
}

/// Between one session and the server; counts how often the client speaks after it was answered.
class CountingRelay {
 public:
  explicit CountingRelay(std::string server) : server_(std::move(server)) {
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un here = address(folder());
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&here), sizeof here), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    thread_ = std::jthread([this] { run(); });
  }
  ~CountingRelay() {
    ::shutdown(listener_, SHUT_RDWR);  // if nobody came
    thread_.join();
    ::close(listener_);
  }
  const std::string& folder() const { return folder_.path(); }
  int trips() const { return trips_; }

 private:
  static sockaddr_un address(const std::string& folder) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(folder + "/.s.PGSQL.5432", std::begin(address.sun_path));
    return address;
  }
  /// Until one of the two is gone.
  void run() {
    const int client = ::accept(listener_, nullptr, nullptr);
    const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un there = address(server_);
    bool open =
        client >= 0 && ::connect(server, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0;
    bool answered = true;
    std::array<char, 65536> bytes{};
    while (open) {
      std::array<pollfd, 2> ends{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
      open = ::poll(ends.data(), ends.size(), 60'000) > 0;
      for (std::size_t i = 0; open && i < 2; ++i) {
        if (ends.at(i).revents == 0) continue;
        const ssize_t got = ::read(ends.at(i).fd, bytes.data(), bytes.size());
        open = got > 0 && ::write(ends.at(1 - i).fd, bytes.data(), static_cast<std::size_t>(got)) == got;
        if (i == 0 && std::exchange(answered, false)) ++trips_;
        if (i == 1) answered = true;
      }
    }
    ::close(client);
    ::close(server);
  }

  std::string server_;
  TemporaryFolder folder_;
  int listener_ = -1;
  std::atomic<int> trips_ = 0;
  std::jthread thread_;
};

TEST_F(InPostgres, AHundredQueuesAreAFewRoundTrips) {
  const std::string url = server().url(), folder = url.substr(url.find("host=") + 5);
  ASSERT_TRUE(open());
  CountingRelay relay(folder);
  HistoryDatabase::Options options;
  options.shared = {.url = url.substr(0, url.find("host=")) + "host=" + relay.folder(), .called = "test"};
  auto history = HistoryDatabase::open(options);
  ASSERT_TRUE(history) << history.error().message;
  for (int i = 0; i < 2; ++i) {
    const int before = relay.trips();
    ASSERT_TRUE((*history)->record(batch(i, 100)));
    // The server may begin to answer while the client still speaks.
    EXPECT_LT(relay.trips() - before, 20) << "the " << (i == 0 ? "first" : "next") << " interval";
  }
  EXPECT_EQ(server().ask("SELECT count(*) FROM forewarm.queue_intervals"), "200");
  history->reset();
}

}  // namespace
}  // namespace forewarm
