#include "app/server.h"

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "app/admin_routes.h"
#include "app/backup_service.h"
#include "app/doctor.h"
#include "app/fit_worker.h"
#include "app/function_changes.h"
#include "app/function_directory.h"
#include "app/function_host.h"
#include "app/listen_address.h"
#include "app/live_world.h"
#include "app/own_program.h"
#include "app/queue_forecasts.h"
#include "app/queue_routes.h"
#include "app/queue_service.h"
#include "app/recording.h"
#include "app/recovered.h"
#include "app/reloading.h"
#include "app/server_guard.h"
#include "app/server_history.h"
#include "app/server_snapshot.h"
#include "app/shutdown.h"
#include "app/signal_routes.h"
#include "app/signal_service.h"
#include "app/sqs_front.h"
#include "app/ticker.h"
#include "edge/net/service_manager.h"
#include "edge/observe/dashboard.h"
#include "edge/observe/decision_log.h"
#include "edge/observe/metrics.h"

namespace forewarm {
namespace {

class ServerImpl : public Server, private Names {
 public:
  explicit ServerImpl(Options options)
      : options_(std::move(options)),
        config_(options_.config),
        queues_(QueueServiceOptions{.names = {.region = config_.region},
                                    .receivable = [this](QueueId queue) { return receivable(queue); },
                                    .changed = [this](const QueueChange& change) { guard_->note(change); },
                                    .warn = [this](std::string_view text) { log().warning(text); },
                                    .wants_ticks = [this] { ticks_.wake(); }}),
        metrics_({.version = FOREWARM_VERSION}, *this),
        core_({.seed = 1, .make_scaler = {}}),
        snapshots_(core_, queues_.directory(), functions_) {}

  ~ServerImpl() override {
    // Nothing may call back into what is being taken down: first the doors, then the hands, then the store.
    sqs_server_.reset();
    admin_server_.reset();
    backup_.reset();
    signals_.reset();
    host_.reset();
    fits_.reset();
    store_.reset();
  }

  Result<void> start();
  Result<void> run() override;
  void stop() override { loop_.stop(); }
  Endpoint sqs_endpoint() const override { return sqs_server_->endpoint(); }
  Endpoint admin_endpoint() const override { return admin_server_->endpoint(); }
  Loop& loop() override { return loop_; }
  void set_progress(std::optional<Progress> progress) override { progress_ = std::move(progress); }
  Snapshot snapshot() override;

 private:
  // Names
  std::string queue(QueueId id) const override {
    const QueueEntry* entry = queues_.directory().find(id);
    return entry != nullptr ? entry->name : "";
  }
  std::string function(FunctionId id) const override {
    const FunctionEntry* entry = functions_.find(id);
    return entry != nullptr ? entry->config.name : "";
  }

  Log& log() { return *options_.log; }
  bool receivable(QueueId queue) const;
  Result<void> recover(const Recovered& recovered);
  void step(Event event);
  LiveWorld::Hands hands();
  void make_host();
  Result<void> listen();
  void make_queues();
  void make_queue(const std::string& name, sqs::StringMap attributes);
  void configure();
  void queue_made();
  void be_ready();
  void reload();
  void begin_end();
  std::size_t runs_under_way() const;
  void every_second();
  void watch(const TimedEvent& event, const Actions& actions);
  AdminRoutes::Sources admin_sources();

  Options options_;
  ServerConfig config_;
  Loop loop_;
  std::unique_ptr<ServerGuard> guard_;
  ServiceManager manager_ = ServiceManager::from_environment();
  FunctionDirectory functions_;
  Ticker ticks_{loop_, [this] { return queues_.tick(); }};
  QueueService queues_;
  std::unique_ptr<Store> store_;
  Metrics metrics_;
  std::unique_ptr<DecisionLog> decisions_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<ServerHistory> history_;
  Orchestrator core_;
  SnapshotMaker snapshots_;
  std::unique_ptr<LiveWorld> world_;
  std::unique_ptr<SignalService> signals_;
  std::unique_ptr<FunctionHost> host_;
  std::unique_ptr<FitWorker> fits_;
  std::unique_ptr<Dashboard> dashboard_;
  std::optional<FunctionChanges> changes_;
  std::unique_ptr<AdminRoutes> admin_routes_;
  std::unique_ptr<BackupService> backup_;
  std::unique_ptr<QueueForecasts> forecasts_;
  std::optional<SqsFront> sqs_front_;
  std::unique_ptr<HttpServer> sqs_server_;
  std::unique_ptr<HttpServer> admin_server_;
  std::unique_ptr<Loop::Timer> second_;
  std::optional<Shutdown> shutdown_;
  std::unique_ptr<Loop::Watch> ends_;
  std::unique_ptr<Loop::Watch> reloads_;
  std::optional<Progress> progress_;
  std::uint64_t functions_memory_bytes_ = 0;
  std::size_t queues_to_make_ = 0;
  bool ready_ = false;
};

Result<void> ServerImpl::start() {
  auto guard = ServerGuard::open(config_, log());
  if (!guard) return std::unexpected(guard.error());
  guard_ = std::move(*guard);
  auto recovered = recover_store(config_.data, static_cast<std::uint64_t>(config_.disk_reserve_mb) << 20);
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
  world_ = std::make_unique<LiveWorld>(loop_, *store_, core_,
                                       LiveWorld::Options{.not_before = recovered->clock}, hands());
  const auto report = [this](Event event) { world_->report(std::move(event)); };
  signals_ =
      std::make_unique<SignalService>(loop_, std::bind_front(&LiveWorld::now, world_.get()), report, warn);
  auto history = ServerHistory::open(
      loop_, config_, world_->now(),
      {&queues_.directory(), &functions_, std::bind_front(&Orchestrator::scaler_memory, &core_),
       [this] { return signals_->recorded(); }, report, warn});
  if (!history) return std::unexpected(history.error());
  history_ = std::move(*history);
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
  }
  functions_.configure(config_);
  configure();
  std::vector<Event> pasts = history_->restored(world_->now());
  for (QueueChanged& queue : queues_.events()) step(std::move(queue));
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
          .watch = [this](const TimedEvent& event, const Actions& actions) { watch(event, actions); }};
}

