#include "edge/signal/source.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "base/time_text.h"
#include "edge/files/temporary_folder.h"
#include "edge/net/http.h"
#include "edge/signal/line_reader.h"
#include "edge/signal/source_thread.h"

namespace forewarm {
namespace {

constexpr TimePoint kRead = time_point_us(1'772'373'730'000'000);  // 2026-03-01T14:02:10Z

class Folder {
 public:
  std::string path(const std::string& name) const { return folder_.path_of(name); }
  void write(const std::string& name, std::string_view text,
             std::ios::openmode mode = std::ios::trunc) const {
    std::ofstream(path(name), mode | std::ios::binary) << text;
  }
  void append(const std::string& name, std::string_view text) const { write(name, text, std::ios::app); }

 private:
  TemporaryFolder folder_;
};

std::vector<double> values_of(const Reading& reading) {
  EXPECT_FALSE(reading.failure) << *reading.failure;
  std::vector<double> out;
  for (const Observation& each : reading.points.taken) out.push_back(each.value);
  return out;
}

std::string one_event(std::string_view start, std::string_view end) {
  return "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:" + std::string(start) +
         "\nDTEND:" + std::string(end) + "\nEND:VEVENT\nEND:VCALENDAR\n";
}

TEST(CalendarSource, AChangedFileIsTakenAndABrokenOneChangesNothing) {
  const Folder folder;
  folder.write("a.ics", one_event("20260301T143000Z", "20260301T150000Z"));
  const auto source =
      make_calendar_source({.path = folder.path("a.ics"), .window = {.past = 1h, .ahead = 2h}});
  const Reading first = source->read(kRead, {});
  EXPECT_FALSE(first.failure);
  EXPECT_EQ(first.plan, (std::vector<LevelChange>{{kRead - 1h, 0},
                                                  {parse_time("2026-03-01T14:30:00Z").value(), 1},
                                                  {parse_time("2026-03-01T15:00:00Z").value(), 0}}));
  EXPECT_EQ(first.plan_end, kRead + 4h);
  EXPECT_TRUE(source->read(kRead + 30s, {}).unchanged);
  folder.write("a.ics", "half a calendar");
  const Reading broken = source->read(kRead + 1min, {});
  ASSERT_TRUE(broken.failure);
  EXPECT_NE(broken.failure->find("a.ics"), std::string::npos);
  EXPECT_TRUE(broken.plan.empty());
  folder.write("a.ics", one_event("20260301T160000Z", "20260301T170000Z"));
  const Reading changed = source->read(kRead + 2min, {});
  ASSERT_EQ(changed.plan.size(), 3U);
  EXPECT_EQ(changed.plan[1].at, parse_time("2026-03-01T16:00:00Z").value());
  std::filesystem::remove(folder.path("a.ics"));
  EXPECT_TRUE(source->read(kRead + 3min, {}).failure);
  // The last good plan is made longer all the same.
  EXPECT_FALSE(source->read(kRead + 90min, {}).plan.empty());
}

TEST(CronSource, ItsPlanGoesOnAsTimePasses) {
  const auto source =
      make_cron_source({.expression = "0 15 * * *", .length = 10min, .window = {.past = 1h, .ahead = 1h}})
          .value();
  const TimePoint fires = parse_time("2026-03-01T15:00:00Z").value();
  EXPECT_EQ(source->read(kRead, {}).plan,
            (std::vector<LevelChange>{{kRead - 1h, 0}, {fires, 1}, {fires + 10min, 0}}));
  EXPECT_TRUE(source->read(kRead + 15min, {}).unchanged);
  const Reading later = source->read(fires + 5min, {});
  EXPECT_EQ(later.plan, (std::vector<LevelChange>{{fires - 55min, 0}, {fires, 1}, {fires + 10min, 0}}));
  EXPECT_FALSE(make_cron_source({.expression = "61 * * * *"}));
}

TEST(CronSource, AFrequentOneKeepsRoomForWhatIsToCome) {
  const auto source =
      make_cron_source(
          {.expression = "* * * * *", .length = 20s, .window = {.past = 24h * 300, .ahead = 24h}})
          .value();
  const Reading reading = source->read(kRead, {});
  EXPECT_GT(reading.plan.back().at, kRead + 47h);
}

TEST(FileSource, LinesThatAreAppendedAreTakenOnce) {
  const Folder folder;
  folder.write("a.jsonl", "{\"time\":\"2026-03-01T14:00:00Z\",\"value\":1}\n{\"value\":2}\n");
  const auto source = make_file_source({.path = folder.path("a.jsonl")});
  // What was there before and does not say when it was written is left out.
  EXPECT_EQ(values_of(source->read(kRead, {})), std::vector<double>{1});
  folder.append("a.jsonl", "{\"value\":3}\n{\"val");
  const Reading second = source->read(kRead + 1s, {});
  EXPECT_EQ(second.points.taken, (std::vector<Observation>{{kRead + 1s, 3}}));
  EXPECT_TRUE(source->read(kRead + 2s, {}).unchanged);
  folder.append("a.jsonl", "ue\":4}\nnonsense\n5\n");
  const Reading third = source->read(kRead + 3s, {});
  EXPECT_EQ(values_of(third), (std::vector<double>{4, 5}));
  EXPECT_EQ(third.points.malformed, 1U);
}

TEST(FileSource, RotationLosesAndDoublesNothing) {
  const Folder folder;
  folder.write("a.jsonl", "");
  const auto source = make_file_source({.path = folder.path("a.jsonl")});
  source->read(kRead, {});
  double written = 0, read = 0;
  for (int round = 0; round < 5; ++round) {
    for (int line = 0; line < 2; ++line) folder.append("a.jsonl", std::to_string(++written) + "\n");
    for (const double value : values_of(source->read(kRead, {}))) EXPECT_EQ(value, ++read);
    folder.append("a.jsonl", std::to_string(++written));  // without its newline
    std::filesystem::rename(folder.path("a.jsonl"), folder.path("a.jsonl.1"));
    if (round % 2 == 0) {
      EXPECT_FALSE(source->read(kRead, {}).failure);  // the new one is not there yet
    }
    folder.write("a.jsonl", std::to_string(++written) + "\n");
    for (const double value : values_of(source->read(kRead, {}))) EXPECT_EQ(value, ++read);
  }
  EXPECT_EQ(read, written);
}

TEST(FileSource, AFileThatIsEmptiedIsReadFromItsBeginning) {
  const Folder folder;
  folder.write("a.jsonl", "");
  const auto source = make_file_source({.path = folder.path("a.jsonl")});
  source->read(kRead, {});
  folder.append("a.jsonl", "1\n2\n");
  EXPECT_EQ(values_of(source->read(kRead, {})), (std::vector<double>{1, 2}));
  folder.write("a.jsonl", "3\n");
  EXPECT_EQ(values_of(source->read(kRead, {})), (std::vector<double>{3}));
}

TEST(FileSource, AFileMayComeLater) {
  const Folder folder;
  const auto source = make_file_source({.path = folder.path("a.jsonl")});
  const Reading none = source->read(kRead, {});
  ASSERT_TRUE(none.failure);
  EXPECT_NE(none.failure->find("No such file"), std::string::npos);
  folder.write("a.jsonl", "1\n");
  EXPECT_EQ(values_of(source->read(kRead, {})), (std::vector<double>{1}));
  const auto directory = make_file_source({.path = folder.path("")});
  EXPECT_TRUE(directory->read(kRead, {}).failure);
}

TEST(FileSource, OnlyTheEndOfALongFileIsTakenAtFirst) {
  const Folder folder;
  std::string lines = "time,value\n";
  for (int i = 0; i < 1000; ++i) lines += std::to_string(1'772'370'000 + i) + "," + std::to_string(i) + "\n";
  folder.write("a.csv", lines);
  const auto source = make_file_source(
      {.path = folder.path("a.csv"), .format = FileSourceOptions::Format::Csv, .backlog_bytes = 100});
  const std::vector<double> values = values_of(source->read(kRead, {}));
  ASSERT_GE(values.size(), 5U);
  EXPECT_LE(values.size(), 7U);
  EXPECT_EQ(values.back(), 999);
}

TEST(Csv, ColumnsAreFoundByName) {
  LineReader reader(
      {.format = FileSourceOptions::Format::Csv, .time_column = "at", .value_column = "price, EUR"});
  Points points;
  reader.begin_file();
  reader.feed(
      "name,\"price, EUR\",at\r\nx,1.5,2026-03-01T14:00:00Z\r\n\"say "
      "\"\"x\"\"\",2,1772373600\r\n\r\nx,no,0\r\ny\n",
      kRead, true, points);
  const TimePoint at = parse_time("2026-03-01T14:00:00Z").value();
  EXPECT_EQ(points.taken, (std::vector<Observation>{{at, 1.5}, {at, 2}}));
  EXPECT_EQ(points.malformed, 2U);
  // A new file with its header, and one without.
  points = {};
  reader.begin_file();
  reader.feed("at,\"price, EUR\"\n1772373600,3\n", kRead, true, points);
  reader.begin_file();
  reader.feed("1772373600,4\n", kRead, true, points);
  EXPECT_EQ(points.taken, (std::vector<Observation>{{at, 3}, {at, 4}}));
}

TEST(Csv, AWrongHeaderIsSaid) {
  LineReader reader({.format = FileSourceOptions::Format::Csv});
  Points points;
  reader.begin_file();
  reader.feed("a,b\n1,2\n", kRead, true, points);
  EXPECT_TRUE(points.taken.empty());
  EXPECT_NE(points.problem.find("column 'value'"), std::string::npos);
}

TEST(Csv, QuotesAreThoseOfRfc4180) {
  using Fields = std::vector<std::string>;
  EXPECT_EQ(split_csv("a,,\"b,\"\"c\"\"\","), (Fields{"a", "", "b,\"c\"", ""}));
  EXPECT_EQ(split_csv(""), Fields{""});
  for (const char* wrong : {"\"a", "\"a\"b", "a\"b\"", "\""}) EXPECT_FALSE(split_csv(wrong)) << wrong;
}

TEST(LineReader, LongLinesAreRefusedAndPiecesDoNotMatter) {
  LineReader reader({});
  Points points;
  reader.begin_file();
  reader.feed(std::string(LineReader::kLineBytesMax + 5, '1'), kRead, true, points);
  reader.feed("1\n7\n", kRead, true, points);
  EXPECT_EQ(points.taken, (std::vector<Observation>{{kRead, 7}}));
  EXPECT_EQ(points.malformed, 1U);
  for (const char c : std::string_view("12\n3")) reader.feed({&c, 1}, kRead, true, points);
  reader.end_file(kRead, points);
  EXPECT_EQ(points.taken, (std::vector<Observation>{{kRead, 7}, {kRead, 12}, {kRead, 3}}));
}

TEST(Prometheus, ScalarsVectorsAndMatricesOfOneSeriesAreTaken) {
  const auto answer = [](std::string_view type, std::string_view result) {
    return read_prometheus_answer(R"({"status":"success","data":{"resultType":")" + std::string(type) +
                                      R"(","result":)" + std::string(result) + "}}",
                                  kRead);
  };
  const TimePoint at = time_point_us(1'772'373'600'250'000);
  EXPECT_EQ(answer("scalar", "[1772373600.25,\"1.5\"]")->taken, (std::vector<Observation>{{at, 1.5}}));
  EXPECT_EQ(answer("vector", R"([{"metric":{"job":"a"},"value":[1772373600.25,"3"]}])")->taken,
            (std::vector<Observation>{{at, 3}}));
  EXPECT_EQ(answer("matrix", R"([{"metric":{},"values":[[1772373600.25,"3"],[1772373615.25,"4"]]}])")->taken,
            (std::vector<Observation>{{at, 3}, {at + 15s, 4}}));
  EXPECT_TRUE(std::isnan(answer("vector", R"([{"metric":{},"value":[1772373600,"NaN"]}])")->taken[0].value));
  EXPECT_NE(answer("vector", "[]").error().message.find("no series"), std::string::npos);
  EXPECT_NE(answer("vector", "[{},{}]").error().message.find("sum()"), std::string::npos);
  for (const auto& [type, result] : {std::pair("vector", "[{}]"), std::pair("vector", "7"),
                                     std::pair("string", "[1,\"a\"]"), std::pair("matrix", "[{}]")})
    EXPECT_FALSE(answer(type, result)) << type << result;
  EXPECT_NE(
      read_prometheus_answer(R"({"status":"error","errorType":"bad_data","error":"parse error"})", kRead)
          .error()
          .message.find("parse error"),
      std::string::npos);
}

/// A server on a thread of its own.
class MockServer {
 public:
  explicit MockServer(std::function<HttpResponse(const HttpRequest&)> answer)
      : server_(HttpServer::listen(loop_, {},
                                   [answer](HttpRequest request, std::shared_ptr<HttpReply> reply) {
                                     reply->send(answer(request));
                                   })
                    .value()),
        thread_([this] {
          while (!loop_.stopped()) loop_.run_until(Loop::Clock::now() + std::chrono::hours(1));
        }) {}
  ~MockServer() {
    loop_.stop();
    thread_.join();
  }
  std::string url() const { return "http://" + to_string(server_->endpoint()); }

