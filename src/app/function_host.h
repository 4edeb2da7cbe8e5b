#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/function_directory.h"
#include "app/function_runtime.h"
#include "app/queue_service.h"
#include "base/id_map.h"
#include "core/model/action.h"
#include "core/model/event.h"
#include "edge/functions/process_pool.h"
#include "edge/observe/dashboard.h"

namespace forewarm {

/// Between the core, which knows messages and runs, and the process pool, which knows invocations: makes the
/// event that a function gets for a batch of messages, and reads from its answer which of them failed.
class FunctionHost {
 public:
  struct Options {
    std::string owner_mark;  ///< see ProcessPool
    std::function<void(const LogLine&)> log;
    IsolationLevel isolation = IsolationLevel::On;
    std::uint32_t user_first = 0;
    std::string data_folder;  ///< hidden from functions
  };
  /// What it needs of the server.
  struct Surroundings {
    std::function<void(Event)> report;
    QueueService* queues = nullptr;
    std::function<void(std::string_view)> warn;
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

  ProcessPool& pool() { return *pool_; }
  /// The newest `limit` lines that instances of a function (empty: of any) wrote, oldest first.
  std::vector<LogEntry> log_entries(std::string_view function, std::size_t limit) const;

 private:
  struct Trial {
    Invocation invocation;
    std::function<void(Result<std::string>)> done;
  };

  void on(PoolEvent event);
  void finished(const PoolFinished& event);
  void trial_event(const PoolEvent& event, InstanceId instance);

  Options options_;
  Surroundings surroundings_;
  std::unique_ptr<ProcessPool> pool_;
  struct Running {
    std::vector<Lease> leases;
    bool names_failures = false;  ///< its response is Lambda's
  };
  std::map<FunctionId, FunctionRuntime> runtimes_;
  IdMap<RunId, Running> running_;
  std::map<InstanceId, Trial> trials_;
  std::uint64_t next_trial_ = 0;
};

}  // namespace forewarm