void ServerImpl::make_host() {
  const std::string mark = std::filesystem::absolute(config_.data).lexically_normal().string();
  if (const std::size_t killed = kill_leftovers(mark); killed > 0)
    log().warning("ended what a killed server had left running", {{"processes", std::uint64_t{killed}}});
  host_ = std::make_unique<FunctionHost>(
      loop_, FunctionHost::options_of(config_, mark),
      FunctionHost::Surroundings{.report = [this](Event event) { world_->report(std::move(event)); },
                                 .queues = &queues_,
                                 .warn = [this](std::string_view text) { log().warning(text); }});
  fits_ = FitWorker::make(loop_, {.command = {own_program(), "fit-worker"}}, [this](FitAnswer answer) {
    signals_->note(queue(answer.fitted.queue), answer);
    world_->report(std::move(answer.fitted));
  });
}

void ServerImpl::watch(const TimedEvent& event, const Actions& actions) {
  if (recorder_) recorder_->write(event, actions);
  metrics_.observe(event, actions);
  decisions_->observe(event, actions);
  history_->observe(event, actions);
  snapshots_.observe(event, actions);
  if (options_.watch) options_.watch(event, actions);
  if (ready_ && signals_->waits_for(event.event)) loop_.post([this] { configure(); });
}

bool ServerImpl::receivable(QueueId id) const {
  const QueueEntry* entry = queues_.directory().find(id);
  const MappingConfig* mapping = entry != nullptr ? functions_.mapping_of_queue(entry->name) : nullptr;
  return mapping == nullptr || mapping->settings.shared_consumers;
}

Result<void> ServerImpl::listen() {
  sqs_front_.emplace(queues_, config_.public_url);
  if (const auto keys = sqs_front_->use_keys_of(config_, true); !keys) return std::unexpected(keys.error());
  const Result<ListenAddresses> addresses = listen_addresses(config_);
  if (!addresses) return std::unexpected(addresses.error());
  HttpServer::Options options{.listen = addresses->sqs, .tls = guard_->tls()};
  Result<std::unique_ptr<HttpServer>> server =
      HttpServer::listen(loop_, options, std::bind_front(&SqsFront::answer, &*sqs_front_));
  if (!server) return std::unexpected(server.error());
  sqs_server_ = std::move(*server);
  sqs_front_->set_own_url(guard_->url(sqs_endpoint()));
  dashboard_ = std::make_unique<Dashboard>(
      Dashboard::Options{.version = FOREWARM_VERSION, .routes = guard_->route_options(addresses->admin)},
      Dashboard::Sources{.metrics = &metrics_,
                         .decisions = decisions_.get(),
                         .logs = [this](std::string_view function, std::size_t limit) {
                           return host_->log_entries(function, limit);
                         }});
  admin_routes_ = std::make_unique<AdminRoutes>(dashboard_->routes(), admin_sources());
  forecasts_ = std::make_unique<QueueForecasts>(
      loop_, dashboard_->routes(),
      QueueForecasts::Sources{std::bind_front(&SnapshotMaker::arrivals, &snapshots_),
                              std::bind_front(&ServerHistory::demand, history_.get()), signals_.get(),
                              std::bind_front(&Orchestrator::signal, &core_)});
  add_signal_routes(dashboard_->routes(), *signals_);
  add_queue_routes(dashboard_->routes(), queues_);
  guard_->add_routes(dashboard_->routes());
  backup_ = std::make_unique<BackupService>(loop_, config_.data, dashboard_->routes());
  add_doctor_route(dashboard_->routes(), config_, host_->pool());
  options.listen = addresses->admin;
  server = HttpServer::listen(loop_, options, dashboard_->handler());
  if (!server) return std::unexpected(server.error());
  admin_server_ = std::move(*server);
  return {};
}

