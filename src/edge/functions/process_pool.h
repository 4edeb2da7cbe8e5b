#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/model/ids.h"
#include "edge/functions/instance_pool.h"
#include "edge/functions/isolation.h"
#include "edge/net/loop.h"

namespace forewarm {

/// How a function's program hears of its invocations.
enum class RuntimeKind : std::uint8_t {
  Lambda,              ///< it calls the AWS Lambda Runtime API
  AzureCustomHandler,  ///< it is an HTTP server, called as the Azure Functions host calls a custom handler
  FunctionsFramework,  ///< it is an HTTP server, called as Google Cloud calls the Functions Framework
};

/// How instances of one function (and variant) are started.
struct FunctionCommand {
  std::string name{};
  RuntimeKind runtime = RuntimeKind::Lambda;
  std::string fault{};  ///< why it cannot be started at all; empty: it can
  std::uint32_t version = 1;
  std::vector<std::string> command{};  ///< program and arguments; looked up in PATH
  std::string working_directory{};     ///< empty: the server's
  std::string app_root{};              ///< Azure: the folder of host.json
  std::map<std::string, std::string> environment{};
  std::string handler{};  ///< which function of the program; empty: that of the kind's custom
  std::uint64_t memory_bytes = 128ULL << 20;  ///< AWS_LAMBDA_FUNCTION_MEMORY_SIZE; a limit where isolated
  std::chrono::milliseconds timeout{30'000};
  std::chrono::milliseconds init_timeout{10'000};  ///< until it is ready, as in Lambda
  // Of isolated instances only. Paths are absolute, or relative to the working directory.
  std::vector<std::string> read_paths{};   ///< what they see beside the system and the working directory
  std::vector<std::string> write_paths{};  ///< and may change
  bool network = true;                     ///< false: no connections but with the server
  std::uint64_t tmp_bytes = 512ULL << 20;  ///< of their own /tmp
  std::uint64_t processes_max = 1024;      ///< processes and threads
};

/// What one instance's process tree uses.
struct InstanceUsage {
  InstanceId instance;
  std::string function{};          ///< its name
  double cpu_seconds = 0;          ///< since it was started; never falls
  std::uint64_t memory_bytes = 0;  ///< resident
};

/// A line that an instance wrote to its standard output or error.
struct LogLine {
  std::chrono::system_clock::time_point at;
  std::string function{};
  InstanceId instance;
  RunId run;  ///< the one it had then, if any
  std::string text{};
};

/// Instances as processes, each with a loopback port of its own: a listener of ours, so that which instance
/// calls is known without trusting it, or one of theirs. Unmodified runtimes need nothing but the variable
/// that names it. Started with posix_spawn (a fork of a large parent blocks for milliseconds). A timed-out,
/// failed or stopped instance's whole process tree is gone before its PoolLost is reported. After a crash or
/// timeout during a run, PoolLost follows the PoolFinished of that run.
///
/// All calls and `report` on the loop's thread; `report` is never called from inside a call.
class ProcessPool : public InstancePool {
 public:
  struct Options {
    std::chrono::milliseconds stop_grace{2'000};  ///< from SIGTERM to SIGKILL
    std::size_t log_lines_max = 10'000;           ///< kept in memory, over all functions
    std::function<void(const LogLine&)> log{};    ///< each line as it comes; may be empty
    std::string owner_mark{};  ///< put into each process's environment, to find what a killed server left
    IsolationLevel isolation = IsolationLevel::Off;
    std::uint32_t user_first = 0;                       ///< see IsolationSettings; 0: its default
    int nice = 0;                                       ///< of instances; 0: as of this process
    std::string data_folder{};                          ///< hidden from isolated instances
    std::function<void(const std::string&)> warn = {};  ///< what an operator should know
  };
  static std::unique_ptr<ProcessPool> make(Loop& loop, const Options& options,
                                           std::function<void(PoolEvent)> report);
  // Its destructor kills everything and waits until it is gone.

  /// Later starts of this function and variant use this command.
  virtual void define(FunctionId function, std::uint16_t variant, FunctionCommand command) = 0;
  // start() and the others are InstancePool's. stop(): SIGTERM, then SIGKILL after the grace; an idle runtime
  // (waiting in /next) is told at once. freeze(): SIGSTOP to the process group of an idle instance, at once
  // or when its runtime waits in /next; it keeps its memory and uses no processor. What has left the process
  // group goes on. thaw(): SIGCONT; run() and stop() do it too.
  virtual std::vector<LogLine> log_lines(std::string_view function, std::size_t count) const = 0;
  virtual std::size_t size() const = 0;
  /// What isolates instances here; empty where isolation is off.
  virtual std::vector<LayerState> isolation() const = 0;
  /// What the instances use now, from /proc: a look at every process, for once in a while.
  virtual std::vector<InstanceUsage> usage() const = 0;
};

/// Kills the processes that a server killed earlier left behind: those with `owner_mark` in their
/// environment. Returns how many.
std::size_t kill_leftovers(std::string_view owner_mark);

}  // namespace forewarm
