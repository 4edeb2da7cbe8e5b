#include <gtest/gtest.h>

#include "e2e/pool_fixture.h"

namespace forewarm {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t megabytes(std::uint64_t count) {
  return count << 20;
}

class RunMemoryTest : public PoolFixture {
 protected:
  InstanceId start_ready(std::string how = "memory", std::chrono::milliseconds timeout = 20s) {
    FunctionCommand function = command({FOREWARM_BOOTSTRAP}, std::move(how));
    function.memory_bytes = megabytes(512);
    function.timeout = timeout;
    const InstanceId instance = start(std::move(function));
    EXPECT_TRUE(wait_ready(instance)) << lost_[instance].detail;
    return instance;
  }
  /// What a run after this pause was said to need; 0: nothing was said.
  std::uint64_t said(InstanceId instance, const std::string& what, std::chrono::milliseconds after) {
    loop_.run_until(Loop::Clock::now() + after);
    const PoolFinished finished = wait_finished(run(instance, what));
    EXPECT_EQ(finished.error, ErrorClass::None) << finished.error_message;
    return finished.memory_bytes;
  }
  /// What such a run needs. Where looking is slow, runs are measured more seldom: asked until one is.
  std::uint64_t need(InstanceId instance, const std::string& what) {
    std::uint64_t bytes = 0;
    for (auto pause = 260ms; bytes == 0 && pause < 10s; pause *= 2) bytes = said(instance, what, pause);
    return bytes;
  }
};

TEST_F(RunMemoryTest, APeakIsOfTheRunThatHadIt) {
  const InstanceId instance = start_ready();
  const std::uint64_t little = need(instance, "use 1");
  EXPECT_GT(little, megabytes(1));
  EXPECT_LT(little, megabytes(40));
  const std::uint64_t much = need(instance, "use 100");
  EXPECT_GT(much, megabytes(100));
  EXPECT_LT(much, megabytes(100) + little);
  const std::uint64_t after = need(instance, "use 1");
  EXPECT_GT(after, megabytes(1));
  EXPECT_LT(after, megabytes(40));
}

TEST_F(RunMemoryTest, RunsInQuickSuccessionAreNotAllMeasured) {
  const InstanceId instance = start_ready();
  EXPECT_GT(said(instance, "use 1", 0ms), 0U);
  int measured = 0;
  const auto began = Loop::Clock::now();
  for (int i = 0; i < 50; ++i) measured += said(instance, "use 1", 0ms) > 0 ? 1 : 0;
  EXPECT_LE(measured, (Loop::Clock::now() - began) / 250ms + 1);
}

TEST_F(RunMemoryTest, NothingIsSaidWhereEarlierRunsLeftTooMuch) {
  const InstanceId instance = start_ready();
  EXPECT_LT(need(instance, "use 1"), megabytes(40));
  EXPECT_LT(need(instance, "use 2"), megabytes(40));
  EXPECT_GT(said(instance, "keep 100", 1s), megabytes(100));
  EXPECT_EQ(said(instance, "keep 50", 1s), 0U);  // in memory that it has already
  EXPECT_EQ(said(instance, "use 1", 1s), 0U);
  EXPECT_GT(need(instance, "use 400"), megabytes(400));  // what was left is little beside it
}

TEST_F(RunMemoryTest, AChildThatIsGoneByTheEndOfTheRunCounts) {
  const InstanceId instance = start_ready();
  const std::uint64_t need_of_child = need(instance, "child 100");
  EXPECT_GT(need_of_child, megabytes(100));
  EXPECT_LT(need_of_child, megabytes(180));
}

TEST_F(RunMemoryTest, ATimedOutRunSaysWhatItHad) {
  const InstanceId instance = start_ready("memory_then_hang", 2s);
  const PoolFinished finished = wait_finished(run(instance, "1"));
  EXPECT_EQ(finished.error, ErrorClass::Timeout);
  EXPECT_GT(finished.memory_bytes, megabytes(60));
  wait_lost(instance);
}

}  // namespace
}  // namespace forewarm
