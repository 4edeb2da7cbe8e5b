#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edge/functions/instance_link.h"
#include "edge/functions/output_lines.h"
#include "edge/functions/process_pool.h"
#include "edge/functions/process_tree.h"
#include "edge/functions/run_memory.h"
#include "edge/functions/spawn.h"

namespace forewarm {

/// What an instance needs of its pool.
class InstanceHost {
 public:
  virtual ~InstanceHost() = default;
  virtual Loop& loop() = 0;
  virtual std::chrono::milliseconds stop_grace() const = 0;
  virtual void report(PoolEvent event) = 0;
  virtual void log(LogLine line) = 0;
  /// First processes of all instances, sorted.
  virtual const std::vector<pid_t>& leaders() const = 0;
  virtual void add_leader(pid_t pid) = 0;
  virtual void remove_leader(pid_t pid) = 0;
  /// What more can be said of its end than its process does; may be empty.
  virtual std::string last_words(InstanceId instance) const = 0;
  /// It is gone: may be destroyed, later.
  virtual void forget(InstanceId instance) = 0;
};

/// One process tree and the link by which it gets its invocations: starting → ready (idle or with a run) →
/// ending → gone.
///
/// There is one way out, end(): it remembers why, kills until nothing of the tree is left, and only then
/// reports.
class Instance : public std::enable_shared_from_this<Instance> {
 public:
  /// `settled`: of all instances of the function and variant.
  Instance(InstanceHost& host, InstanceId id, std::shared_ptr<const FunctionCommand> function,
           std::shared_ptr<SettledMemory> settled);

  /// Opens its link; the port that the process is to be told of, before it is started.
  Result<std::uint16_t> open();
  void spawned(Result<SpawnedProcess> process);
  void run(Invocation invocation);
  void stop();
  void freeze();
  void thaw();
  /// One round of killing what is left; true when nothing is. For a pool that ends.
  bool kill_round();

  pid_t leader() const { return family_.leader; }
  const FunctionCommand& function() const { return *function_; }

  // What its link sees and tells.
  Loop& loop() const { return host_.loop(); }
  const ProcessFamily& family() const { return family_; }
  bool has_process() const { return !spawn_pending_; }
  bool ready() const { return ready_; }
  bool stopping() const { return stopping_; }
  bool ending() const { return ending_.has_value(); }
  bool waits_for_runtime() const { return run_ && !run_->delivered; }
  bool is_running() const { return run_ && run_->delivered; }
  std::string_view running_id() const {
    return is_running() ? run_->invocation.request_id : std::string_view();
  }
  std::string_view last_request_id() const { return last_request_id_; }
  void become_ready();
  /// The run is handed out now: its time begins. Its payload and headers are moved out.
  Invocation begin_run();
  void finish_run(PoolFinished finished);
  /// It says itself that it cannot start.
  void fail_start(std::string detail);
  /// Its runtime has come to rest: it stands still if it is to.
  void stand_still();
  void log_line(std::string text);

 private:
  using Clock = Loop::Clock;
  struct CurrentRun {
    Invocation invocation;
    std::optional<Clock::time_point> delivered;
  };
  struct Ending {
    LossReason reason = LossReason::Stopped;
    std::string detail;
    ErrorClass run_error = ErrorClass::Crash;
    std::string run_error_type;
    Clock::time_point since;
    std::chrono::milliseconds pause{1};
  };

  void begin_measuring();
  void look_later();
  void look_at_memory();
  void timed_out();
  void exited();
  bool reap_leader();
  void doom(pid_t member);
  bool doomed_are_gone();
  void end(LossReason reason, std::string detail, ErrorClass run_error, std::string run_error_type = {});
  void kill_until_gone();
  void gone(std::string_view left_over);
  void read_output();
  std::string exit_text() const;
  void arm(std::chrono::milliseconds delay, void (Instance::*what)());

  InstanceHost& host_;
  InstanceId id_;
  std::shared_ptr<const FunctionCommand> function_;
  std::shared_ptr<SettledMemory> settled_;
  RunMemory memory_;
  Clock::time_point asked_ = Clock::now();
  std::unique_ptr<InstanceLink> link_;
  std::optional<CurrentRun> run_;
  std::string last_request_id_;
  std::unique_ptr<Loop::Timer> timer_;       ///< of init, run, grace or kill: only one of them is ever due
  std::unique_ptr<Loop::Timer> look_timer_;  ///< at the memory of a measured run
  ProcessFamily family_;
  SpawnedProcess process_;
  std::unique_ptr<Loop::Watch> exit_watch_;
  std::unique_ptr<Loop::Watch> output_watch_;
  std::map<pid_t, std::uint64_t> doomed_;  ///< killed and perhaps not gone yet, with their start times
  OutputLines lines_;
  std::string last_line_;
  std::optional<int> exit_status_;
  std::optional<Ending> ending_;
  bool spawn_pending_ = true;
  bool ready_ = false;
  bool stopping_ = false;
  bool freezing_ = false;  ///< is to stand still while its runtime is at rest
  bool frozen_ = false;    ///< its process group has been stopped
  bool gone_ = false;
};

}  // namespace forewarm
