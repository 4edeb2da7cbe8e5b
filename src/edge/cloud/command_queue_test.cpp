#include "edge/cloud/command_queue.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace forewarm {
namespace {

TEST(CommandQueue, WakesItsThreadAndRunsInOrder) {
  CommandQueue queue;
  std::vector<int> ran;
  std::jthread other([&] {
    for (int i = 0; i < 100; ++i) queue.post([&ran, i] { ran.push_back(i); });
  });
  for (int turn = 0; turn < 1000 && ran.size() < 100; ++turn) {
    queue.wait(-1, std::chrono::seconds(10));
    queue.run();
  }
  ASSERT_EQ(ran.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ran[static_cast<std::size_t>(i)], i);
}

TEST(CommandQueue, ACommandThatPostsAnotherHasItRunNextTime) {
  CommandQueue queue;
  int runs = 0;
  queue.post([&] {
    ++runs;
    queue.post([&] { ++runs; });
  });
  queue.run();
  EXPECT_EQ(runs, 1);
  queue.run();
  EXPECT_EQ(runs, 2);
}

}  // namespace
}  // namespace forewarm