 private:
  Loop loop_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST(PollSource, AJsonDocumentIsFetchedWithHeadersAndToken) {
  const Folder folder;
  folder.write("token", "secret\n");
  const MockServer server([](const HttpRequest& request) {
    const bool right = request.path == "/now" && find_header(request.headers, "X-Key") == "k" &&
                       find_header(request.headers, "Authorization") == "Bearer secret";
    return HttpResponse{right ? 200U : 403U, {}, R"({"main":{"temp":21.5},"dt":1772373600})"};
  });
  PollSourceOptions options{.url = server.url() + "/now",
                            .shape = {.items = "", .value = "/main/temp", .time = "/dt"},
                            .headers = {{"X-Key", "k"}},
                            .bearer_token_file = folder.path("token")};
  EXPECT_EQ(make_poll_source(options)->read(kRead, {}).points.taken,
            (std::vector<Observation>{{time_point_us(1'772'373'600'000'000), 21.5}}));
  options.headers.clear();
  EXPECT_NE(make_poll_source(options)->read(kRead, {}).failure->find("403"), std::string::npos);
  options.bearer_token_file = folder.path("none");
  EXPECT_NE(make_poll_source(options)->read(kRead, {}).failure->find("no token"), std::string::npos);
}

TEST(PollSource, APrometheusQueryIsEscaped) {
  const MockServer server([](const HttpRequest& request) {
    const bool right = request.path == "/api/v1/query" &&
                       request.query == "query=sum%28rate%28orders%7Bshop%3D%22a%22%7D%5B5m%5D%29%29";
    return right ? HttpResponse{200,
                                {},
                                R"({"status":"success","data":{"resultType":"scalar","result":[1,"2"]}})"}
                 : HttpResponse{400, {}, R"({"status":"error","error":"wrong"})"};
  });
  const auto source =
      make_poll_source({.url = server.url() + "/", .prometheus_query = R"(sum(rate(orders{shop="a"}[5m])))"});
  EXPECT_EQ(source->read(kRead, {}).points.taken, (std::vector<Observation>{{time_point_us(1'000'000), 2}}));
}

TEST(PollSource, AServerThatIsNotThereIsAFailureAndNoMore) {
  const Reading reading = make_poll_source({.url = "http://127.0.0.1:1/"})->read(kRead, {});
  ASSERT_TRUE(reading.failure);
  EXPECT_NE(reading.failure->find("127.0.0.1:1"), std::string::npos);
  EXPECT_TRUE(make_poll_source({.url = "file:///etc/passwd"})->read(kRead, {}).failure);
}

class CountingSource : public SignalSource {
 public:
  explicit CountingSource(double first) : next_(first) {}
  Reading read(TimePoint now, const std::stop_token&) override {
    Reading reading;
    reading.points.taken.push_back({now, next_++});
    return reading;
  }
  Duration pause() const override { return 1ms; }

 private:
  double next_;
};

TEST(SourceThread, EachSourceIsAskedInItsTurn) {
  std::vector<std::unique_ptr<SignalSource>> sources;
  sources.push_back(std::make_unique<CountingSource>(0));
  sources.push_back(std::make_unique<CountingSource>(100));
  std::promise<std::vector<std::vector<double>>> enough;
  std::vector<std::vector<double>> seen(2);
  bool done = false;
  const SourceThread thread(
      std::move(sources), [] { return kRead; },
      [&](std::size_t source, const Reading& reading) {
        seen[source].push_back(reading.points.taken[0].value);
        if (!done && seen[0].size() >= 3 && seen[1].size() >= 3) {
          done = true;
          enough.set_value(seen);
        }
      });
  const std::vector<std::vector<double>> values = enough.get_future().get();
  EXPECT_EQ(values[0][2], 2);
  EXPECT_EQ(values[1][2], 102);
}

}  // namespace
}  // namespace forewarm
