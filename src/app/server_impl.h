#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/admin_routes.h"
#include "app/alert_service.h"
#include "app/backup_service.h"
#include "app/emf_log.h"
#include "app/fit_worker.h"
#include "app/function_changes.h"
#include "app/function_directory.h"
#include "app/function_host.h"
#include "app/live_world.h"
#include "app/message_story.h"
#include "app/queue_forecasts.h"
#include "app/queue_service.h"
#include "app/recording.h"
#include "app/recovered.h"
#include "app/server.h"
#include "app/server_guard.h"
#include "app/server_history.h"
#include "app/server_snapshot.h"
#include "app/shutdown.h"
#include "app/signal_service.h"
#include "app/source_service.h"
#include "app/sqs_front.h"
#include "app/telemetry.h"
#include "app/ticker.h"
#include "app/worker_door.h"
#include "app/worker_pods.h"
#include "edge/net/service_manager.h"
#include "edge/observe/dashboard.h"
#include "edge/observe/decision_log.h"
#include "edge/observe/metrics.h"

namespace forewarm {

/// Server, as it is: what belongs to a running one and in which order it comes and goes. What it listens on
/// is in server_doors.cpp, the rest in server.cpp.
class ServerImpl : public Server, private Names {
 public:
  explicit ServerImpl(Options options)
      : options_(std::move(options)),
        config_(options_.config),
        queues_(QueueServiceOptions{.names = {.region = config_.region},
                                    .receivable = [this](QueueId queue) { return receivable(queue); },
                                    .elsewhere = [this](QueueId queue) { return sources_->elsewhere(queue); },
                                    .changed = [this](const QueueChange& change) { guard_->note(change); },
                                    .traced = std::bind_front(&ServerImpl::traced, this),
                                    .warn = [this](std::string_view text) { log().warning(text); },
                                    .wants_ticks = [this] { ticks_.wake(); }}),
        metrics_({.version = FOREWARM_VERSION}, *this),
        core_({.seed = 1, .make_scaler = {}}),
        snapshots_(core_, queues_.directory(), queues_.dead_letters(), functions_) {}

  ~ServerImpl() override {
    // Nothing may call back into what is being taken down: first the doors, then the hands, then the store.
    worker_door_.reset();
    sqs_server_.reset();
    admin_server_.reset();
    alerts_.reset();
    telemetry_.reset();
    emf_.reset();
    backup_.reset();
    signals_.reset();
    sources_.reset();
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
  bool receivable(QueueId id) const;
  Result<void> recover(const Recovered& recovered);
  void step(Event event);
  LiveWorld::Hands hands();
  void make_host();
  Result<void> listen();
  void make_queues();
  void make_queue(const std::string& name, const sqs::Request& request);
  void make_sources();
  void make_alerts();
  void make_telemetry();
  void traced(MessageId message, std::string_view parent, std::string_view state, std::string_view xray) {
    if (telemetry_) telemetry_->sent(message, {parent, state, xray});
  }
  void configure_functions();
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
  MessageStory story_{queues_, *this};
  std::unique_ptr<Store> store_;
  Metrics metrics_;
  std::unique_ptr<DecisionLog> decisions_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<ServerHistory> history_;
  Orchestrator core_;
  SnapshotMaker snapshots_;
  std::unique_ptr<SourceService> sources_;
  std::unique_ptr<LiveWorld> world_;
  std::unique_ptr<SignalService> signals_;
  std::unique_ptr<FunctionHost> host_;
  std::unique_ptr<FitWorker> fits_;
  std::unique_ptr<Dashboard> dashboard_;
  std::optional<FunctionChanges> changes_;
  std::unique_ptr<AdminRoutes> admin_routes_;
  std::unique_ptr<BackupService> backup_;
  std::unique_ptr<AlertService> alerts_;
  std::unique_ptr<Telemetry> telemetry_;
  std::unique_ptr<EmfLog> emf_;
  std::unique_ptr<QueueForecasts> forecasts_;
  std::optional<SqsFront> sqs_front_;
  std::unique_ptr<WorkerDoor> worker_door_;
  std::unique_ptr<WorkerPods> worker_pods_;  ///< null: nothing is told of their pods
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

}  // namespace forewarm
