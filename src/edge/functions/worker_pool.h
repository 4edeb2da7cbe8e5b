#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "edge/functions/instance_pool.h"
#include "edge/functions/worker_protocol.h"
#include "edge/net/http.h"
#include "edge/net/loop.h"

namespace forewarm {

/// A function whose instances are workers: programs elsewhere that call here for their invocations.
struct WorkerFunction {
  std::string name{};
  std::string arn{};
  std::chrono::milliseconds timeout{30'000};
  std::chrono::milliseconds start_timeout{120'000};  ///< a start that no worker answers is taken back then
  bool end_surplus = false;  ///< a worker that is not needed any more is told to end; else it stays, unused

  friend bool operator==(const WorkerFunction&, const WorkerFunction&) = default;
};

/// A worker that says which pod of Kubernetes it is in, and what it does there.
struct PoolWorkerPod {
  enum class Use : std::uint8_t { Unused, Idle, Busy };  ///< no instance; one that waits; one that has a run
  FunctionId function;
  std::string pod{};  ///< as kPodHeader has it
  Use use = Use::Unused;
  std::chrono::milliseconds since{};  ///< for so long
};

/// Instances that are workers elsewhere, which poll the Lambda Runtime API over the network
/// (docs/workers.md).
///
/// A worker begins to be when it first asks for the next invocation. It answers the oldest start that waits,
/// or stays unused until there is one: how many there are is up to whoever runs them. It is there for as long
/// as it has a request open: `next` while it is idle, a heartbeat while it works. Each is answered within
/// `hold`, so that a connection whose other end has gone without a word is found out: after `lost_after`
/// without a request it is lost, and its run with it.
///
/// All calls, requests and `report` on the loop's thread; `report` is never called from inside a call.
class WorkerPool final : public InstancePool {
 public:
  struct Options {
    std::chrono::milliseconds hold{10'000};
    std::chrono::milliseconds lost_after{10'000};
    std::size_t workers_max = 20'000;
    std::function<void(const std::string&)> warn{};
  };
  WorkerPool(Loop& loop, Options options, std::function<void(PoolEvent)> report);

  void define(FunctionId function, WorkerFunction as);
  /// A request of a worker that has shown the function's token.
  void handle(FunctionId function, HttpRequest request, std::shared_ptr<HttpReply> reply);

  void start(InstanceId instance, FunctionId function, std::uint16_t variant) override;
  void run(InstanceId instance, Invocation invocation) override;
  void stop(InstanceId instance) override;
  void release(InstanceId instance) override;
  void freeze(InstanceId) override {}
  void thaw(InstanceId) override {}

  /// Workers of a function: those that are instances, and those that are not needed.
  std::array<std::uint32_t, 2> workers(FunctionId function) const;
  /// Of all functions, but for those that are told to end.
  std::vector<PoolWorkerPod> pods() const;

 private:
  using Clock = Loop::Clock;
  struct Job {
    Invocation invocation;  ///< its payload is gone once it is handed out
    Clock::time_point since{};
    bool handed_out = false;
  };
  struct Worker {
    FunctionId function;
    std::string name{};
    std::string pod{};
    Clock::time_point turned{};  ///< when what it is used for became what it is
    InstanceId instance{};       ///< none: it is not needed
    std::shared_ptr<HttpReply> next{};
    std::shared_ptr<HttpReply> heartbeat{};
    Clock::time_point next_since{};
    Clock::time_point heartbeat_since{};
    Clock::time_point heard{};  ///< when it last had a request open, while it has none
    std::optional<Job> job{};
    std::string last_request{};
    bool ending = false;  ///< it is told to end whenever it asks
  };
  using WorkerPtr = std::shared_ptr<Worker>;
  struct WaitingStart {
    InstanceId instance;
    Clock::time_point since{};
  };

  void next(FunctionId function, const WorkerCall& call, const HttpRequest& request,
            std::shared_ptr<HttpReply> reply);
  static bool has_had_run(const Worker& worker, const HttpRequest& request);
  void heartbeat(const WorkerPtr& worker, std::shared_ptr<HttpReply> reply);
  void answer(const WorkerPtr& worker, std::string_view request_id, HttpRequest request, bool response,
              HttpReply& reply);
  void goodbye(const WorkerPtr& worker, const HttpRequest& request, HttpReply& reply);
  void hold(std::shared_ptr<HttpReply>& place, Clock::time_point& since, const WorkerPtr& worker,
            std::shared_ptr<HttpReply> reply);
  WorkerPtr find(FunctionId function, const std::string& name) const;
  WorkerPtr bound(InstanceId instance) const;
  const WorkerFunction& function_of(const Worker& worker) const { return functions_.at(worker.function); }
  void use(const WorkerPtr& worker);
  void hand_out(Worker& worker);
  bool take_back(InstanceId instance);
  void dismiss(Worker& worker);
  void unbind(Worker& worker, LossReason reason, std::string detail, bool later);
  void finish(Worker& worker, PoolFinished finished);
  void give_back(Worker& worker, std::string why);
  void gone(const WorkerPtr& worker, LossReason reason, const std::string& detail);
  void report_later(PoolEvent event);
  void arm();
  void tick();
  bool look_at(const WorkerPtr& worker, Clock::time_point now);
  void overdue(Worker& worker);

  Loop& loop_;
  Options options_;
  std::function<void(PoolEvent)> report_;
  std::map<FunctionId, WorkerFunction> functions_;
  std::map<std::pair<FunctionId, std::string>, WorkerPtr> workers_;
  std::map<InstanceId, WorkerPtr> bound_;
  std::map<FunctionId, std::deque<WaitingStart>> waiting_;
  std::unique_ptr<Loop::Timer> ticker_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace forewarm
