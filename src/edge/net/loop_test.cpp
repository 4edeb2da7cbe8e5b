#include "edge/net/loop.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <thread>

namespace forewarm {
namespace {

using namespace std::chrono_literals;

Loop::Clock::time_point soon() {
  return Loop::Clock::now() + 10s;
}

TEST(Loop, ReturnsWhenAHandlerHasCalledWakeAndKeepsTheRest) {
  Loop loop;
  int ran = 0;
  loop.post([&] {
    ++ran;
    loop.wake();
  });
  loop.post([&] {
    ++ran;
    loop.wake();
  });
  loop.run_until(soon());
  EXPECT_EQ(ran, 1);
  loop.run_until(soon());
  EXPECT_EQ(ran, 2);
}

TEST(Loop, RunsReadyHandlersEvenWhenTheDeadlineHasPassed) {
  Loop loop;
  int ran = 0;
  for (int i = 0; i < 3; ++i) loop.post([&] { ++ran; });
  loop.run_until(Loop::Clock::now() - 1s);
  EXPECT_EQ(ran, 3);
}

TEST(Loop, AnEndlessChainOfHandlersDoesNotHoldItBeyondTheDeadline) {
  Loop loop;
  std::function<void()> again = [&] { loop.post(again); };
  loop.post(again);
  loop.run_until(Loop::Clock::now() - 1s);
  SUCCEED();
}

TEST(Loop, DoesWhatIsForItsIdleMomentsWhenNothingElseIsReady) {
  Loop loop;
  std::string order;
  loop.post([&] {
    loop.call_when_idle([&] { order += 'i'; });
    order += 'a';
  });
  loop.post([&] {
    order += 'b';
    loop.wake();
  });
  loop.post([&] { order += 'c'; });
  loop.run_until(soon());
  EXPECT_EQ(order, "ab") << "the one who woke it goes first";
  loop.run_until(Loop::Clock::now());
  EXPECT_EQ(order, "abci");
}

TEST(Loop, DoesNotSleepOnWhatAnIdleMomentLeftForTheNext) {
  Loop loop;
  int done = 0;
  loop.call_when_idle([&] {
    ++done;
    loop.call_when_idle([&] {
      ++done;
      loop.wake();
    });
  });
  loop.run_until(soon());
  EXPECT_EQ(done, 2);
}

TEST(Loop, IsIdleNowAndThenHoweverMuchThereIsToDo) {
  Loop loop;
  int before_idle = 0;
  bool idle = false;
  loop.call_when_idle([&] { idle = true; });
  std::function<void()> again = [&] {
    if (idle) return;
    ++before_idle;
    loop.post(again);
  };
  loop.post(again);
  loop.run_until(Loop::Clock::now());
  EXPECT_TRUE(idle);
  EXPECT_EQ(before_idle, 64);
}

TEST(Loop, ReturnsAtTheDeadlineWhenNothingHappens) {
  Loop loop;
  const auto deadline = Loop::Clock::now() + 5ms;
  loop.run_until(deadline);
  EXPECT_GE(Loop::Clock::now(), deadline);
}

TEST(Loop, WakesFromAnotherThread) {
  Loop loop;
  std::thread other([&] { loop.wake(); });
  const auto deadline = soon();
  loop.run_until(deadline);
  EXPECT_LT(Loop::Clock::now(), deadline);
  other.join();
}

TEST(Loop, StopEndsItForGood) {
  Loop loop;
  std::thread other([&] { loop.stop(); });
  loop.run_until(soon());
  other.join();
  EXPECT_TRUE(loop.stopped());
  loop.run_until(soon());
}

TEST(Loop, TimersFireInTheOrderOfTheirTimes) {
  Loop loop;
  std::string order;
  const auto later = loop.call_after(3ms, [&] {
    order += "b";
    loop.wake();
  });
  const auto sooner = loop.call_after(1ms, [&] { order += "a"; });
  loop.run_until(soon());
  EXPECT_EQ(order, "ab");
}

TEST(Loop, ADestroyedTimerNeverFiresEvenIfItIsDueAlready) {
  Loop loop;
  bool fired = false;
  std::unique_ptr<Loop::Timer> victim;
  const auto first = loop.call_at(Loop::Clock::now() - 2s, [&] { victim.reset(); });
  victim = loop.call_at(Loop::Clock::now() - 1s, [&] { fired = true; });
  loop.run_until(Loop::Clock::now() + 20ms);
  EXPECT_FALSE(fired);
}

TEST(Loop, ATimerMayDestroyItselfAndStartAnother) {
  Loop loop;
  int fired = 0;
  std::unique_ptr<Loop::Timer> timer;
  std::function<void()> again = [&] {
    if (++fired == 3)
      loop.wake();
    else
      timer = loop.call_after(0ms, again);
  };
  timer = loop.call_after(0ms, again);
  loop.run_until(soon());
  EXPECT_EQ(fired, 3);
}

TEST(Loop, WatchesADescriptorWithoutOwningIt) {
  Loop loop;
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  std::string got;
  auto watch = loop.watch_readable(ends[0], [&] {
    char c = 0;
    if (read(ends[0], &c, 1) == 1) got += c;
    if (got.size() == 2) loop.wake();
  });
  ASSERT_EQ(write(ends[1], "xy", 2), 2);
  loop.run_until(soon());
  EXPECT_EQ(got, "xy");
  watch.reset();
  ASSERT_EQ(write(ends[1], "z", 1), 1);
  loop.run_until(Loop::Clock::now() + 5ms);
  EXPECT_EQ(got, "xy");
  char c = 0;
  EXPECT_EQ(read(ends[0], &c, 1), 1);
  close(ends[0]);
  close(ends[1]);
}

TEST(Loop, ReportsSignals) {
  Loop loop;
  int got = 0;
  const auto watch = loop.watch_signals({SIGUSR1}, [&](int signal) {
    got = signal;
    loop.wake();
  });
  ASSERT_EQ(raise(SIGUSR1), 0);
  loop.run_until(soon());
  EXPECT_EQ(got, SIGUSR1);
}

}  // namespace
}  // namespace forewarm
