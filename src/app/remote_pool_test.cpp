#include "app/remote_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace forewarm {
namespace {

using namespace std::chrono_literals;

const FunctionId kRemote(1);

/// A function elsewhere that answers when the test says so.
class HandFunction final : public RemoteFunction {
 public:
  explicit HandFunction(std::vector<std::pair<RemoteCall, Done>>& calls) : calls_(calls) {}
  void invoke(RemoteCall call, Done done) override { calls_.emplace_back(std::move(call), std::move(done)); }

 private:
  std::vector<std::pair<RemoteCall, Done>>& calls_;
};

class RemotePoolTest : public testing::Test {
 protected:
  RemotePoolTest() {
    config_.name = "orders";
    config_.runtime = "http";
    config_.timeout = 30s;
    pool_ = make_pool(20s);
  }

  std::unique_ptr<RemotePool> make_pool(std::chrono::milliseconds hold_most) {
    RemotePool::Options options;
    options.make = [this](const FunctionConfig&) -> Result<std::unique_ptr<RemoteFunction>> {
      ++made_;
      if (!fault_.empty()) return error(ErrorCode::NotFound, fault_);
      return std::make_unique<HandFunction>(calls_);
    };
    options.warn = [this](const std::string& text) { warnings_.push_back(text); };
    options.hold_most = hold_most;
    auto pool = std::make_unique<RemotePool>(
        loop_, std::move(options), [this](PoolEvent event) { events_.push_back(std::move(event)); });
    pool->define(kRemote, config_);
    return pool;
  }

  void begin_run(std::uint64_t n) { begin_run_on(n, n); }
  void begin_run_on(std::uint64_t instance, std::uint64_t run) {
    pool_->run(InstanceId(instance), {.run = RunId(run), .payload = "p" + std::to_string(run)});
  }
  void start(std::uint64_t count) {
    for (std::uint64_t i = 1; i <= count; ++i) pool_->start(InstanceId(i), kRemote, 0);
    run_until([&] { return of<PoolReady>().size() == count; });
  }
  void answer(std::size_t call, RemoteOutcome outcome) { calls_.at(call).second(std::move(outcome)); }
  void answer(std::size_t call, RemoteEnd end) {
    answer(call, {.end = end, .error_type = "Type", .error_message = "words"});
  }
  template <class Condition>
  void run_until(Condition condition) {
    const auto deadline = Loop::Clock::now() + 20s;
    while (!condition() && Loop::Clock::now() < deadline) loop_.run_until(Loop::Clock::now() + 5ms);
    EXPECT_TRUE(condition());
  }
  void settle() { loop_.run_until(Loop::Clock::now() + 20ms); }
  template <class Wanted>
  std::vector<Wanted> of() const {
    std::vector<Wanted> found;
    for (const PoolEvent& event : events_) {
      if (const auto* wanted = std::get_if<Wanted>(&event)) found.push_back(*wanted);
    }
    return found;
  }

