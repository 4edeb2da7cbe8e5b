#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "edge/functions/process_pool.h"
#include "edge/functions/process_tree.h"

namespace forewarm {

/// A pool with its loop, and the events that came out of it by kind. Waits are bounded; nothing depends on
/// timing.
class PoolFixture : public ::testing::Test {
 protected:
  static constexpr const char* kMark = "forewarm-pool-test";

  void SetUp() override { make_pool({}); }
  static bool isolated() { return std::getenv("FOREWARM_TEST_ISOLATED") != nullptr; }
  bool has(IsolationLayer layer) const {
    return std::ranges::any_of(pool_->isolation(),
                               [&](const LayerState& each) { return each.layer == layer && each.active; });
  }

  void make_pool(ProcessPool::Options options) {
    pool_.reset();
    options.owner_mark = kMark + std::to_string(::getpid());
    mark_ = options.owner_mark;
    // The same promises hold isolated: each test runs both ways.
    if (isolated()) options.isolation = IsolationLevel::On;
    options.warn = [this](const std::string& text) { warnings_.push_back(text); };
    pool_ = ProcessPool::make(loop_, options, [this](PoolEvent event) {
      EXPECT_FALSE(calling_) << "reported from inside a call";
      if (const auto* lost = std::get_if<PoolLost>(&event)) {
        lost_[lost->instance] = *lost;
        // The invariant: when a loss is reported nothing of the tree is there any more.
        left_at_loss_[lost->instance] = living(lost->instance);
      } else if (const auto* finished = std::get_if<PoolFinished>(&event)) {
        const bool never_began = finished->error == ErrorClass::Capacity;
        EXPECT_TRUE(never_began || !lost_.contains(finished->instance))
            << "a run's end comes before its instance's loss";
        finished_[finished->run] = *finished;
      } else {
        ready_[std::get<PoolReady>(event).instance] = std::get<PoolReady>(event);
      }
      loop_.wake();
    });
  }

  /// Processes that carry the mark of this pool and instance.
  std::vector<pid_t> living(InstanceId instance) const {
    std::vector<pid_t> found;
    const std::string entry =
        "FOREWARM_INSTANCE=" + std::to_string(::getpid()) + "-" + std::to_string(instance.value());
    for (const pid_t pid : all_processes()) {
      if (has_environment_entry(pid, entry)) found.push_back(pid);
    }
    return found;
  }

  FunctionCommand command(std::vector<std::string> what, std::string handler = {}) const {
    FunctionCommand function;
    function.name = "test";
    function.command = std::move(what);
    function.handler = std::move(handler);
    function.timeout = std::chrono::seconds(20);
    function.init_timeout = std::chrono::seconds(20);
    // LeakSanitizer traces its own process, which isolation refuses.
    if (isolated()) function.environment["ASAN_OPTIONS"] = "detect_leaks=0";
    return function;
  }

  InstanceId start(FunctionCommand function) {
    const FunctionId id(++functions_);
    pool_->define(id, 0, std::move(function));
    const InstanceId instance(++instances_);
    calling_ = true;
    pool_->start(instance, id, 0);
    calling_ = false;
    return instance;
  }
  RunId run(InstanceId instance, std::string payload) {
    const RunId id(++runs_);
    calling_ = true;
    pool_->run(instance, {.run = id,
                          .request_id = "request-" + std::to_string(id.value()),
                          .payload = std::move(payload),
                          .trace_header = "Root=1-2-3"});
    calling_ = false;
    return id;
  }
  void stop(InstanceId instance) {
    calling_ = true;
    pool_->stop(instance);
    calling_ = false;
  }

  /// Whether all processes of an instance stand still (T in /proc/PID/stat).
  bool stopped(InstanceId instance) const {
    const std::vector<pid_t> all = living(instance);
    return !all.empty() && std::ranges::all_of(all, [](pid_t pid) {
      std::string line;
      std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), line);
      const std::size_t name_end = line.rfind(')');
      return name_end + 2 < line.size() && line[name_end + 2] == 'T';
    });
  }
  /// And waits until it stands still.
  void freeze(InstanceId instance) {
    pool_->freeze(instance);
    wait_until([&] { return stopped(instance); });
  }

  bool wait_until(const std::function<bool()>& holds) {
    const auto deadline = Loop::Clock::now() + std::chrono::seconds(60);
    while (!holds() && Loop::Clock::now() < deadline)
      loop_.run_until(Loop::Clock::now() + std::chrono::milliseconds(20));
    EXPECT_TRUE(holds()) << "nothing came of it in time";
    return holds();
  }
  bool wait_ready(InstanceId instance) {
    return wait_until([&] { return ready_.contains(instance) || lost_.contains(instance); }) &&
           ready_.contains(instance);
  }
  PoolFinished wait_finished(RunId run) {
    wait_until([&] { return finished_.contains(run); });
    return finished_[run];
  }
  PoolLost wait_lost(InstanceId instance) {
    wait_until([&] { return lost_.contains(instance); });
    EXPECT_EQ(left_at_loss_[instance], std::vector<pid_t>()) << "processes left when the loss was reported";
    return lost_[instance];
  }
  bool logged(std::string_view text) const {
    for (const LogLine& line : pool_->log_lines("test", 100'000)) {
      if (line.text.find(text) != std::string::npos) return true;
    }
    return false;
  }

  Loop loop_;
  std::unique_ptr<ProcessPool> pool_;
  std::string mark_;
  std::map<InstanceId, PoolReady> ready_;
  std::map<InstanceId, PoolLost> lost_;
  std::map<InstanceId, std::vector<pid_t>> left_at_loss_;
  std::map<RunId, PoolFinished> finished_;
  std::uint32_t functions_ = 0;
  std::uint64_t instances_ = 0;
  std::uint64_t runs_ = 0;
  std::vector<std::string> warnings_;
  bool calling_ = false;
};

}  // namespace forewarm
