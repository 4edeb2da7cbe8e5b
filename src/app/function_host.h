#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/dead_letters.h"
#include "app/function_directory.h"
#include "app/function_runtime.h"
#include "app/queue_service.h"
#include "app/remote_pool.h"
#include "base/id_map.h"
#include "core/model/action.h"
#include "core/model/event.h"
#include "edge/functions/process_pool.h"
#include "edge/functions/worker_pool.h"
#include "edge/observe/dashboard.h"
#include "edge/observe/otlp/trace_context.h"

namespace forewarm {

/// A request id as Lambda's look: a UUID, made from the run's number.
std::string request_id(RunId run);

/// Between the core, which knows messages and runs, and the pools, which know invocations: instances that are
/// processes here, those of functions that run elsewhere, and workers that call from there. Makes the event
/// that a function gets for a batch of messages, and reads from its answer which of them failed.
class FunctionHost {
 public:
  struct Options {
    std::string owner_mark;  ///< see ProcessPool
    std::function<void(const LogLine&)> log;
    IsolationLevel isolation = IsolationLevel::On;
    std::uint32_t user_first = 0;
    int nice = 0;             ///< of instances
    std::string data_folder;  ///< hidden from functions
    Duration worker_lost_after = 10s;
  };
  /// What it needs of the server.
  struct Surroundings {
    std::function<void(Event)> report;
    QueueService* queues = nullptr;
    std::function<void(std::string_view)> warn;
    DeadLetters* dead_letters = nullptr;
    std::function<TimePoint()> now;
    /// The trace that a run is to be a part of; may be empty.
    std::function<std::optional<TraceContext>(RunId)> trace{};
  };
  static Options options_of(const ServerConfig& config, const std::string& owner_mark);
  FunctionHost(Loop& loop, Options options, Surroundings surroundings);

  void define(const FunctionEntry& function);
  /// A StartInstance, StopInstance, FreezeInstance or ThawInstance.
  void perform(const Action& action);
  void run(const Run& run);
  /// Runs a function once on an instance of its own, outside the core: for trying it out.
  void invoke(const FunctionEntry& function, std::string payload,
              std::function<void(Result<std::string>)> done);

  /// Trials that are not answered yet.
  std::size_t trials() const { return trials_.size(); }
  /// The server is ending: from now on invoke() answers Closed, and what a function elsewhere does not take
  /// is not waited for.
  void begin_end();
  /// Answers all that are under way with Closed; their instances are killed with the server.
  void abandon_trials();

  ProcessPool& pool() { return *pool_; }
  const RemotePool& elsewhere() const { return remote_; }
  WorkerPool& workers() { return workers_; }
  /// The newest `limit` lines that instances of a function (empty: of any) wrote, oldest first.
  std::vector<LogEntry> log_entries(std::string_view function, std::size_t limit) const;

 private:
  struct Trial {
    InstancePool* pool = nullptr;
    Invocation invocation;
    std::function<void(Result<std::string>)> done;
  };

  struct Running {
    InstanceId instance;
    FunctionId function;
    std::vector<Lease> leases;
    bool names_failures = false;  ///< its response is Lambda's
  };
  struct Started {
    InstancePool* pool = nullptr;
    std::uint32_t version = 0;  ///< of the function then
  };

  InstancePool& pool_of(FunctionId function);
  void on(PoolEvent event);
  void finished(const PoolFinished& event);
  void lost(const PoolLost& event);
  void note_failed(const Running& running, const std::vector<MessageId>& failed, FailedRun run) const;
  void trial_event(const PoolEvent& event, InstanceId instance);

  Options options_;
  Surroundings surroundings_;
  std::unique_ptr<ProcessPool> pool_;
  RemotePool remote_;
  WorkerPool workers_;
  std::map<RunId, Running> running_;
  std::map<FunctionId, std::string> names_;
  std::map<InstanceId, Started> started_;
  std::map<FunctionId, FunctionRuntime> runtimes_;
  std::map<InstanceId, Trial> trials_;
  std::uint64_t next_trial_ = 0;
  bool refuses_trials_ = false;
};

}  // namespace forewarm
