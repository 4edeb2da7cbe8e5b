#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "app/config.h"
#include "edge/cloud/invoke/invoke_gate.h"
#include "edge/cloud/invoke/remote_function.h"
#include "edge/functions/instance_pool.h"
#include "edge/net/loop.h"

namespace forewarm {

/// Instances of functions that run elsewhere. Nothing can be started there without invoking it, so an
/// instance is a slot: the right to have one invocation under way. It is ready at once.
///
/// What the function's platform does not take (a throttle, trouble of its own, no connection, no permission)
/// is no outcome of a run: the run waits in its slot and is tried again as the function's InvokeGate lets it,
/// and is given back as a capacity problem, which costs the message no attempt, if that takes too long. So a
/// refused function is not asked by every free slot as fast as it refuses. A run on which the platform
/// stumbles again and again while it answers others is its message's fault, and fails.
///
/// All calls and `report` on the loop's thread; `report` is never called from inside a call.
class RemotePool final : public InstancePool {
 public:
  struct Options {
    std::function<Result<std::unique_ptr<RemoteFunction>>(const FunctionConfig&)> make;
    std::function<void(const std::string&)> warn;
    std::chrono::milliseconds hold_most{20'000};  ///< a run that is not taken is given back then
  };
  RemotePool(Loop& loop, Options options, std::function<void(PoolEvent)> report);
  ~RemotePool() override;  ///< what is under way ends without an outcome

  /// Later starts are slots of this, and what waits for the function as it was is given back. The same again
  /// changes nothing.
  void define(FunctionId function, const FunctionConfig& config);
  void start(InstanceId id, FunctionId function, std::uint16_t variant) override;
  void run(InstanceId id, Invocation invocation) override;
  void stop(InstanceId id) override;
  void freeze(InstanceId) override {}
  void thaw(InstanceId) override {}

  /// Runs that wait to be taken are given back now, and so are those that are refused from now on: the server
  /// ends.
  void give_back();
  /// Invocations of a function that were not taken: throttled, unavailable, refused.
  std::array<std::uint64_t, 3> not_taken(FunctionId function) const;

 private:
  using Clock = Loop::Clock;
  /// A function as one definition had it.
  struct Place {
    Place(FunctionId of, const FunctionConfig& as, std::uint64_t seed) : id(of), config(as), gate(seed) {}
    FunctionId id;
    FunctionConfig config;
    std::unique_ptr<RemoteFunction> function{};
    std::string fault{};  ///< why there is none
    InvokeGate gate;
    std::deque<RunId> waiting{};
    std::uint64_t answers = 0;
    bool replaced = false;  ///< by another definition: what it does not take goes back at once
    std::unique_ptr<Loop::Timer> timer{};
    std::optional<Clock::time_point> warned_at{};
  };
  struct Slot {
    std::shared_ptr<Place> place;
    RunId run{};
    bool stopping = false;
  };
  struct HeldRun {
    InstanceId instance;
    std::shared_ptr<Place> place;
    RemoteCall call{};
    Clock::time_point since{};  ///< handed to the pool
    Clock::time_point begun{};  ///< its newest invocation
    std::uint32_t stumbles = 0;
    std::uint64_t answers_before = 0;  ///< of the function, at its first stumble
    PoolFinished refusal{};            ///< as it would be given back
  };

  void later(std::function<void()> task);
  void pump(const std::shared_ptr<Place>& place);
  void invoke(RunId id, HeldRun& run);
  void returned(RunId id, RemoteOutcome outcome);
  void not_taken(RunId id, HeldRun& run, RemoteOutcome outcome);
  void finish(RunId id, PoolFinished finished, std::optional<LossReason> loss = {});
  void lose(InstanceId id, LossReason reason, std::string detail);
  void warn(Place& place, const RemoteOutcome& outcome);

  Loop& loop_;
  Options options_;
  std::function<void(PoolEvent)> report_;
  std::map<FunctionId, std::shared_ptr<Place>> places_;
  std::map<InstanceId, Slot> slots_;
  std::map<RunId, HeldRun> runs_;
  std::map<FunctionId, std::array<std::uint64_t, 3>> not_taken_;
  bool ending_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace forewarm
