// What a server listens on: the SQS endpoint, and the admin port with all its routes.

#include <algorithm>
#include <utility>

#include "app/alert_keeper.h"
#include "app/doctor.h"
#include "app/listen_address.h"
#include "app/server_impl.h"
#include "app/signal_routes.h"

namespace forewarm {
namespace {

/// However many clients send, instances are answered and given work after so many of their requests, some
/// hundreds of microseconds. Else more sends than can be run would leave less and less time to run any.
constexpr std::size_t kRequestsPerTurn = 8;
constexpr std::size_t kTurnsAboveConnections = 128;

}  // namespace

Result<void> ServerImpl::listen() {
  sqs_front_.emplace(queues_, config_.public_url);
  if (const auto keys = sqs_front_->use_keys_of(config_, true); !keys) return std::unexpected(keys.error());
  const Result<ListenAddresses> addresses = listen_addresses(config_);
  if (!addresses) return std::unexpected(addresses.error());
  const HttpServer::Options options{.listen = addresses->admin, .tls = guard_->tls()};
  HttpServer::Options sqs_options = options;
  sqs_options.listen = addresses->sqs;
  sqs_options.body_max_bytes = sqs::kRequestBytesMax;
  sqs_options.requests_per_turn = kRequestsPerTurn;
  sqs_options.turns_above = kTurnsAboveConnections;
  Result<std::unique_ptr<HttpServer>> server =
      HttpServer::listen(loop_, sqs_options, std::bind_front(&SqsFront::answer, &*sqs_front_));
  if (!server) return std::unexpected(server.error());
  sqs_server_ = std::move(*server);
  sqs_front_->set_own_url(guard_->url(sqs_endpoint()));
  dashboard_ = std::make_unique<Dashboard>(
      Dashboard::Options{.version = FOREWARM_VERSION, .routes = guard_->route_options(addresses->admin)},
      Dashboard::Sources{.metrics = &metrics_,
                         .decisions = decisions_.get(),
                         .logs = [this](const LogQuery& query) { return story_.logs(*host_, query); }});
  admin_routes_ = std::make_unique<AdminRoutes>(dashboard_->routes(), admin_sources());
  forecasts_ = std::make_unique<QueueForecasts>(
      loop_, dashboard_->routes(),
      QueueForecasts::Sources{std::bind_front(&SnapshotMaker::arrivals, &snapshots_),
                              std::bind_front(&ServerHistory::demand, history_.get()), signals_.get(),
                              std::bind_front(&Orchestrator::signal, &core_)});
  add_signal_routes(dashboard_->routes(), *signals_);
  story_.add_routes(dashboard_->routes(), core_);
  guard_->add_routes(dashboard_->routes());
  backup_ = std::make_unique<BackupService>(loop_, config_.data, dashboard_->routes());
  add_doctor_route(dashboard_->routes(), config_, host_->pool());
  make_alerts();
  server = HttpServer::listen(loop_, options, dashboard_->handler());
  if (!server) return std::unexpected(server.error());
  admin_server_ = std::move(*server);
  if (!addresses->workers) return {};
  auto door = WorkerDoor::open(loop_, {.listen = *addresses->workers, .tls = guard_->tls()}, host_->workers(),
                               functions_, config_);
  if (!door) return std::unexpected(door.error());
  worker_door_ = std::move(*door);
  auto pods =
      WorkerPods::make({.loop = &loop_, .log = &log(), .pool = &host_->workers()}, config_.workers.pods);
  if (!pods) return std::unexpected(pods.error());
  worker_pods_ = std::move(*pods);
  if (!guard_->tls() && !is_loopback(*addresses->workers))
    log().warning("workers are listened for without TLS: their tokens and messages travel in the clear");
  return {};
}

void ServerImpl::make_alerts() {
  const auto sender = [this] {
    return NotificationSender{.receiver = {},
                              .instance = instance_label(admin_endpoint().port),
                              .url = guard_->url(admin_endpoint()),
                              .now = world_->now()};
  };
  alerts_ = std::make_unique<AlertService>(
      AlertService::Server{.loop = &loop_,
                           .log = &log(),
                           .now = [this] { return world_->now(); },
                           .metrics = [this](const MetricFilter& wanted) { return metrics_.points(wanted); },
                           .sender = sender,
                           .keep = keep_alerts_in(history_->keeper(), [this] { return world_->now(); }),
                           .recall = recall_alerts_of(history_->keeper(), loop_, false)},
      config_.alerts, config_.notify);
  alerts_->add_route(dashboard_->routes());
}

void ServerImpl::make_telemetry() {
  telemetry_ = Telemetry::make(
      {.loop = &loop_,
       .log = &log(),
       .names = this,
       .now = [this] { return world_->now(); },
       .id_text = [this](MessageId id) { return queues_.public_id(id); },
       .metrics = [this] { return metrics_.points([](std::string_view) { return true; }); },
       .instance = [this] { return instance_label(admin_server_ ? admin_endpoint().port : 0); }},
      config_.otlp);
  emf_ = EmfLog::make({.loop = &loop_,
                       .log = &log(),
                       .now = [this] { return world_->now(); },
                       .metrics = [this](const MetricFilter& wanted) { return metrics_.points(wanted); }},
                      config_.emf);
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
                                                   make_queue(name, sqs::CreateQueue{name, {}, {}});
                                               }});
  sources.put_function = std::bind_front(&FunctionChanges::put, &*changes_);
  sources.remove_function = std::bind_front(&FunctionChanges::remove, &*changes_);
  sources.invoke = std::bind_front(&FunctionHost::invoke, host_.get());
  return sources;
}

}  // namespace forewarm
