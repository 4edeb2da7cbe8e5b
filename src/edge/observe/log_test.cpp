#include "edge/observe/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <csignal>

namespace forewarm {
namespace {

using std::chrono::system_clock;
constexpr system_clock::time_point kAt{std::chrono::milliseconds(1'772'373'730'250)};

std::string plain(std::string_view message, std::initializer_list<LogField> fields = {}) {
  return format_log_line(LogFormat::Plain, kAt, LogLevel::Info, message, fields);
}

TEST(Log, JsonLineHasTimeLevelMessageAndTypedFields) {
  EXPECT_EQ(format_log_line(LogFormat::Json, kAt, LogLevel::Warning, "queue is full",
                            {{"queue", "orders"}, {"messages", 12}, {"share", 0.5}, {"fifo", false}}),
            R"({"time":"2026-03-01T14:02:10.250Z","level":"warning","message":"queue is full",)"
            R"("queue":"orders","messages":12,"share":0.5,"fifo":false})");
}

TEST(Log, ControlCharactersCannotForgeALineOrCommandATerminal) {
  const std::string evil =
      "a\nERROR \x1b[31mred\x7f \xc2\x9b"
      "2J \xff";
  for (const LogFormat format : {LogFormat::Json, LogFormat::Plain}) {
    const std::string line = format_log_line(format, kAt, LogLevel::Info, evil, {{evil, evil}});
    for (const char c : line) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) << line;
    EXPECT_EQ(line.find("\xc2\x9b"), std::string::npos);
    EXPECT_NE(line.find("\\u001b"), std::string::npos);
  }
  const std::string json = format_log_line(LogFormat::Json, kAt, LogLevel::Info, evil, {});
  EXPECT_TRUE(boost::json::parse(json).is_object());
}

TEST(Log, ReadableFieldsAreQuotedOnlyWhereTheyMustBe) {
  EXPECT_TRUE(plain("started", {{"queue", "orders.fifo"}}).ends_with(" info    started  queue=orders.fifo"));
  EXPECT_TRUE(plain("started", {{"why", "two words"}}).ends_with("  why=\"two words\""));
  EXPECT_TRUE(plain("said \"yes\"").ends_with("said \"yes\""));
}

TEST(Log, OnlyTheColouredFormatHasColours) {
  EXPECT_EQ(plain("x").find('\x1b'), std::string::npos);
  EXPECT_NE(format_log_line(LogFormat::Coloured, kAt, LogLevel::Error, "x", {}).find("\x1b[31m"),
            std::string::npos);
}

TEST(Log, FieldsThatNameASecretAreHidden) {
  const std::string line = format_log_line(
      LogFormat::Json, kAt, LogLevel::Info, "read",
      {{"db_password", "hunter2"}, {"Authorization", "Bearer x"}, {"token_count_is_hidden_too", 3}});
  EXPECT_EQ(line.find("hunter2"), std::string::npos);
  EXPECT_EQ(line.find("Bearer"), std::string::npos);
  EXPECT_NE(line.find(R"("db_password":"[hidden]")"), std::string::npos);
}

TEST(Log, LevelsAreReadByNameAndUnknownOnesAreExplained) {
  EXPECT_EQ(parse_log_level("warning"), LogLevel::Warning);
  const auto wrong = parse_log_level("loud\n");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "expected a log level (debug, info, warning or error), got \"loud\\n\"");
}

TEST(Log, WhatIsNotATerminalGetsJson) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  EXPECT_EQ(log_format_for(ends[1]), LogFormat::Json);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Log, LinesOfTheLevelAndAboveAreWrittenWholeWhenItEnds) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  {
    Log log({.level = LogLevel::Warning, .descriptor = ends[1], .format = LogFormat::Json});
    log.info("not this");
    log.warning("this", {{"n", 1}});
    log.error("and this");
  }
  ::close(ends[1]);
  std::string text(4096, '\0');
  const ssize_t n = ::read(ends[0], text.data(), text.size());
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  ::close(ends[0]);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_EQ(text.find("not this"), std::string::npos);
  EXPECT_NE(text.find(R"("message":"this","n":1})"), std::string::npos);
}

TEST(Log, AFullPipeDropsLinesAndStallsNobody) {
  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ::fcntl(ends[1], F_SETPIPE_SZ, 4096);
  auto log = std::make_unique<Log>(Log::Options{.descriptor = ends[1], .lines_max = 16});
  // Far more than pipe and queue hold: this returns only because the oldest are dropped.
  for (int i = 0; i < 2000; ++i) log->info("a line of some length so that the pipe is soon full", {{"i", i}});
  EXPECT_GT(log->dropped(), 1000U);
  ::close(ends[0]);  // the writer's blocked write fails, and so can end
  log.reset();
  ::close(ends[1]);
}

}  // namespace
}  // namespace forewarm
