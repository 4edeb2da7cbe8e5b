#include "edge/functions/process_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <thread>

#include "e2e/pool_fixture.h"

namespace forewarm {
namespace {

using namespace std::chrono_literals;

class ProcessPoolTest : public PoolFixture {
 protected:
  InstanceId start_bootstrap(std::string how) { return start(command({FOREWARM_BOOTSTRAP}, std::move(how))); }
  InstanceId start_ready(std::string how) {
    const InstanceId instance = start_bootstrap(std::move(how));
    EXPECT_TRUE(wait_ready(instance)) << lost_[instance].detail;
    return instance;
  }
  /// Starts it with short limits and runs one payload.
  std::pair<PoolFinished, PoolLost> run_to_the_end(std::string how, std::chrono::milliseconds timeout = 20s) {
    FunctionCommand function = command({FOREWARM_BOOTSTRAP}, std::move(how));
    function.timeout = timeout;
    const InstanceId instance = start(function);
    EXPECT_TRUE(wait_ready(instance)) << lost_[instance].detail;
    const RunId id = run(instance, "1");
    const PoolLost lost = wait_lost(instance);
    EXPECT_TRUE(finished_.contains(id));
    return {finished_[id], lost};
  }
  /// That one run of a misbehaving runtime succeeded and that the same instance can do another.
  void expect_still_works(std::string how, std::string_view said) {
    const InstanceId instance = start_ready(how);
    EXPECT_EQ(wait_finished(run(instance, "one")).response, "one");
    EXPECT_EQ(wait_finished(run(instance, "two")).response, "two");
    wait_until([&] { return logged(said); });  // passes through a pipe
  }
};

TEST_F(ProcessPoolTest, RunsOneInvocationAfterAnotherOnAWarmInstance) {
  const InstanceId instance = start_ready("ok");
  EXPECT_GT(ready_[instance].start_time, 0us);
  for (int i = 0; i < 20; ++i) {
    const std::string payload = "{\"number\":" + std::to_string(i) + "}";
    const RunId id = run(instance, payload);
    const PoolFinished finished = wait_finished(id);
    EXPECT_EQ(finished.instance, instance);
    EXPECT_EQ(finished.error, ErrorClass::None);
    EXPECT_EQ(finished.response, payload);
    EXPECT_GT(finished.service_time, 0us);
  }
  EXPECT_EQ(pool_->size(), 1U);
  const std::vector<InstanceUsage> usage = pool_->usage();
  ASSERT_EQ(usage.size(), 1U);
  EXPECT_EQ(usage[0].instance, instance);
  EXPECT_EQ(usage[0].function, "test");
  EXPECT_GT(usage[0].memory_bytes, 100'000U);
  EXPECT_GE(usage[0].cpu_seconds, 0);
}

TEST_F(ProcessPoolTest, OutputBelongsToTheRunThatWroteIt) {
  const InstanceId instance = start_ready("ok");
  std::vector<RunId> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(run(instance, "x"));
    wait_finished(ids.back());
  }
  const auto lines = pool_->log_lines("test", 100);
  ASSERT_EQ(lines.size(), 5U);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].run, ids[i]);
    EXPECT_EQ(lines[i].instance, instance);
    EXPECT_EQ(lines[i].text, "working on request-" + std::to_string(ids[i].value()));
  }
}

