#include "edge/trace/trace.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "edge/files/temporary_folder.h"
#include "edge/trace/trace_parser.h"

namespace forewarm {
namespace {

Result<Trace> parse(std::string_view bytes, const TraceOptions& options = {}, std::size_t piece = 1 << 20) {
  TraceParser parser("t.csv", options);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    if (Result<void> fed = parser.feed(bytes.substr(at, piece)); !fed) return std::unexpected(fed.error());
  }
  return parser.finish();
}

std::string message_of(const Result<Trace>& result) {
  return result ? "no error" : result.error().message;
}

class TraceFile : public ::testing::Test {
 protected:
  void write(const std::string& name, std::string_view bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  void write_gzip(const std::string& name, std::string_view bytes) {
    gzFile file = gzopen((folder_ / name).c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
  }
  TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

constexpr std::string_view kBinned = "timestamp_s,queue,count\n60,a,3\n180,a,1\n120,b,2\n";

TEST(TraceParser, spreads_a_bin_inside_itself_and_sorts_by_time) {
  const Result<Trace> trace = parse(kBinned);
  ASSERT_TRUE(trace) << message_of(trace);
  EXPECT_EQ(trace->bin, 60s);
  EXPECT_EQ(trace->length, 180s);
  EXPECT_EQ(trace->start, time_point_us(60'000'000));
  ASSERT_EQ(trace->arrivals.size(), 6u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(trace->arrivals[i].queue, 0u);
    EXPECT_LT(trace->arrivals[i].at, 60s);
    EXPECT_GE(trace->arrivals[i].at, 0s);
    EXPECT_LT(trace->arrivals[i].service_time, 0s);
  }
  EXPECT_EQ(trace->arrivals[3].queue, 1u);
  EXPECT_GE(trace->arrivals[3].at, 60s);
  EXPECT_EQ(trace->arrivals[5].queue, 0u);
  EXPECT_GE(trace->arrivals[5].at, 120s);
}

TEST(TraceParser, gives_the_same_trace_whatever_the_pieces) {
  const Result<Trace> whole = parse(kBinned);
  const Result<Trace> bytewise = parse(kBinned, {}, 1);
  ASSERT_TRUE(whole && bytewise);
  ASSERT_EQ(whole->arrivals.size(), bytewise->arrivals.size());
  for (std::size_t i = 0; i < whole->arrivals.size(); ++i)
    EXPECT_EQ(whole->arrivals[i].at, bytewise->arrivals[i].at);
}

TEST(TraceParser, does_not_move_a_queue_when_others_are_left_out) {
  const Result<Trace> all = parse(kBinned);
  const Result<Trace> one = parse(kBinned, {.queues = {"b"}});
  ASSERT_TRUE(all && one);
  ASSERT_EQ(one->arrivals.size(), 2u);
  EXPECT_EQ(one->queues.size(), 1u);
  EXPECT_EQ(one->start, all->start);
  EXPECT_EQ(one->length, all->length);
  EXPECT_EQ(one->arrivals[0].at, all->arrivals[3].at);
  EXPECT_EQ(one->arrivals[1].at, all->arrivals[4].at);
}

TEST(TraceParser, another_seed_gives_other_times_and_the_same_counts) {
  const Result<Trace> first = parse(kBinned, {.seed = 1});
  const Result<Trace> second = parse(kBinned, {.seed = 2});
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->arrivals.size(), second->arrivals.size());
  EXPECT_NE(first->arrivals[0].at, second->arrivals[0].at);
}

TEST(TraceParser, reads_messages_with_what_was_recorded_of_them) {
  const Result<Trace> trace = parse(
      "timestamp_s,queue,bytes,duration_ms,tenant\r\n2.5,q,100,12.5,x\r\n1.000001,q,,,y\r\n\r\n3,q\r\n");
  ASSERT_TRUE(trace) << message_of(trace);
  ASSERT_EQ(trace->arrivals.size(), 3u);
  EXPECT_EQ(trace->bin, 0s);
  EXPECT_EQ(trace->arrivals[0].at, 0us);
  EXPECT_LT(trace->arrivals[0].service_time, 0us);
  EXPECT_EQ(trace->arrivals[1].at, 1'499'999us);
  EXPECT_EQ(trace->arrivals[1].bytes, 100u);
  EXPECT_EQ(trace->arrivals[1].service_time, 12'500us);
  EXPECT_EQ(trace->length, 1'999'999us);
}

TEST(TraceParser, counts_of_queues_that_are_not_chosen_may_be_those_of_a_gauge) {
  const std::string text = "timestamp_s,queue,count\n60,a,3\n60,load,0.5\n";
  EXPECT_EQ(message_of(parse(text)), "t.csv:3:9: count must be a whole number from 0 to 1e9, found \"0.5\"");
  TraceOptions options;
  options.queues = {"a"};
  const Result<Trace> trace = parse(text, options);
  ASSERT_TRUE(trace) << message_of(trace);
  EXPECT_EQ(trace->arrivals.size(), 3u);
}

TEST(TraceParser, names_place_and_remedy_of_what_is_wrong) {
  EXPECT_EQ(message_of(parse("timestamp_s,queue,count\n60,a,3\n61,b,x7\n")),
            "t.csv:3:6: count must be a whole number from 0 to 1e9, found \"x7\"");
  EXPECT_EQ(message_of(parse("timestamp_s,queue,count\n-1,a,3\n")),
            "t.csv:2:1: timestamp_s must be seconds from 0 to 1e11, found \"-1\"");
  EXPECT_EQ(message_of(parse("timestamp_s,queue,count\n1,,3\n")),
            "t.csv:2:3: the queue's name is empty; every row needs one");
  EXPECT_EQ(message_of(parse("timestamp_s,queue,count\n1,a\n")),
            "t.csv:2:4: expected at least 3 columns as in the header, found 2");
  EXPECT_EQ(message_of(parse("timestamp_s,queue,bytes,duration_ms\n1,a,5,nan\n")),
            "t.csv:2:7: duration_ms must be milliseconds from 0 to 1e11 or empty, found \"nan\"");
  EXPECT_EQ(message_of(parse("timestamp_s,queue,count\n1,\"a\",3\n")),
            "t.csv:2:3: quoted fields are not read; write the file without quotes");
  EXPECT_NE(message_of(parse("time,queue,count\n")).find("t.csv:1:1: no column timestamp_s"),
            std::string::npos);
  EXPECT_NE(message_of(parse("timestamp_s,queue,value\n")).find("gauge"), std::string::npos);
  EXPECT_NE(message_of(parse("")).find("the file is empty"), std::string::npos);
  EXPECT_NE(message_of(parse("timestamp_s,queue,count\n")).find("no rows"), std::string::npos);
}

TEST(TraceParser, refuses_more_messages_than_it_was_allowed) {
  const Result<Trace> trace = parse("timestamp_s,queue,count\n1,a,1000000000\n2,a,1\n");
  ASSERT_FALSE(trace);
  EXPECT_EQ(trace.error().code, ErrorCode::Exhausted);
}

TEST(TraceParser, refuses_a_line_without_end) {
  EXPECT_FALSE(parse(std::string(100'000, 'x'), {}, 4096));
}

TEST(TraceParser, says_which_queues_there_are_when_one_is_not) {
  const Result<Trace> trace = parse(kBinned, {.queues = {"c"}});
  ASSERT_FALSE(trace);
  EXPECT_EQ(trace.error().code, ErrorCode::NotFound);
  EXPECT_EQ(trace.error().message, "t.csv: no queue \"c\" in it; it has 2, such as a, b");
}

TEST_F(TraceFile, a_folder_is_read_with_its_linked_durations) {
  write_gzip("trace.csv.gz", kBinned);
  write("functions.csv",
        "queue,dur_p1,dur_p25,dur_p50,dur_p75,dur_p99,dur_p100\nb,1,2,3,4,5,6\nz,1,2,3,4,5,6\n");
  const Result<Trace> trace = read_trace(folder_.string(), {});
  ASSERT_TRUE(trace) << message_of(trace);
  EXPECT_FALSE(trace->queues[0].durations);
  ASSERT_TRUE(trace->queues[1].durations);
  EXPECT_EQ(trace->queues[1].durations->p50_ms, 3);
  EXPECT_EQ(trace->queues[1].durations->p100_ms, 6);
}

TEST_F(TraceFile, a_functions_file_with_other_columns_links_nothing) {
  write("trace.csv", kBinned);
  write("functions.csv", "queue,shape\na,steady\n");
  const Result<Trace> trace = read_trace((folder_ / "trace.csv").string(), {});
  ASSERT_TRUE(trace) << message_of(trace);
  EXPECT_FALSE(trace->queues[0].durations);
}

TEST_F(TraceFile, percentiles_that_fall_are_refused_with_their_place) {
  write("trace.csv", kBinned);
  write("functions.csv", "queue,dur_p1,dur_p25,dur_p50,dur_p75,dur_p99,dur_p100\na,1,2,1,4,5,6\n");
  const Result<Trace> trace = read_trace(folder_.string(), {});
  ASSERT_FALSE(trace);
  EXPECT_NE(trace.error().message.find("functions.csv:2:7: dur_p50"), std::string::npos)
      << trace.error().message;
}

TEST_F(TraceFile, gzip_data_that_was_cut_off_is_corrupt_and_not_a_shorter_trace) {
  std::string rows(kBinned);
  for (int i = 0; i < 5000; ++i)
    rows += std::to_string(240 + i * 60) + ",a," + std::to_string(i * 7919 % 1000) + "\n";
  write_gzip("trace.csv.gz", rows);
  std::filesystem::resize_file(folder_ / "trace.csv.gz",
                               std::filesystem::file_size(folder_ / "trace.csv.gz") / 2);
  const Result<Trace> trace = read_trace(folder_.string(), {});
  ASSERT_FALSE(trace);
  EXPECT_EQ(trace.error().code, ErrorCode::Corrupt) << trace.error().message;
}

TEST_F(TraceFile, what_is_not_there_is_said) {
  EXPECT_EQ(read_trace((folder_ / "no.csv").string(), {}).error().code, ErrorCode::NotFound);
  EXPECT_EQ(read_trace(folder_.string(), {}).error().code, ErrorCode::NotFound);
}

TEST(ShippedTrace, is_read_whole) {
  const std::filesystem::path folder =
      std::filesystem::path(FOREWARM_SOURCE_DIR) / "data" / "azure_functions_2019_8h";
  const Result<Trace> trace = read_trace(folder.string(), {});
  ASSERT_TRUE(trace) << message_of(trace);
  EXPECT_EQ(trace->queues.size(), 301u);
  EXPECT_EQ(trace->bin, 60s);
  EXPECT_EQ(trace->length, 8h);
  for (const TraceQueue& queue : trace->queues) EXPECT_TRUE(queue.durations) << queue.name;
}

}  // namespace
}  // namespace forewarm
