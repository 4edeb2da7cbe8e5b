#include "edge/functions/process_pool.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <thread>
#include <utility>

#include "base/check.h"
#include "edge/functions/function_environment.h"
#include "edge/functions/instance.h"
#include "edge/functions/log_ring.h"
#include "edge/functions/process_tree.h"
#include "edge/functions/spawner.h"
#include "edge/functions/visible_paths.h"

namespace forewarm {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kReapInterval = 1s;
constexpr std::chrono::milliseconds kRoundPause = 2ms;
constexpr int kRoundsMax = 2'500;  // five seconds of rounds

std::unique_ptr<Isolation> open_isolation(const ProcessPool::Options& options) {
  if (options.isolation == IsolationLevel::Off) return nullptr;
  const std::string mark = options.owner_mark.empty() ? std::to_string(::getpid()) : options.owner_mark;
  char name[32];
  std::snprintf(name, sizeof name, "forewarm-%016llx",
                static_cast<unsigned long long>(std::hash<std::string>()(mark)));
  IsolationSettings settings{.level = options.isolation, .data_folder = options.data_folder, .name = name};
  if (options.user_first != 0) settings.user_first = options.user_first;
  return Isolation::open(settings);
}

class Pool final : public ProcessPool, private InstanceHost {
 public:
  Pool(Loop& loop, Options options, std::function<void(PoolEvent)> report)
      : loop_(loop),
        options_(std::move(options)),
        report_(std::move(report)),
        ring_(options_.log_lines_max),
        inherited_(inherited_environment()),
        isolation_(open_isolation(options_)),
        spawner_(loop,
                 [this](InstanceId id, Result<SpawnedProcess> process) { spawned(id, std::move(process)); }) {
    // Processes whose parent ends become our children instead of init's, so none can leave our sight.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  }

  ~Pool() override {
    report_ = nullptr;
    spawner_.stop();
    for (int round = 0; round < kRoundsMax; ++round) {
      std::erase_if(instances_, [](const auto& entry) {
        return entry.second->leader() == 0 || entry.second->kill_round();  // 0: was never started
      });
      if (instances_.empty()) break;
      std::this_thread::sleep_for(kRoundPause);
    }
    reap_orphans();
  }

  void define(FunctionId function, std::uint16_t variant, FunctionCommand command) override {
    commands_[{function, variant}] = {std::make_shared<const FunctionCommand>(std::move(command)),
                                      std::make_shared<SettledMemory>()};
  }

  void start(InstanceId id, FunctionId function, std::uint16_t variant) override {
    const auto defined = commands_.find({function, variant});
    if (defined == commands_.end()) {
      lose(id, "function " + std::to_string(function.value()) + " variant " + std::to_string(variant) +
                   " has no command");
      return;
    }
    const auto& [command, settled] = defined->second;
    if (!command->fault.empty()) {
      lose(id, command->fault);
      return;
    }
    const auto instance = std::make_shared<Instance>(static_cast<InstanceHost&>(*this), id, command, settled);
    const auto port = instance->open();
    if (!port) {
      lose(id, "no port for it: " + port.error().message +
                   "; if descriptors ran out, raise the limit of open files (ulimit -n, LimitNOFILE=)");
      return;
    }
    check(instances_.emplace(id, instance).second, "an instance is started once");
    begin(id, command, *port);
    if (!reaper_) reaper_ = loop_.call_after(kReapInterval, [this] { reap(); });
  }

  void run(InstanceId id, Invocation invocation) override {
    const auto instance = instances_.find(id);
    if (instance != instances_.end()) {
      calling_ = true;
      instance->second->run(std::move(invocation));
      calling_ = false;
      return;
    }
    later([this, id, run = invocation.run] {
      report(PoolFinished{.instance = id,
                          .run = run,
                          .error = ErrorClass::Capacity,
                          .error_type = "Instance.NotReady",
                          .error_message = "the instance is gone",
                          .response = {}});
    });
  }

  void stop(InstanceId id) override {
    const auto instance = instances_.find(id);
    if (instance == instances_.end()) return;
    calling_ = true;
    instance->second->stop();
    calling_ = false;
  }

  void freeze(InstanceId id) override {
    if (const auto instance = instances_.find(id); instance != instances_.end()) instance->second->freeze();
  }

  void thaw(InstanceId id) override {
    if (const auto instance = instances_.find(id); instance != instances_.end()) instance->second->thaw();
  }

  std::vector<LogLine> log_lines(std::string_view function, std::size_t count) const override {
    return ring_.newest(function, count);
  }
  std::size_t size() const override { return instances_.size(); }

  std::vector<LayerState> isolation() const override {
    return isolation_ ? isolation_->layers() : std::vector<LayerState>();
  }

  std::vector<InstanceUsage> usage() const override {
    static const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
    std::vector<InstanceUsage> all;
    for (const auto& [id, instance] : instances_) {
      if (instance->leader() == 0) continue;
      InstanceUsage usage{.instance = id, .function = instance->function().name};
      for (const pid_t member : descendants_of(instance->leader())) {
        usage.memory_bytes += resident_bytes(member);
        if (const auto stat = read_process_stat(member))
          usage.cpu_seconds += static_cast<double>(stat->cpu_ticks) / ticks_per_second;
      }
      all.push_back(std::move(usage));
    }
    return all;
  }

 private:
  Loop& loop() override { return loop_; }
  std::chrono::milliseconds stop_grace() const override { return options_.stop_grace; }
  void report(PoolEvent event) override {
    if (!report_) return;
    if (calling_)
      later([this, event = std::move(event)] { report(event); });
    else
      report_(std::move(event));
  }
  void log(LogLine line) override {
    if (options_.log) options_.log(line);
    ring_.add(std::move(line));
  }
  const std::vector<pid_t>& leaders() const override { return leaders_; }
  void add_leader(pid_t pid) override { leaders_.insert(std::ranges::lower_bound(leaders_, pid), pid); }
  void remove_leader(pid_t pid) override { std::erase(leaders_, pid); }
  std::string last_words(InstanceId id) const override {
    return isolation_ && isolation_->ran_out_of_memory(id) ? "it used more than its memory_mb" : "";
  }
  void forget(InstanceId id) override {
    if (isolation_) spawner_.run([this, id] { isolation_->release(id); });
    const auto instance = instances_.extract(id);
    // It may be in the middle of a callback of its own.
    loop_.post([kept = std::move(instance.mapped())] {});
  }

  /// What an isolated instance of this function needs.
  InstanceNeeds needs_of(const FunctionCommand& what, std::uint16_t port) const {
    InstanceNeeds needs{.function = what.name, .program = {}, .working_directory = what.working_directory};
    for (const std::string& path : what.read_paths)
      needs.read_paths.push_back(real_path(path, what.working_directory));
    for (const std::string& path : what.write_paths)
      needs.write_paths.push_back(real_path(path, what.working_directory));
    for (const auto& [key, defined] : commands_) {
      const FunctionCommand* other = defined.command.get();
      const std::string theirs = real_path(other->working_directory, "");
      if (other->name != what.name && !other->working_directory.empty() &&
          !is_within(real_path(what.working_directory, ""), theirs))
        needs.hidden.push_back(theirs);
    }
    needs.network = what.network;
    needs.port = port;
    needs.listens = what.runtime != RuntimeKind::Lambda;
    needs.memory_bytes = what.memory_bytes;
    needs.tmp_bytes = what.tmp_bytes;
    needs.processes_max = what.processes_max;
    return needs;
  }

  void begin(InstanceId id, const std::shared_ptr<const FunctionCommand>& command, std::uint16_t port) {
    SpawnRequest request{
        .command = command->command, .working_directory = command->working_directory, .environment = {}};
    request.nice = options_.nice;
    Environment inherited = inherited_;
    if (!isolation_) {
      request.environment = instance_environment(*command, id, port, options_.owner_mark, inherited);
      spawner_.spawn(id, [request = std::move(request)] { return request; });
      return;
    }
    InstanceNeeds needs = needs_of(*command, port);
    spawner_.spawn(
        id,
        [this, id, command, port, request = std::move(request), needs = std::move(needs),
         inherited = std::move(inherited)]() mutable -> Result<SpawnRequest> {
          request.environment = instance_environment(*command, id, port, options_.owner_mark, inherited);
          Result<std::string> program = program_of(request);
          if (!program) return std::unexpected(program.error());
          needs.program = std::move(*program);
          const std::string tmp = isolation_->tmp_folder(id, needs);
          if (!tmp.empty()) inherited["TMPDIR"] = inherited["HOME"] = tmp;
          request.environment = instance_environment(*command, id, port, options_.owner_mark, inherited);
          Result<IsolatedLaunch> isolation = isolation_->prepare(id, needs);
          if (!isolation) return std::unexpected(isolation.error());
          if (!isolation->note.empty())
            isolation->note = command->name + " runs as the server's user: " + isolation->note;
          request.isolation = std::move(*isolation);
          return request;
        });
  }

  /// Tells the operator once what is weaker for a function than for others.
  void note(const Result<SpawnedProcess>& process, const std::string& function) {
    if (!process || !options_.warn) return;
    InstanceNeeds needs;
    needs.function = function;
    for (const std::string& sentence :
         {process->note, isolation_ ? isolation_->check(needs, process->layers) : ""}) {
      if (!sentence.empty() && noted_.insert(sentence).second) options_.warn(sentence);
    }
  }

  void spawned(InstanceId id, Result<SpawnedProcess> process) {
    const auto instance = instances_.find(id);
    check(instance != instances_.end(), "an instance outlives its start");
    note(process, instance->second->function().name);
    instance->second->spawned(std::move(process));
  }

  void later(std::function<void()> task) {
    loop_.post([task = std::move(task), alive = std::weak_ptr(alive_)] {
      if (alive.lock()) task();
    });
  }

  void lose(InstanceId id, std::string why) {
    later([this, id, why = std::move(why)] {
      report(PoolLost{.instance = id, .reason = LossReason::StartFailed, .detail = why});
    });
  }

  void reap() {
    reap_orphans();
    reaper_.reset();
    if (!instances_.empty() || !zombies_.empty())
      reaper_ = loop_.call_after(kReapInterval, [this] { reap(); });
  }

  /// Reaps what was left to us and ended by itself. A zombie of our own session belongs to another part of
  /// the server, and one that is new to whoever may be about to wait for it.
  void reap_orphans() {
    std::set<pid_t> found;
    const pid_t own_session = ::getsid(0);
    for (const pid_t child : children_of(::getpid())) {
      if (std::ranges::binary_search(leaders_, child)) continue;
      const auto stat = read_process_stat(child);
      if (!stat || !stat->zombie || stat->session == own_session) continue;
      if (!zombies_.contains(child) || ::waitpid(child, nullptr, WNOHANG) != child) found.insert(child);
    }
    zombies_ = std::move(found);
  }

  Loop& loop_;
  Options options_;
  std::function<void(PoolEvent)> report_;
  LogRing ring_;
  Environment inherited_;
  std::unique_ptr<Isolation> isolation_;  ///< null: off
  std::set<std::string> noted_;
  struct Defined {
    std::shared_ptr<const FunctionCommand> command;
    std::shared_ptr<SettledMemory> settled;
  };
  std::map<std::pair<FunctionId, std::uint16_t>, Defined> commands_;
  std::map<InstanceId, std::shared_ptr<Instance>> instances_;
  std::vector<pid_t> leaders_;
  std::set<pid_t> zombies_;  ///< seen at the last look
  std::unique_ptr<Loop::Timer> reaper_;
  bool calling_ = false;  ///< inside run() or stop(): a runtime that sends ahead could cause a report there
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Spawner spawner_;  ///< last: its thread ends first
};

}  // namespace

std::unique_ptr<ProcessPool> ProcessPool::make(Loop& loop, const Options& options,
                                               std::function<void(PoolEvent)> report) {
  return std::make_unique<Pool>(loop, options, std::move(report));
}

std::size_t kill_leftovers(std::string_view owner_mark) {
  if (owner_mark.empty()) return 0;
  const std::string entry = owner_entry(owner_mark);
  std::set<std::pair<pid_t, std::uint64_t>> killed;
  for (int round = 0; round < kRoundsMax; ++round) {
    bool any = false;
    for (const pid_t pid : all_processes()) {
      if (pid == ::getpid() || !has_environment_entry(pid, entry)) continue;
      const auto stat = read_process_stat(pid);
      if (!stat || stat->zombie) continue;
      any = true;
      if (::kill(pid, SIGKILL) == 0) killed.emplace(pid, stat->started_ticks);
    }
    if (!any) break;
    std::this_thread::sleep_for(kRoundPause);
  }
  return killed.size();
}

}  // namespace forewarm
