#include "app/function_host.h"

#include <cstdio>
#include <utility>

#include "edge/functions/function_environment.h"

namespace forewarm {
namespace {

/// Instances and runs of trials have numbers that the core never reaches.
constexpr std::uint64_t kTrialBase = std::uint64_t{1} << 62;

bool is_trial(InstanceId instance) {
  return instance.value() >= kTrialBase;
}

}  // namespace

std::string request_id(RunId run) {
  char text[40];
  std::snprintf(text, sizeof text, "%08llx-0000-4000-8000-%012llx",
                static_cast<unsigned long long>(run.value() >> 32),
                static_cast<unsigned long long>(run.value() & 0xffffffffULL));
  return text;
}

namespace {

WorkerFunction worker_function(const FunctionConfig& config) {
  using std::chrono::milliseconds;
  return {.name = config.name,
          .arn = function_arn({.name = config.name}),
          .timeout = std::chrono::duration_cast<milliseconds>(config.timeout),
          .start_timeout = std::chrono::duration_cast<milliseconds>(config.remote.start_timeout),
          .end_surplus = config.remote.surplus == "end"};
}

Invocation numbered(Invocation invocation, RunId run) {
  invocation.run = run;
  invocation.request_id = request_id(run);
  return invocation;
}

TimePoint wall_time() {
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

}  // namespace

FunctionHost::FunctionHost(Loop& loop, Options options, Surroundings surroundings)
    : options_(std::move(options)),
      surroundings_(std::move(surroundings)),
      remote_(loop,
              {.make = make_remote, .warn = [this](const std::string& text) { surroundings_.warn(text); }},
              [this](PoolEvent event) { on(std::move(event)); }),
      workers_(
          loop,
          {.lost_after = std::chrono::duration_cast<std::chrono::milliseconds>(options_.worker_lost_after),
           .warn = [this](const std::string& text) { surroundings_.warn(text); }},
          [this](PoolEvent event) { on(std::move(event)); }) {
  ProcessPool::Options pool;
  pool.owner_mark = options_.owner_mark;
  pool.log = options_.log;
  pool.isolation = options_.isolation;
  pool.user_first = options_.user_first;
  pool.nice = options_.nice;
  pool.data_folder = options_.data_folder;
  pool.warn = [this](const std::string& text) { surroundings_.warn(text); };
  pool_ = ProcessPool::make(loop, pool, [this](PoolEvent event) { on(std::move(event)); });
}

FunctionHost::Options FunctionHost::options_of(const ServerConfig& config, const std::string& owner_mark) {
  const Result<IsolationLevel> level = parse_isolation(config.isolation);
  return {.owner_mark = owner_mark,
          .log = {},
          .isolation = level ? *level : IsolationLevel::Required,
          .user_first = static_cast<std::uint32_t>(config.isolation_user_first),
          .nice = static_cast<int>(config.function_nice),
          .data_folder = config.data,
          .worker_lost_after = config.workers.lost_after};
}

void FunctionHost::define(const FunctionEntry& function) {
  names_[function.id] = function.config.name;
  if (runs_elsewhere(function.config.runtime)) {
    runtimes_[function.id] = remote_runtime(function.config);
    if (runtimes_[function.id].workers)
      workers_.define(function.id, worker_function(function.config));
    else
      remote_.define(function.id, function.config);
    return;
  }
  FunctionCommand command;
  command.name = function.config.name;
  command.version = function.version;
  command.working_directory = function.config.working_directory;
  command.timeout = std::chrono::duration_cast<std::chrono::milliseconds>(function.config.timeout);
  command.init_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(function.config.init_timeout);
  command.network = function.config.network != "none";
  command.read_paths = function.config.read_paths;
  command.write_paths = function.config.write_paths;
  command.tmp_bytes = static_cast<std::uint64_t>(function.config.tmp_mb) << 20;
  command.processes_max = static_cast<std::uint64_t>(function.config.processes_max);
  runtimes_[function.id] = set_runtime(function.config, command);
  const std::vector<std::string> of_app = command.command;
  const std::vector<VariantConfig> variants = variants_of(function.config);
  for (std::size_t v = 0; v < variants.size(); ++v) {
    command.command = variants[v].command.empty() ? of_app : variants[v].command;
    command.environment = variants[v].environment;
    command.memory_bytes = static_cast<std::uint64_t>(variants[v].memory_mb) << 20;
    pool_->define(function.id, static_cast<std::uint16_t>(v), command);
  }
}

InstancePool& FunctionHost::pool_of(FunctionId function) {
  const FunctionRuntime& runtime = runtimes_[function];
  if (runtime.workers) return workers_;
  return runtime.elsewhere ? static_cast<InstancePool&>(remote_) : *pool_;
}

void FunctionHost::perform(const Action& action) {
  if (const auto* start = std::get_if<StartInstance>(&action)) {
    InstancePool& pool = pool_of(start->function);
    started_[start->instance] = {&pool, start->version};
    pool.start(start->instance, start->function, start->variant);
    return;
  }
  const auto with = [this](InstanceId instance, void (InstancePool::*what)(InstanceId)) {
    if (const auto found = started_.find(instance); found != started_.end())
      (found->second.pool->*what)(instance);
  };
  if (const auto* stop = std::get_if<StopInstance>(&action)) {
    // What only is not needed may stay with whoever runs it; what does not work may not.
    const bool unfit = stop->reason == ScaleReason::Failing || stop->reason == ScaleReason::Slow;
    with(stop->instance, unfit ? &InstancePool::stop : &InstancePool::release);
  } else if (const auto* freeze = std::get_if<FreezeInstance>(&action)) {
    with(freeze->instance, &InstancePool::freeze);
  } else if (const auto* thaw = std::get_if<ThawInstance>(&action)) {
    with(thaw->instance, &InstancePool::thaw);
  }
}

void FunctionHost::run(const Run& run) {
  const Result<QueueMessages> messages = surroundings_.queues->function_messages(run.queue, run.leases);
  if (!messages) {
    surroundings_.warn(messages.error().message);
    constexpr std::string_view kUnreadable = "forewarm.Unreadable";
    const std::uint64_t fingerprint = error_fingerprint(kUnreadable, "");
    FailedRun unreadable;
    unreadable.fingerprint = fingerprint;
    unreadable.type = kUnreadable;
    unreadable.message = messages.error().message;
    note_failed({run.instance, run.function, run.leases, false}, {}, std::move(unreadable));
    surroundings_.report(RunFinished{run.run, ErrorClass::Handler, fingerprint, Duration(0), {}});
    return;
  }
  const FunctionRuntime& runtime = runtimes_[run.function];
  running_.insert_or_assign(
      run.run, Running{run.instance, run.function, run.leases, runtime.format == EventFormat::Sqs});
  // An instance that is gone already is the process pool's to answer for.
  const auto started = started_.find(run.instance);
  InstancePool& pool = started != started_.end() ? *started->second.pool : *pool_;
  Invocation invocation = runtime.invocation(*messages, wall_time());
  if (surroundings_.trace)
    if (const std::optional<TraceContext> trace = surroundings_.trace(run.run)) {
      if (runtime.format == EventFormat::Sqs)
        invocation.trace_header = xray_header_of(*trace);
      else
        invocation.headers.emplace_back("traceparent", traceparent_of(*trace));
    }
  pool.run(run.instance, numbered(std::move(invocation), run.run));
}

void FunctionHost::on(PoolEvent event) {
  const InstanceId instance = std::visit([](const auto& e) { return e.instance; }, event);
  if (is_trial(instance)) {
    trial_event(event, instance);
    return;
  }
  if (const auto* ready = std::get_if<PoolReady>(&event)) {
    surroundings_.report(
        InstanceReady{ready->instance, std::chrono::duration_cast<Duration>(ready->start_time)});
  } else if (const auto* lost = std::get_if<PoolLost>(&event)) {
    this->lost(*lost);
  } else if (const auto* done = std::get_if<PoolFinished>(&event)) {
    finished(*done);
  }
}

void FunctionHost::finished(const PoolFinished& event) {
  const auto found = running_.find(event.run);
  if (found == running_.end()) return;
  const Running running = std::move(found->second);
  running_.erase(found);
  RunFinished outcome{.run = event.run,
                      .error = event.error,
                      .service_time = std::chrono::duration_cast<Duration>(event.service_time),
                      .failed = {},
                      .memory_bytes = event.memory_bytes};
  FailedRun failed;
  failed.error = event.error;
  failed.type = event.error_type;
  failed.message = event.error_message;
  if (event.error == ErrorClass::None) {
    outcome.failed = surroundings_.queues->failed_messages(
        running.leases, running.names_failures ? event.response : std::string());
    failed.error = ErrorClass::Handler;
    failed.message = "the function named it as failed in its batch response";
    if (!outcome.failed.empty()) note_failed(running, outcome.failed, std::move(failed));
    if (outcome.failed.size() < running.leases.size())
      surroundings_.dead_letters->note_succeeded(names_[running.function]);
  } else {
    failed.fingerprint = outcome.error_key = error_fingerprint(event.error_type, event.error_message);
    if (event.error != ErrorClass::Capacity) note_failed(running, {}, std::move(failed));
  }
  surroundings_.report(std::move(outcome));
}

void FunctionHost::lost(const PoolLost& event) {
  if (event.reason != LossReason::Stopped && !event.detail.empty()) surroundings_.warn(event.detail);
  FailedRun crash;
  crash.error = ErrorClass::Crash;
  crash.message = event.detail;
  for (auto each = running_.begin(); each != running_.end();) {
    if (each->second.instance != event.instance) {
      ++each;
      continue;
    }
    if (event.reason != LossReason::Stopped) note_failed(each->second, {}, crash);
    each = running_.erase(each);
  }
  started_.erase(event.instance);
  surroundings_.report(InstanceLost{event.instance, event.reason});
}

/// Before the core hears of it, which may dead-letter a message for it. `failed` empty: all of the run's.
void FunctionHost::note_failed(const Running& running, const std::vector<MessageId>& failed,
                               FailedRun run) const {
  if (const auto name = names_.find(running.function); name != names_.end()) run.function = name->second;
  if (const auto started = started_.find(running.instance); started != started_.end())
    run.version = started->second.version;
  run.instance = running.instance;
  run.at = surroundings_.now();
  if (run.fingerprint == 0) run.fingerprint = static_cast<std::uint64_t>(run.error);
  std::vector<MessageId> messages = failed;
  if (messages.empty()) {
    for (const Lease& lease : running.leases) messages.push_back(lease.message);
  }
  surroundings_.dead_letters->note_failed(messages, std::move(run));
}

void FunctionHost::invoke(const FunctionEntry& function, std::string payload,
                          std::function<void(Result<std::string>)> done) {
  if (refuses_trials_)
    return done(error(ErrorCode::Closed, "the server is shutting down and runs nothing more; try again"));
  const InstanceId instance(kTrialBase + ++next_trial_);
  InstancePool& pool = pool_of(function.id);
  trials_.emplace(
      instance, Trial{&pool, runtimes_[function.id].trial(std::move(payload), wall_time()), std::move(done)});
  pool.start(instance, function.id, 0);
}

void FunctionHost::begin_end() {
  refuses_trials_ = true;
  remote_.give_back();
}

void FunctionHost::abandon_trials() {
  for (auto& [instance, trial] : std::exchange(trials_, {}))
    trial.done(error(ErrorCode::Closed, "the server was shut down before the function answered"));
}

void FunctionHost::trial_event(const PoolEvent& event, InstanceId instance) {
  const auto found = trials_.find(instance);
  if (found == trials_.end()) return;
  if (std::holds_alternative<PoolReady>(event)) {
    found->second.pool->run(instance, numbered(found->second.invocation, RunId(instance.value())));
    return;
  }
  const Trial trial = std::move(found->second);
  trials_.erase(found);
  if (const auto* lost = std::get_if<PoolLost>(&event)) {
    trial.done(error(ErrorCode::Io, "the instance ended before it answered: " + lost->detail));
    return;
  }
  const auto& done = std::get<PoolFinished>(event);
  if (done.error == ErrorClass::None) {
    trial.done(done.response);
  } else {
    trial.done(error(ErrorCode::Invalid, done.error_type + ": " + done.error_message));
  }
  trial.pool->release(instance);
}

std::vector<LogEntry> FunctionHost::log_entries(std::string_view function, std::size_t limit) const {
  std::vector<LogEntry> entries;
  for (const LogLine& line : pool_->log_lines(function, limit))
    entries.push_back({line.at, line.function, line.instance, line.run,
                       line.run ? request_id(line.run) : std::string(), line.text});
  return entries;
}

}  // namespace forewarm