TEST_F(ProcessPoolTest, AnInvocationCarriesItsHeaders) {
  const InstanceId instance = start_ready("headers");
  const std::string head = wait_finished(run(instance, "{}")).response;
  EXPECT_NE(head.find("Lambda-Runtime-Aws-Request-Id: request-1\r\n"), std::string::npos) << head;
  EXPECT_NE(
      head.find(
          "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:test\r\n"),
      std::string::npos);
  EXPECT_NE(head.find("Lambda-Runtime-Trace-Id: Root=1-2-3\r\n"), std::string::npos);
  const std::size_t at = head.find("Lambda-Runtime-Deadline-Ms: ");
  ASSERT_NE(at, std::string::npos);
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  EXPECT_NEAR(std::stod(head.substr(at + 28)), static_cast<double>((now + 20s).count()), 60'000);
}

TEST_F(ProcessPoolTest, TheServersEnvironmentDoesNotReachAFunction) {
  ASSERT_EQ(setenv("FOREWARM_SECRET", "hush", 1), 0);
  FunctionCommand function = command({FOREWARM_BOOTSTRAP}, "environment");
  function.environment = {{"COLOUR", "red"}};
  const InstanceId instance = start(function);
  ASSERT_TRUE(wait_ready(instance));
  const std::string all = wait_finished(run(instance, "{}")).response;
  EXPECT_EQ(all.find("hush"), std::string::npos);
  EXPECT_NE(all.find("COLOUR=red\n"), std::string::npos);
  EXPECT_NE(all.find("AWS_LAMBDA_FUNCTION_NAME=test\n"), std::string::npos);
  unsetenv("FOREWARM_SECRET");
}

TEST_F(ProcessPoolTest, AHandlersErrorIsReportedAndTheInstanceStays) {
  const InstanceId instance = start_ready("error");
  for (int i = 0; i < 2; ++i) {
    const PoolFinished finished = wait_finished(run(instance, "{}"));
    EXPECT_EQ(finished.error, ErrorClass::Handler);
    EXPECT_EQ(finished.error_type, "Order.Invalid");
    EXPECT_EQ(finished.error_message, "no such order");
  }
  EXPECT_TRUE(lost_.empty());
}

TEST_F(ProcessPoolTest, AnInitErrorIsAFailedStartWithItsReason) {
  const PoolLost lost = wait_lost(start_bootstrap("init_error"));
  EXPECT_EQ(lost.reason, LossReason::StartFailed);
  EXPECT_EQ(lost.detail, "init error Config.Missing: no table name");
  EXPECT_TRUE(ready_.empty());
}

TEST_F(ProcessPoolTest, ExitingEarlyIsAFailedStartWithItsLastWords) {
  const PoolLost lost = wait_lost(start_bootstrap("exit_early"));
  EXPECT_EQ(lost.reason, LossReason::StartFailed);
  EXPECT_EQ(lost.detail, "exited with status 3 before it was ready; last output: cannot open database");
}

TEST_F(ProcessPoolTest, NeverBecomingReadyIsAStartTimeout) {
  FunctionCommand function = command({FOREWARM_BOOTSTRAP}, "never_ready");
  function.init_timeout = 100ms;
  const PoolLost lost = wait_lost(start(function));
  EXPECT_EQ(lost.reason, LossReason::StartTimeout);
  EXPECT_NE(lost.detail.find("not ready after 100 ms"), std::string::npos) << lost.detail;
}

TEST_F(ProcessPoolTest, CommandsThatCannotBeRunSayWhy) {
  const auto detail = [this](FunctionCommand function) {
    const PoolLost lost = wait_lost(start(std::move(function)));
    EXPECT_EQ(lost.reason, LossReason::StartFailed);
    return lost.detail;
  };
  EXPECT_NE(detail(command({"no-such-program"})).find("command not found: no-such-program"),
            std::string::npos);
  EXPECT_NE(detail(command({FOREWARM_HANDLERS "/bootstrap.cpp"})).find("chmod +x"), std::string::npos);
  FunctionCommand lost_directory = command({FOREWARM_BOOTSTRAP});
  lost_directory.working_directory = "/no/such/directory";
  EXPECT_NE(detail(lost_directory).find("/no/such/directory does not exist"), std::string::npos);
  const InstanceId undefined(++instances_);
  pool_->start(undefined, FunctionId(999), 0);
  EXPECT_NE(wait_lost(undefined).detail.find("has no command"), std::string::npos);
  EXPECT_EQ(pool_->size(), 0U);
}

TEST_F(ProcessPoolTest, ATimedOutRunEndsWithItsWholeTree) {
  for (const char* how : {"hang", "daemons_then_hang", "bare_session_then_hang", "stop_itself"}) {
    const auto [finished, lost] = run_to_the_end(how, 300ms);
    EXPECT_EQ(finished.error, ErrorClass::Timeout) << how;
    EXPECT_EQ(finished.error_type, "Function.TimedOut");
    EXPECT_GE(finished.service_time, 300ms);
    EXPECT_EQ(lost.reason, LossReason::Killed);
    EXPECT_EQ(lost.detail, "timed out after 300 ms");
  }
  // The one that dropped its environment is known by its name only.
  for (const pid_t child : children_of(getpid())) ADD_FAILURE() << "left: " << child;
}

TEST_F(ProcessPoolTest, ACrashEndsTheRunAndThenTheInstance) {
  for (const char* how : {"crash", "daemons_then_crash"}) {
    const auto [finished, lost] = run_to_the_end(how);
    EXPECT_EQ(finished.error, ErrorClass::Crash) << how;
    EXPECT_EQ(lost.reason, LossReason::Crashed);
    EXPECT_NE(lost.detail.find("signal 6"), std::string::npos) << lost.detail;
  }
  EXPECT_EQ(run_to_the_end("exit_mid_run").second.detail, "exited with status 0");
  const auto [finished, lost] = run_to_the_end("killed");
  EXPECT_EQ(finished.error, ErrorClass::Crash);
  EXPECT_EQ(lost.reason, LossReason::Killed);
  EXPECT_NE(lost.detail.find("memory"), std::string::npos) << lost.detail;
}

TEST_F(ProcessPoolTest, DaemonsOfAFailedStartAreGoneToo) {
  EXPECT_EQ(wait_lost(start_bootstrap("daemon_then_exit_early")).reason, LossReason::StartFailed);
}

TEST_F(ProcessPoolTest, StoppingAnIdleInstanceIsQuickAndOneThatIgnoresItIsKilled) {
  make_pool({.stop_grace = 60s});
  const InstanceId polite = start_ready("ok");
  stop(polite);
  EXPECT_EQ(wait_lost(polite).reason, LossReason::Stopped);
  make_pool({.stop_grace = 100ms});
  const InstanceId stubborn = start_ready("ignore_term");
  stop(stubborn);
  stop(stubborn);
  EXPECT_EQ(wait_lost(stubborn).reason, LossReason::Stopped);
}

TEST_F(ProcessPoolTest, StoppingWhileItStartsOrHasLeftADaemonBehindEndsAllOfIt) {
  const InstanceId starting = start_bootstrap("never_ready");
  stop(starting);
  EXPECT_EQ(wait_lost(starting).reason, LossReason::Stopped);
  const InstanceId parent = start_ready("daemon_then_answer");
  wait_finished(run(parent, "x"));
  stop(parent);
  EXPECT_EQ(wait_lost(parent).reason, LossReason::Stopped);
}

TEST_F(ProcessPoolTest, RuntimesThatBreakTheProtocolGetTheRightStatusAndGoOn) {
  expect_still_works("double_response", "double response 403");
  expect_still_works("error_after_response", "error after response 403");
  expect_still_works("wrong_id", "wrong id 400");
  expect_still_works("wrong_method", "wrong method 405");
  expect_still_works("wrong_path", "wrong path 404");
  expect_still_works("next_twice", "second next 403");
  expect_still_works("late_init_error", "late init error 403");
}

TEST_F(ProcessPoolTest, ARuntimeThatClosesHalfItsSocketCanGoOn) {
  expect_still_works("half_close", "half-closed next got ");
}

TEST_F(ProcessPoolTest, AResponseOverTheLimitIsAHandlersError) {
  const InstanceId instance = start_ready("too_large");
  const PoolFinished finished = wait_finished(run(instance, "{}"));
  EXPECT_EQ(finished.error, ErrorClass::Handler);
  EXPECT_EQ(finished.error_type, "Function.ResponseSizeTooLarge");
  wait_until([&] { return logged("too large 413"); });
}

TEST_F(ProcessPoolTest, StreamedResponsesAreJoinedAndABrokenOneIsAnError) {
  EXPECT_EQ(wait_finished(run(start_ready("stream"), "{}")).response, "first second");
  const PoolFinished broken = wait_finished(run(start_ready("stream_broken"), "{}"));
  EXPECT_EQ(broken.error, ErrorClass::Handler);
  EXPECT_EQ(broken.error_type, "Stream.Broken");
  EXPECT_EQ(broken.error_message, "cut");
  const PoolFinished large = wait_finished(run(start_ready("stream_large"), "{}"));
  EXPECT_EQ(large.error, ErrorClass::None) << large.error_message;
  EXPECT_EQ(large.response.size(), (7U << 20) + 12);
}

TEST_F(ProcessPoolTest, AResponseModeThatIsNotKnownIsAnError) {
  const PoolFinished finished = wait_finished(run(start_ready("wrong_mode"), "{}"));
  EXPECT_EQ(finished.error, ErrorClass::Handler);
  EXPECT_EQ(finished.error_type, "InvalidFunctionResponseMode");
  wait_until([&] { return logged("wrong mode 400"); });
}

TEST_F(ProcessPoolTest, AHundredMegabytesOfOutputStayWithinTheRing) {
  make_pool({.log_lines_max = 500});
  const InstanceId instance = start_ready("flood");
  EXPECT_EQ(wait_finished(run(instance, "after the flood")).response, "after the flood");
  EXPECT_LE(pool_->log_lines("test", 1'000'000).size(), 500U);
}

TEST_F(ProcessPoolTest, ARuntimeThatNeverAsksAgainDoesNotCostTheMessageAnAttempt) {
  FunctionCommand function = command({FOREWARM_BOOTSTRAP}, "no_next_again");
  function.timeout = 3s;
  const InstanceId instance = start(function);
  ASSERT_TRUE(wait_ready(instance));
  EXPECT_EQ(wait_finished(run(instance, "1")).error, ErrorClass::None);
  EXPECT_EQ(wait_finished(run(instance, "2")).error, ErrorClass::Capacity);
  EXPECT_EQ(wait_lost(instance).reason, LossReason::Killed);
}

TEST_F(ProcessPoolTest, ARunOnAnInstanceThatIsNotFreeIsACapacityProblem) {
  EXPECT_EQ(wait_finished(run(InstanceId(999), "x")).error, ErrorClass::Capacity);
  const InstanceId instance = start_bootstrap("never_ready");
  EXPECT_EQ(wait_finished(run(instance, "x")).error, ErrorClass::Capacity);
}

TEST_F(ProcessPoolTest, RunningOutOfDescriptorsFailsTheStartAndNothingElse) {
  const InstanceId survivor = start_ready("ok");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  std::vector<InstanceId> failed;
  for (rlim_t spare = 0; spare < 5; ++spare) {
    // Each time, as what ended last may have given one back.
    const int next_free = dup(0);
    close(next_free);
    rlimit tight = before;
    tight.rlim_cur = static_cast<rlim_t>(next_free) + spare;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
    const InstanceId instance = start_bootstrap("ok");
    wait_until([&] { return lost_.contains(instance) || ready_.contains(instance); });
    if (lost_.contains(instance)) failed.push_back(instance);
    stop(instance);
    wait_lost(instance);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  }
  ASSERT_GE(failed.size(), 2U);
  for (const InstanceId instance : failed) {
    EXPECT_EQ(lost_[instance].reason, LossReason::StartFailed) << lost_[instance].detail;
    EXPECT_NE(lost_[instance].detail.find("limit of open files"), std::string::npos)
        << lost_[instance].detail;
  }
  EXPECT_EQ(wait_finished(run(survivor, "still here")).response, "still here");
}

TEST_F(ProcessPoolTest, EndingThePoolLeavesNothingBehind) {
  for (int i = 0; i < 5; ++i) start_bootstrap("never_ready");
  const InstanceId daemon = start_ready("daemon_then_answer");
  wait_finished(run(daemon, "x"));
  start_bootstrap("ok");  // not even spawned perhaps
  pool_.reset();
  EXPECT_TRUE(lost_.empty());
  for (std::uint64_t id = 1; id <= instances_; ++id) EXPECT_TRUE(living(InstanceId(id)).empty());
}

TEST_F(ProcessPoolTest, LeftoversOfAKilledServerAreFoundByTheirMark) {
  start_ready("ok");
  EXPECT_EQ(kill_leftovers(""), 0U);
  EXPECT_EQ(kill_leftovers("another server"), 0U);
  EXPECT_GE(kill_leftovers(mark_), 1U);  // the first of a namespace may take the others with it
  EXPECT_EQ(wait_lost(InstanceId(instances_)).reason, LossReason::Killed);
  EXPECT_EQ(kill_leftovers(mark_), 0U);
}

TEST_F(ProcessPoolTest, ManyInstancesStartAndStopWithoutLeakingDescriptors) {
  const auto open_descriptors = [] {
    const int next_free = dup(0);
    close(next_free);
    return next_free;
  };
  start_ready("ok");
  const int before = open_descriptors();
  for (int round = 0; round < 3; ++round) {
    std::vector<InstanceId> started;
    for (int i = 0; i < 20; ++i) started.push_back(start_bootstrap("ok"));
    for (const InstanceId instance : started) EXPECT_TRUE(wait_ready(instance));
    for (const InstanceId instance : started) stop(instance);
    for (const InstanceId instance : started) wait_lost(instance);
  }
  loop_.run_until(Loop::Clock::now());
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace forewarm
