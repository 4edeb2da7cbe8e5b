#include "app/server.h"

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "app/configured_queues.h"
#include "app/doctor.h"
#include "app/listen_address.h"
#include "app/own_program.h"
#include "app/reloading.h"
#include "app/server_impl.h"
#include "app/short_slices.h"
#include "app/source_factory.h"
#include "edge/net/egress.h"

namespace forewarm {

Result<void> ServerImpl::start() {
  if (auto egress = restrict_egress(config_.egress); !egress) return egress;
  auto guard = ServerGuard::open(config_, log());
  if (!guard) return std::unexpected(guard.error());
  guard_ = std::move(*guard);
  auto recovered =
      recover_store(config_.data, loop_, static_cast<std::uint64_t>(config_.disk_reserve_mb) << 20,
                    [this](const std::string& problem) { log().warning(problem); });
  if (!recovered) return std::unexpected(recovered.error());
  store_ = std::move(recovered->store);
  const auto warn = [this](std::string_view text) { log().warning(text); };
  if (!config_.record.empty()) {
    auto recorder = Recorder::open({.path = config_.record, .warn = warn});
    if (!recorder) return std::unexpected(recorder.error());
    recorder_ = std::move(*recorder);
  }
  decisions_ = std::make_unique<DecisionLog>(DecisionLog::Options{.directory = config_.data + "/decisions"},
                                             static_cast<const Names&>(*this));
  make_sources();
  world_ = std::make_unique<LiveWorld>(loop_, sources_->store(), core_,
                                       LiveWorld::Options{.not_before = recovered->clock}, hands());
  // Before any message: killed in its first second, the next server must not be behind what this one stored.
  note_clock(*store_, world_->now());
  const auto report = [this](Event event) { world_->report(std::move(event)); };
  signals_ =
      std::make_unique<SignalService>(loop_, std::bind_front(&LiveWorld::now, world_.get()), report, warn);
  auto history = ServerHistory::open(
      loop_, config_, world_->now(),
      {&queues_.directory(), &functions_, std::bind_front(&Orchestrator::queue_memory, &core_),
       std::bind_front(&Orchestrator::function_memory, &core_),
       std::bind_front(&Orchestrator::retry_memory, &core_), [this] { return signals_->recorded(); }, report,
       warn});
  if (!history) return std::unexpected(history.error());
  history_ = std::move(*history);
  make_telemetry();
  make_host();
  if (Result<void> done = recover(*recovered); !done) return done;
  if (Result<void> attached = queues_.attach(*world_); !attached) return attached;
  return listen();
}

/// Everything that was durable becomes known to the core, before anything can be asked of it.
Result<void> ServerImpl::recover(const Recovered& recovered) {
  for (const auto& [key, value] : recovered.records) {
    if (Result<bool> queue = queues_.recover(key, value); !queue) return std::unexpected(queue.error());
    if (Result<bool> function = functions_.recover(key, value); !function)
      return std::unexpected(function.error());
    if (Result<bool> lent = sources_->recover(key, value); !lent) return std::unexpected(lent.error());
  }
  queues_.recovered(recovered.messages);
  configure_functions();
  configure();
  std::vector<Event> pasts = history_->restored(world_->now());
  for (const QueueChanged& queue : queues_.events()) step(queue);
  for (Event& past : pasts) step(std::move(past));
  for (SignalObserved& said : signals_->restore(history_->restored_signals(world_->now()))) step(said);
  for (const Message& message : recovered.messages) step(MessageArrived{message, Origin::Recovered});
  if (!recovered.messages.empty())
    log().info("recovered", {{"messages", std::uint64_t{recovered.messages.size()}},
                             {"queues", std::uint64_t{queues_.directory().size()}}});
  return {};
}

/// Before the world runs: one event straight into the core.
void ServerImpl::step(Event event) {
  TimedEvent timed{world_->now(), std::move(event)};
  Actions actions;
  core_.step(timed.time, timed.event, actions);
  world_->perform(timed, actions);
}

void ServerImpl::configure_functions() {
  for (const std::string& unfit : functions_.configure(config_)) log().warning(unfit);
}

void ServerImpl::configure() {
  for (const auto& [name, function] : functions_.all()) host_->define(function);
  const auto queue_id = [this](std::string_view name) {
    const QueueEntry* entry = queues_.directory().find(name);
    return entry != nullptr ? std::optional(entry->id) : std::nullopt;
  };
  signals_->configure(config_);
  Configuration configuration = functions_.configuration(config_, queue_id, world_->now());
  configuration.signals = signals_->settings(queue_id);
  if (ready_ || queues_to_make_ > 0) {
    world_->report(ConfigurationChanged{std::move(configuration)});
  } else {
    step(ConfigurationChanged{std::move(configuration)});
  }
}

LiveWorld::Hands ServerImpl::hands() {
  return {.instance = [this](const Action& action) { host_->perform(action); },
          .run = [this](const Run& run) { host_->run(run); },
          .fit = [this](FitRequest request) { fits_->fit(std::move(request)); },
          .watch = [this](const TimedEvent& event, const Actions& actions) { watch(event, actions); },
          .accompany = std::bind_front(&QueueService::accompany, &queues_)};
}

void ServerImpl::make_host() {
  const std::string mark = std::filesystem::absolute(config_.data).lexically_normal().string();
  if (const std::size_t killed = kill_leftovers(mark); killed > 0)
    log().warning("ended what a killed server had left running", {{"processes", std::uint64_t{killed}}});
  FunctionHost::Options host_options = FunctionHost::options_of(config_, mark);
  host_options.log = options_.on_function_line;
  host_ = std::make_unique<FunctionHost>(
      loop_, std::move(host_options),
      FunctionHost::Surroundings{
          .report = [this](Event event) { world_->report(std::move(event)); },
          .queues = &queues_,
          .warn = [this](std::string_view text) { log().warning(text); },
          .dead_letters = &queues_.dead_letters(),
          .now = std::bind_front(&LiveWorld::now, world_.get()),
          .trace = [this](RunId run) { return telemetry_ ? telemetry_->of_run(run) : std::nullopt; }});
  fits_ = FitWorker::make(loop_, {.command = {own_program(), "fit-worker"}}, [this](FitAnswer answer) {
    signals_->note(queue(answer.fitted.queue), answer);
    world_->report(std::move(answer.fitted));
  });
}

void ServerImpl::make_sources() {
  const auto slots = [this](std::string_view queue) {
    const FunctionEntry* function = functions_.of_queue(queue);
    if (function == nullptr) return 0U;
    return core_.function(function->id).instances.usable() *
           functions_.mapping_of_queue(queue)->settings.batch_size;
  };
  const auto queue_id = [this](std::string_view name) {
    const QueueEntry* entry = queues_.directory().find(name);
    return entry != nullptr ? std::optional(entry->id) : std::nullopt;
  };
  sources_ = std::make_unique<SourceService>(
      *store_, SourceService::Server{.loop = &loop_,
                                     .core = &core_,
                                     .now = [this] { return world_->now(); },
                                     .report = [this](Event event) { world_->report(std::move(event)); },
                                     .queue_id = queue_id,
                                     .slots = slots,
                                     .warn = [this](std::string_view text) { log().warning(text); },
                                     .traced = std::bind_front(&ServerImpl::traced, this),
                                     .make = make_source});
}

void ServerImpl::watch(const TimedEvent& event, const Actions& actions) {
  if (recorder_) recorder_->write(event, actions);
  metrics_.observe(event, actions);
  decisions_->observe(event, actions);
  history_->observe(event, actions);
  snapshots_.observe(event, actions);
  story_.observe(event, actions);
  if (telemetry_) telemetry_->observe(event, actions);
  if (options_.watch) options_.watch(event, actions);
  if (ready_ && signals_->waits_for(event.event)) loop_.post([this] { configure(); });
}

bool ServerImpl::receivable(QueueId id) const {
  const QueueEntry* entry = queues_.directory().find(id);
  const MappingConfig* mapping = entry != nullptr ? functions_.mapping_of_queue(entry->name) : nullptr;
  return mapping == nullptr || mapping->settings.shared_consumers;
}

/// Queues that the configuration names and that are not there yet.
void ServerImpl::make_queues() {
  ++queues_to_make_;  // this function itself, so that the last answer comes after all were asked for
  const QueueRequests wanted = configured_queues(config_, functions_, queues_.directory());
  for (const sqs::CreateQueue& queue : wanted.create) make_queue(queue.name, queue);
  for (const auto& [name, attributes] : wanted.change)
    make_queue(name, sqs::SetQueueAttributes{"/000000000000/" + name, attributes});
  queue_made();
}

void ServerImpl::make_queue(const std::string& name, const sqs::Request& request) {
  ++queues_to_make_;
  queues_.handle(request, {}, [this, name](sqs::SqsResult<sqs::Response> answer) {
    if (!answer)
      log().error("a queue of the configuration cannot be made",
                  {{"queue", name}, {"reason", answer.error().message}});
    queue_made();
  });
}

void ServerImpl::queue_made() {
  // While one counts, so that the core hears of it in turn: the loop sleeps until what it knows of is due.
  if (queues_to_make_ == 1) configure();
  if (--queues_to_make_ > 0) return;
  sources_->configure(config_.sources);
  if (!ready_) be_ready();
}

void ServerImpl::be_ready() {
  ready_ = true;
  metrics_.set_ready(true);
  dashboard_->set_ready(true);
  const std::string sqs = guard_->url(sqs_endpoint()), admin = guard_->url(admin_endpoint());
  if (const auto written = write_endpoints(config_.data, sqs, admin); !written)
    log().warning(written.error().message + "; commands do not find the server by --data");
  log().info("functions", {{"isolation", isolation_line(config_, host_->pool().isolation())}});
  if (worker_door_) log().info("workers may come", {{"listen", guard_->url(worker_door_->endpoint())}});
  log().info("ready", {{"sqs", sqs}, {"dashboard", admin}, {"data", config_.data}});
  manager_.ready();
  if (options_.on_ready) options_.on_ready();
}

Snapshot ServerImpl::snapshot() {
  Snapshot snapshot = snapshots_.make(world_->now());
  snapshot.store = store_snapshot(store_->statistics(), store_->full());
  snapshot.process = read_process();
  snapshot.process.functions_memory_bytes = functions_memory_bytes_;
  snapshot.progress = progress_;
  for (FunctionSnapshot& function : snapshot.functions) {
    function.not_taken = host_->elsewhere().not_taken(function.id);
    function.workers = host_->workers().workers(function.id);
  }
  signals_->fill(snapshot);
  snapshot.receivers = alerts_->receivers();
  if (telemetry_) telemetry_->fill(snapshot);
  return snapshot;
}

/// What is wrong or cannot change while the server runs leaves everything as it is.
void ServerImpl::reload() {
  manager_.reloading();
  const auto with_keys = [this](ServerConfig read) -> Result<ServerConfig> {
    if (worker_door_) {
      if (const auto tokens = worker_door_->take_tokens(read); !tokens)
        return std::unexpected(tokens.error());
    }
    Result<ServerConfig> taken = sqs_front_->use_keys_of(std::move(read), is_loopback(sqs_endpoint()));
    if (!taken) return taken;
    if (const auto egress = restrict_egress(taken->egress); !egress) return std::unexpected(egress.error());
    return taken;
  };
  if (auto read = read_reloaded(options_.read_again, with_keys, config_, log())) {
    config_ = std::move(*read);
    configure_functions();
    alerts_->configure(config_.alerts, config_.notify);
    make_queues();
  }
  guard_->reload(config_);
  manager_.ready();
}

void ServerImpl::begin_end() {
  metrics_.set_ready(false);
  dashboard_->set_ready(false);
  manager_.stopping();
  queues_.stop_consumption();
  sources_->stop();
  host_->begin_end();
  log().info("stopping");
}

std::size_t ServerImpl::runs_under_way() const {
  std::size_t busy = (queues_.consumption_stopped() ? 0U : 1U) + host_->trials();
  for (const auto& [name, function] : functions_.all()) busy += core_.function(function.id).instances.busy;
  return busy;
}

void ServerImpl::every_second() {
  signals_->tick();
  if (worker_pods_) worker_pods_->look();
  guard_->tick(store_->full());
  if (functions_.windows_due(world_->now())) configure();
  const std::vector<InstanceUsage> usage = host_->pool().usage();
  functions_memory_bytes_ = 0;
  for (const InstanceUsage& one : usage) functions_memory_bytes_ += one.memory_bytes;
  history_->write(world_->now(), usage);
  Snapshot now = snapshot();
  metrics_.set_snapshot(now);
  if (options_.on_second) options_.on_second(now);
  dashboard_->publish(std::move(now));
  if (const std::optional<std::string> notice = decisions_->flush()) log().warning(*notice);
  if (recorder_) recorder_->flush();
  note_clock(*store_, world_->now());
  second_ = loop_.call_after(1s, [this] { every_second(); });
}

Result<void> ServerImpl::run() {
  shutdown_.emplace(Shutdown::Server{.loop = &loop_,
                                     .log = &log(),
                                     .begin = [this] { begin_end(); },
                                     .under_way = [this] { return runs_under_way(); },
                                     .abandon = [this] { host_->abandon_trials(); }});
  ends_ = loop_.watch_signals({SIGINT, SIGTERM}, [this](int) { shutdown_->ask(config_.shutdown_timeout); });
  manager_.keep_alive(loop_);
  reloads_ = loop_.watch_signals({SIGHUP}, [this](int) { reload(); });
  loop_.post([this] { make_queues(); });
  second_ = loop_.call_after(1s, [this] { every_second(); });
  ask_for_short_slices();
  drive(core_, *world_);
  history_->finish(world_->now());
  if (telemetry_) telemetry_->finish();
  remove_endpoints(config_.data);
  if (recorder_) recorder_->flush();
  return world_->failure() ? Result<void>(std::unexpected(*world_->failure())) : Result<void>();
}

Result<std::unique_ptr<Server>> Server::open(Options options) {
  ::signal(SIGPIPE, SIG_IGN);
  auto server = std::make_unique<ServerImpl>(std::move(options));
  if (Result<void> started = server->start(); !started) return std::unexpected(started.error());
  return server;
}

}  // namespace forewarm