AdminRoutes::Sources ServerImpl::admin_sources() {
  AdminRoutes::Sources sources;
  sources.queues = &queues_;
  sources.functions = &functions_;
  sources.core = &core_;
  changes_.emplace(FunctionChanges::Server{.gate = world_.get(),
                                           .functions = &functions_,
                                           .configure = [this] { configure(); },
                                           .has_queue =
                                               [this](const std::string& name) {
                                                 if (queues_.directory().find(name) == nullptr)
                                                   make_queue(name, {});
                                               }});
  sources.put_function = std::bind_front(&FunctionChanges::put, &*changes_);
  sources.remove_function = std::bind_front(&FunctionChanges::remove, &*changes_);
  sources.invoke = [this](const FunctionEntry& function, std::string payload,
                          std::function<void(Result<std::string>)> done) {
    host_->invoke(function, std::move(payload), std::move(done));
  };
  return sources;
}

/// Queues that the configuration names and that are not there yet.
void ServerImpl::make_queues() {
  ++queues_to_make_;  // this function itself, so that the last answer comes after all were asked for
  for (const QueueConfig& queue : config_.queues) {
    if (queues_.directory().find(queue.name) == nullptr) make_queue(queue.name, queue.attributes);
  }
  for (const auto& [name, function] : functions_.all()) {
    for (const MappingConfig& mapping : function.mappings) {
      const bool has_table =
          std::ranges::find(config_.queues, mapping.queue, &QueueConfig::name) != config_.queues.end();
      if (!has_table && queues_.directory().find(mapping.queue) == nullptr) make_queue(mapping.queue, {});
    }
  }
  queue_made();
}

void ServerImpl::make_queue(const std::string& name, sqs::StringMap attributes) {
  ++queues_to_make_;
  queues_.handle(sqs::CreateQueue{name, std::move(attributes), {}}, {},
                 [this, name](sqs::SqsResult<sqs::Response> answer) {
                   if (!answer)
                     log().error("a queue of the configuration cannot be made",
                                 {{"queue", name}, {"reason", answer.error().message}});
                   queue_made();
                 });
}

void ServerImpl::queue_made() {
  // While one counts, so that the core hears of it in turn: the loop sleeps until what it knows of is due.
  if (queues_to_make_ == 1) configure();
  if (--queues_to_make_ == 0 && !ready_) be_ready();
}

void ServerImpl::be_ready() {
  ready_ = true;
  metrics_.set_ready(true);
  dashboard_->set_ready(true);
  const std::string sqs = guard_->url(sqs_endpoint()), admin = guard_->url(admin_endpoint());
  write_endpoints(config_.data, sqs, admin);
  log().info("functions", {{"isolation", isolation_line(config_, host_->pool().isolation())}});
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
  signals_->fill(snapshot);
  return snapshot;
}

/// What is wrong or cannot change while the server runs leaves everything as it is.
void ServerImpl::reload() {
  manager_.reloading();
  const auto with_keys = [this](ServerConfig read) {
    return sqs_front_->use_keys_of(std::move(read), is_loopback(sqs_endpoint()));
  };
  if (auto read = read_reloaded(options_.read_again, with_keys, config_, log())) {
    config_ = std::move(*read);
    functions_.configure(config_);
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
  log().info("stopping");
}

std::size_t ServerImpl::runs_under_way() const {
  std::size_t busy = queues_.consumption_stopped() ? 0 : 1;
  for (const auto& [name, function] : functions_.all()) busy += core_.function(function.id).instances.busy;
  return busy;
}

void ServerImpl::every_second() {
  signals_->tick();
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
  if (const std::optional<std::string> failure = decisions_->flush()) log().warning(*failure);
  if (recorder_) recorder_->flush();
  note_clock(*store_, world_->now());
  second_ = loop_.call_after(1s, [this] { every_second(); });
}

Result<void> ServerImpl::run() {
  shutdown_.emplace(Shutdown::Server{.loop = &loop_,
                                     .log = &log(),
                                     .begin = [this] { begin_end(); },
                                     .under_way = [this] { return runs_under_way(); }});
  ends_ = loop_.watch_signals({SIGINT, SIGTERM}, [this](int) { shutdown_->ask(config_.shutdown_timeout); });
  manager_.keep_alive(loop_);
  reloads_ = loop_.watch_signals({SIGHUP}, [this](int) { reload(); });
  loop_.post([this] { make_queues(); });
  second_ = loop_.call_after(1s, [this] { every_second(); });
  drive(core_, *world_);
  history_->finish(world_->now());
  remove_endpoints(config_.data);
  if (recorder_) recorder_->flush();
  return world_->failure() ? Result<void>(std::unexpected(*world_->failure())) : Result<void>();
}

}  // namespace

Result<std::unique_ptr<Server>> Server::open(Options options) {
  ::signal(SIGPIPE, SIG_IGN);
  auto server = std::make_unique<ServerImpl>(std::move(options));
  if (Result<void> started = server->start(); !started) return std::unexpected(started.error());
  return server;
}

}  // namespace forewarm