  Loop loop_;
  FunctionConfig config_;
  std::string fault_;
  int made_ = 0;
  std::vector<std::pair<RemoteCall, RemoteFunction::Done>> calls_;
  std::vector<std::string> warnings_;
  std::vector<PoolEvent> events_;
  std::unique_ptr<RemotePool> pool_;
};

TEST_F(RemotePoolTest, ASlotIsReadyAtOnceAndHasOneInvocation) {
  start(1);
  begin_run(1);
  run_until([&] { return calls_.size() == 1; });
  EXPECT_EQ(calls_[0].first.payload, "p1");
  EXPECT_EQ(calls_[0].first.timeout, 30s);
  answer(0, {.response = "done"});
  run_until([&] { return of<PoolFinished>().size() == 1; });
  EXPECT_EQ(of<PoolFinished>()[0].error, ErrorClass::None);
  EXPECT_EQ(of<PoolFinished>()[0].response, "done");
  pool_->stop(InstanceId(1));
  pool_->stop(InstanceId(1));
  settle();
  ASSERT_EQ(of<PoolLost>().size(), 1U);
  EXPECT_EQ(of<PoolLost>()[0].reason, LossReason::Stopped);
}

TEST_F(RemotePoolTest, TheFunctionsFailuresAreItsOwn) {
  start(3);
  for (std::uint64_t i = 1; i <= 3; ++i) begin_run(i);
  run_until([&] { return calls_.size() == 3; });
  answer(0, RemoteEnd::Failed);
  answer(1, RemoteEnd::TimedOut);
  answer(2, RemoteEnd::Crashed);
  run_until([&] { return of<PoolFinished>().size() == 3 && of<PoolLost>().size() == 2; });
  EXPECT_EQ(of<PoolFinished>()[0].error, ErrorClass::Handler);
  EXPECT_EQ(of<PoolFinished>()[0].error_type, "Type");
  EXPECT_EQ(of<PoolFinished>()[1].error, ErrorClass::Timeout);
  EXPECT_EQ(of<PoolLost>()[0].instance, InstanceId(2)) << "the core waits for the slot to go";
  EXPECT_EQ(of<PoolLost>()[0].reason, LossReason::Killed);
  EXPECT_EQ(of<PoolLost>()[1].reason, LossReason::Crashed);
}

TEST_F(RemotePoolTest, WhatIsNotTakenIsTriedAgainAndIsNoOutcome) {
  start(1);
  begin_run(1);
  for (const RemoteEnd end : {RemoteEnd::Throttled, RemoteEnd::Unavailable}) {
    const std::size_t calls = calls_.size();
    run_until([&] { return calls_.size() == calls + 1; });
    answer(calls, end);
  }
  run_until([&] { return calls_.size() == 3; });
  EXPECT_TRUE(of<PoolFinished>().empty());
  answer(2, RemoteEnd::Succeeded);
  run_until([&] { return of<PoolFinished>().size() == 1; });
  EXPECT_EQ(of<PoolFinished>()[0].error, ErrorClass::None);
  EXPECT_EQ(pool_->not_taken(kRemote), (std::array<std::uint64_t, 3>{1, 1, 0}));
  ASSERT_EQ(warnings_.size(), 1U) << "once, not for each";
  EXPECT_NE(warnings_[0].find("'orders' is not taken where it runs; its messages wait (Type: words)"),
            std::string::npos);
}

TEST_F(RemotePoolTest, WhatIsNotTakenForLongIsGivenBackAsACapacityProblem) {
  pool_ = make_pool(400ms);
  start(1);
  begin_run(1);
  std::size_t answered = 0;
  run_until([&] {
    if (answered < calls_.size()) answer(answered++, RemoteEnd::Throttled);
    return of<PoolFinished>().size() == 1;
  });
  EXPECT_EQ(of<PoolFinished>()[0].error, ErrorClass::Capacity);
  EXPECT_EQ(of<PoolFinished>()[0].error_type, "Type");
  EXPECT_LT(calls_.size(), 8U) << "not as fast as it refuses";
  EXPECT_TRUE(of<PoolLost>().empty());
}

TEST_F(RemotePoolTest, OneRefusalKeepsTheOthersFromAskingToo) {
  start(10);
  for (std::uint64_t i = 1; i <= 4; ++i) begin_run(i);
  run_until([&] { return calls_.size() == 4; });
  answer(3, RemoteEnd::Throttled);
  answer(2, RemoteEnd::Throttled);
  settle();
  for (std::uint64_t i = 5; i <= 10; ++i) begin_run(i);
  settle();
  EXPECT_EQ(calls_.size(), 4U) << "two are under way, as many as it takes";
  answer(0, RemoteEnd::Succeeded);
  run_until([&] { return calls_.size() == 5; });
  settle();
  EXPECT_EQ(calls_.size(), 5U);
}

TEST_F(RemotePoolTest, WhatThePlatformStumblesOverWhileItAnswersOthersIsTheMessagesFault) {
  start(2);
  begin_run(1);
  std::size_t seen = 0;
  std::size_t others = 0;
  const auto finished_on = [&](std::uint64_t instance) {
    return static_cast<std::size_t>(
        std::ranges::count(of<PoolFinished>(), InstanceId(instance), &PoolFinished::instance));
  };
  run_until([&] {
    for (; seen < calls_.size(); ++seen) {
      const bool poison = calls_[seen].first.payload == "p1";
      answer(seen, poison ? RemoteEnd::Unavailable : RemoteEnd::Succeeded);
    }
    if (finished_on(2) == others) begin_run_on(2, 2 + others++);
    settle();
    return finished_on(1) == 1;
  });
  const auto finished = of<PoolFinished>();
  const auto first = std::ranges::find(finished, RunId(1), &PoolFinished::run);
  EXPECT_EQ(first->error, ErrorClass::Handler);
}

TEST_F(RemotePoolTest, AtTheEndNothingWaitsToBeTaken) {
  start(2);
  begin_run(1);
  run_until([&] { return calls_.size() == 1; });
  answer(0, RemoteEnd::Throttled);
  settle();
  begin_run(2);
  pool_->give_back();
  run_until([&] { return of<PoolFinished>().size() == 2; });
  for (const PoolFinished& finished : of<PoolFinished>()) EXPECT_EQ(finished.error, ErrorClass::Capacity);
}

TEST_F(RemotePoolTest, AFunctionThatCannotBeAskedSaysWhyAtItsStart) {
  fault_ = "in which region?";
  config_.timeout = 31s;
  pool_->define(kRemote, config_);
  pool_->start(InstanceId(1), kRemote, 0);
  run_until([&] { return of<PoolLost>().size() == 1; });
  EXPECT_EQ(of<PoolLost>()[0].reason, LossReason::StartFailed);
  EXPECT_EQ(of<PoolLost>()[0].detail, "in which region?");
}

TEST_F(RemotePoolTest, TheSameDefinitionChangesNothingAndAnotherLeavesWhatRuns) {
  start(1);
  begin_run(1);
  run_until([&] { return calls_.size() == 1; });
  pool_->define(kRemote, config_);
  EXPECT_EQ(made_, 1);
  config_.timeout = 5s;
  pool_->define(kRemote, config_);
  EXPECT_EQ(made_, 2);
  answer(0, RemoteEnd::Throttled);
  run_until([&] { return of<PoolFinished>().size() == 1; });
  EXPECT_EQ(of<PoolFinished>()[0].error, ErrorClass::Capacity) << "it goes on as it is defined now";
  pool_->start(InstanceId(9), kRemote, 0);
  run_until([&] { return of<PoolReady>().size() == 2; });
  begin_run_on(9, 9);
  run_until([&] { return calls_.size() == 2; });
  EXPECT_EQ(calls_[1].first.timeout, 5s);
}

}  // namespace
}  // namespace forewarm
