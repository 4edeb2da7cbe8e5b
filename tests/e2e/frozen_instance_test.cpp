#include <gtest/gtest.h>
#include <signal.h>

#include "e2e/pool_fixture.h"

namespace forewarm {
namespace {

using namespace std::chrono_literals;

class FrozenInstanceTest : public PoolFixture {
 protected:
  InstanceId start_ready(std::string how, std::chrono::milliseconds timeout = 20s) {
    FunctionCommand function = command({FOREWARM_BOOTSTRAP}, std::move(how));
    function.timeout = timeout;
    const InstanceId instance = start(std::move(function));
    EXPECT_TRUE(wait_ready(instance)) << lost_[instance].detail;
    return instance;
  }
  InstanceId start_frozen(std::string how, std::chrono::milliseconds timeout = 20s) {
    const InstanceId instance = start_ready(std::move(how), timeout);
    freeze(instance);
    return instance;
  }
  double cpu_seconds() const { return pool_->usage().at(0).cpu_seconds; }
  void pass(std::chrono::milliseconds time) { loop_.run_until(Loop::Clock::now() + time); }
};

TEST_F(FrozenInstanceTest, AllOfItsProcessGroupStandsStillUntilARunComes) {
  const InstanceId instance = start_ready("spin");
  ASSERT_EQ(living(instance).size(), has(IsolationLayer::PidNamespace) ? 3U : 2U);
  wait_until([&] { return cpu_seconds() > 0.05; });
  freeze(instance);
  const double before = cpu_seconds();
  pass(300ms);
  EXPECT_EQ(cpu_seconds(), before);
  EXPECT_TRUE(stopped(instance));
  EXPECT_EQ(wait_finished(run(instance, "one")).response, "one");
  wait_until([&] { return cpu_seconds() > before + 0.05; });
  freeze(instance);
  pool_->thaw(instance);
  EXPECT_EQ(wait_finished(run(instance, "two")).response, "two");
  EXPECT_TRUE(lost_.empty());
}

TEST_F(FrozenInstanceTest, NoTimeoutRunsAgainstIt) {
  const InstanceId instance = start_frozen("ok", 2s);
  pass(2500ms);
  EXPECT_TRUE(stopped(instance));
  EXPECT_EQ(wait_finished(run(instance, "late")).response, "late");
}

TEST_F(FrozenInstanceTest, StoppingItLetsItEndByItself) {
  make_pool({.stop_grace = 300s});
  const InstanceId instance = start_frozen("ok");
  stop(instance);
  EXPECT_EQ(wait_lost(instance).reason, LossReason::Stopped);
}

TEST_F(FrozenInstanceTest, ItsDeathIsNoticedAndItsStandingStillIsNone) {
  const InstanceId instance = start_frozen("spin");
  pass(1500ms);  // the pool has looked for what ended
  EXPECT_TRUE(lost_.empty());
  for (const pid_t pid : living(instance)) ::kill(pid, SIGKILL);
  EXPECT_EQ(wait_lost(instance).reason, LossReason::Killed);
}

TEST_F(FrozenInstanceTest, OneThatStartsOrWorksIsNotFrozen) {
  const InstanceId starting = start(command({FOREWARM_BOOTSTRAP}, "never_ready"));
  pool_->freeze(starting);
  const InstanceId busy = start_ready("hang", 500ms);
  const RunId id = run(busy, "x");
  pool_->freeze(busy);
  EXPECT_EQ(wait_finished(id).error, ErrorClass::Timeout);
  stop(starting);
  EXPECT_EQ(wait_lost(starting).reason, LossReason::Stopped);
  pool_->freeze(InstanceId(999));
  pool_->thaw(InstanceId(999));
}

TEST_F(FrozenInstanceTest, ARuntimeStandsStillOnlyWhereItWaitsForWork) {
  const InstanceId instance = start_ready("no_next_again", 3s);
  EXPECT_EQ(wait_finished(run(instance, "1")).error, ErrorClass::None);
  pool_->freeze(instance);
  pass(200ms);
  EXPECT_FALSE(stopped(instance));
  EXPECT_EQ(wait_finished(run(instance, "2")).error, ErrorClass::Capacity);
  EXPECT_EQ(wait_lost(instance).reason, LossReason::Killed);

  const InstanceId late = start_ready("late_next");
  wait_finished(run(late, "1"));
  freeze(late);  // it waits for its next call of next
  EXPECT_EQ(wait_finished(run(late, "2")).response, "2");
}

TEST_F(FrozenInstanceTest, EndingThePoolLeavesNothingBehind) {
  const InstanceId plain = start_frozen("ok");
  const InstanceId spinning = start_frozen("spin");
  const InstanceId daemon = start_ready("daemon_then_answer");
  wait_finished(run(daemon, "x"));
  pool_->freeze(daemon);
  pool_.reset();
  EXPECT_TRUE(lost_.empty());
  for (const InstanceId instance : {plain, spinning, daemon}) EXPECT_TRUE(living(instance).empty());
}

TEST_F(FrozenInstanceTest, LeftoversOfAKilledServerAreFoundThoughTheyStandStill) {
  const InstanceId instance = start_frozen("spin");
  EXPECT_GE(kill_leftovers(mark_), 1U);
  EXPECT_EQ(wait_lost(instance).reason, LossReason::Killed);
  EXPECT_EQ(kill_leftovers(mark_), 0U);
}

}  // namespace
}  // namespace forewarm
