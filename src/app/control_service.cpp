#include "app/control_service.h"

#include <algorithm>
#include <csignal>
#include <utility>
#include <vector>

#include "app/control_alerts.h"
#include "app/control_backfill.h"
#include "app/control_history.h"
#include "app/control_lead.h"
#include "app/control_learnt.h"
#include "app/control_routes.h"
#include "app/control_schedule.h"
#include "app/controlled.h"
#include "app/fit_worker.h"
#include "app/keda_numbers.h"
#include "app/listen_address.h"
#include "app/opened_history.h"
#include "app/own_program.h"
#include "app/scaler_door.h"
#include "app/target_factory.h"
#include "edge/net/service_manager.h"
#include "edge/observe/decision_log.h"
#include "edge/store/directory.h"

namespace forewarm {
namespace {

constexpr std::chrono::seconds kSharedPatience(10);  ///< for one answer of a shared history
constexpr std::uint64_t kRoundsOnce = 2;             ///< arrivals are what came between two readings

class Service : public ControlService, public Names {
 public:
  Service(Options options, StoreDirectory lock)
      : options_(std::move(options)),
        lock_(std::move(lock)),
        wall_at_start_(wall_time()),
        steady_at_start_(Loop::Clock::now()),
        decisions_({.directory = options_.config.data + "/decisions"}, *this) {}
  ~Service() override {
    alerts_.reset();
    scaler_.reset();
    for (const auto& each : queues_) each->thread.reset();
    lead_.end();
    keeper_.reset();  // its jobs know the queues
    if (admin_) remove_endpoints(options_.config.data);
  }

  Result<void> start();
  void run() override;
  std::string plan_json() const override;
  bool well() const override;

  std::string queue(QueueId id) const override { return queues_[id.value() - 1]->config.queue; }
  std::string function(FunctionId) const override { return {}; }

 private:
  TimePoint now() const {
    return wall_at_start_ + std::chrono::duration_cast<Duration>(Loop::Clock::now() - steady_at_start_);
  }
  Log& log() const { return *options_.log; }
  Result<void> add(const ControlConfig& control);
  Result<void> open_history();
  Result<void> listen();
  std::string metrics_text() const;
  std::vector<ControlSample> samples() const;
  KedaNumber number_for_keda(std::string_view queue) const;

  void bring_back(Controlled& c);
  void fill_history(Controlled& c, Result<std::vector<ImportedSeries>> measured);
  void begin(Controlled& c, std::optional<RecentQueue> past);
  void round(Controlled& c);
  void took(Controlled& c, const Result<QueueReadings>& readings,
            const std::optional<Result<TargetState>>& state);
  void fitted(const FitAnswer& answer);
  void recommend(Controlled& c, const TargetOrder& order);
  void tell(Controlled& c, const TargetOrder& order);
  void send(Controlled& c, const TargetOrder& order);
  void told(Controlled& c, const TargetOrder& order, const Result<void>& taken);
  void begin_to_lead();
  void tell_keda() const {
    if (scaler_) scaler_->changed();
  }
  void record(Controlled& c, const TargetOrder& order, DirectiveOutcome outcome, const std::string& answer);
  void note(Controlled& c, const DirectiveRecord& directive);
  void end_round(Controlled& c);
  void begin_next_round(Controlled& c);

  Options options_;
  StoreDirectory lock_;
  TimePoint wall_at_start_;
  Loop::Clock::time_point steady_at_start_;
  Loop loop_;
  DecisionLog decisions_;
  std::unique_ptr<ControlState> state_;
  std::unique_ptr<HistoryKeeper> keeper_;
  std::unique_ptr<FitWorker> fits_;
  std::vector<std::unique_ptr<Controlled>> queues_;  ///< by id, from 1
  std::unique_ptr<ControlLearnt> learnt_;
  std::unique_ptr<ControlRoutes> routes_;
  std::unique_ptr<HttpServer> admin_;
  std::unique_ptr<AlertService> alerts_;
  std::unique_ptr<ScalerDoor> scaler_;  ///< null: KEDA does not ask by gRPC
  std::unique_ptr<ScheduleKeeper> schedules_;
  ControlLead lead_{loop_, log(), [this] { begin_to_lead(); }, [this] { tell_keda(); }};
};

Result<void> Service::start() {
  if (Result<void> opened = open_history(); !opened) return opened;
  for (const ControlConfig& control : options_.config.controls)
    if (Result<void> added = add(control); !added) return added;
  learnt_ = std::make_unique<ControlLearnt>(
      ControlLearnt::Surroundings{&loop_, &queues_, keeper_.get(), [this] { return now(); },
                                  [this](const std::string& text) { log().warning(text); }});
  fits_ = FitWorker::make(loop_, {.command = {own_program(), "fit-worker"}},
                          [this](const FitAnswer& answer) { fitted(answer); });
  if (options_.once) return {};
  if (Result<void> begun = lead_.start(options_.config.leader); !begun) return begun;
  return listen();
}

Result<void> Service::add(const ControlConfig& control) {
  auto reader = make_queue_reader(control);
  if (!reader) return std::unexpected(reader.error());
  auto target = make_target(control);
  if (!target) return std::unexpected(target.error());
  const QueueId id(static_cast<std::uint32_t>(queues_.size() + 1));
  const bool readable = (*target)->readable();
  ControlledQueue controlled(queue_settings(options_.config, control, id, readable));
  const std::string identity = target_identity(control.target);
  const KeptTarget* kept = state_->find(control.queue, identity);
  if (kept != nullptr && kept->told && !readable) {
    controlled.remember(*kept->told);
    // KEDA gets at once what it got before the restart.
    if (options_.apply && control.target.kind == "keda" && options_.config.leader.kind.empty())
      if (auto set = (*target)->set(kept->told, {}); !set) return set;
  }
  queues_.push_back(std::make_unique<Controlled>(Controlled{.config = control,
                                                            .id = id,
                                                            .identity = identity,
                                                            .reader = std::move(*reader),
                                                            .target = std::move(*target),
                                                            .queue = std::move(controlled),
                                                            .read_at = now(),
                                                            .recorded_until = now()}));
  return {};
}

Result<void> Service::open_history() {
  HistoryDatabase::Options history = control_history(options_.config, kSharedPatience);
  auto keeper = HistoryKeeper::open(
      loop_, {.directory = options_.config.data,
              .shared = std::move(history.shared),
              .tiers = std::move(history.tiers),
              .restored = options_.config.forecast.step * options_.config.forecast.history,
              .warn = [this](const std::string& text) { log().warning(text); }});
  if (!keeper) return std::unexpected(keeper.error());
  keeper_ = std::move(*keeper);
  auto state = open_control_state(options_.config, *keeper_, loop_);
  if (!state) return std::unexpected(state.error());
  state_ = std::move(*state);
  schedules_ = std::make_unique<ScheduleKeeper>(ScheduleKeeper::Surroundings{
      &loop_, options_.log, &lead_, state_.get(), options_.apply, options_.once, [this] { return now(); },
      [this](Controlled& c, const DirectiveRecord& what) { note(c, what); }});
  return {};
}

Result<void> Service::listen() {
  const Result<Endpoint> admin =
      listen_address("admin", options_.config.admin, !options_.config.admin_tokens.empty());
  if (!admin) return std::unexpected(admin.error());
  alerts_ = make_control_alerts({&loop_, &log(), [this] { return now(); }, [this] { return samples(); },
                                 [this] { return admin_->endpoint(); }, &lead_, keeper_.get()},
                                options_.config);
  auto routes = ControlRoutes::make(
      *admin, options_.config.admin_tokens,
      {.ready =
           [this] { return std::ranges::all_of(queues_, [](const auto& each) { return each->restored; }); },
       .plan = [this] { return plan_json(); },
       .metrics = [this] { return metrics_text(); },
       .alerts = alerts_.get(),
       .keda = [this](std::string_view name) { return number_for_keda(name); }});
  if (!routes) return std::unexpected(routes.error());
  routes_ = std::move(*routes);
  auto server = HttpServer::listen(loop_, {.listen = *admin}, routes_->handler());
  if (!server) return std::unexpected(server.error());
  admin_ = std::move(*server);
  if (const KedaConfig& keda = options_.config.keda; !keda.listen.empty()) {
    auto door =
        ScalerDoor::open(loop_, log(), keda, [this](std::string_view name) { return number_for_keda(name); });
    if (!door) return std::unexpected(door.error());
    scaler_ = std::move(*door);
    log().info("KEDA may ask by gRPC", {{"address", to_string(scaler_->endpoint())}});
  }
  const std::string url = "http://" + to_string(admin_->endpoint());
  if (const auto written = write_endpoints(options_.config.data, "", url); !written)
    log().warning(written.error().message + "; commands do not find it by --data");
  log().info("control watches", {{"queues", std::uint64_t{queues_.size()}},
                                 {"admin", url},
                                 {"apply", options_.apply},
                                 {"data", options_.config.data}});
  if (!options_.apply) log().info("shadow mode: nothing is sent; --apply sends");
  return {};
}

void Service::run() {
  const auto signals = loop_.watch_signals({SIGTERM, SIGINT}, [this](int) { loop_.stop(); });
  ServiceManager manager = ServiceManager::from_environment();
  manager.keep_alive(loop_);
  for (const auto& each : queues_) {
    each->thread = std::make_unique<TaskThread>();
    bring_back(*each);
  }
  manager.ready();
  while (!loop_.stopped()) {
    loop_.run_until(Loop::Clock::now() + std::chrono::seconds(1));
    if (!options_.once && lead_.acts()) learnt_->write();
  }
  manager.stopping();
  if (!options_.once && lead_.acts()) learnt_->finish();
}

/// What Prometheus has measured goes into the history first, so that the forecasts begin with all of it.
void Service::bring_back(Controlled& c) {
  c.thread->give([this, &c, at = now()](const std::stop_token& stop) {
    auto measured = fetch_backfill(c.config, options_.config.forecast.step, at, stop);
    loop_.post(
        [this, &c, measured = std::move(measured)]() mutable { fill_history(c, std::move(measured)); });
  });
}

void Service::fill_history(Controlled& c, Result<std::vector<ImportedSeries>> measured) {
  if (!measured)
    log().warning("no past of a queue from its metrics; it begins with what is kept here",
                  {{"queue", c.config.queue}, {"reason", measured.error().message}});
  const TimePoint at = now();
  const bool given = keeper_->give([this, &c, at, series = measured.value_or(std::vector<ImportedSeries>())](
                                       HistoryDatabase& database) -> Result<void> {
    Result<void> done;
    if (const auto report = import_series(database, series, at, false, [](double) {}); !report)
      done = std::unexpected(report.error());
    const ForecastSettings& forecast = options_.config.forecast;
    auto past =
        database.recent_queue(c.config.queue, at - forecast.step * forecast.history, at, forecast.step);
    if (!past) done = std::unexpected(past.error());
    loop_.post([this, &c, past = past.value_or(std::nullopt)]() mutable { begin(c, std::move(past)); });
    return done;
  });
  if (!given) begin(c, {});
}

void Service::begin(Controlled& c, std::optional<RecentQueue> past) {
  if (past) restore_past(c, std::move(*past), now(), log());
  learnt_->give_back(c);
  c.recorded_until = record_from(c, now());
  c.restored = true;
  round(c);
}

void Service::round(Controlled& c) {
  c.round_began = Loop::Clock::now();
  c.thread->give([this, &c](const std::stop_token& stop) {
    Result<QueueReadings> readings = c.reader->read(stop);
    std::optional<Result<TargetState>> state;
    if (c.target->readable()) state = c.target->current(stop);
    loop_.post(
        [this, &c, readings = std::move(readings), state = std::move(state)] { took(c, readings, state); });
  });
}

void Service::took(Controlled& c, const Result<QueueReadings>& readings,
                   const std::optional<Result<TargetState>>& state) {
  ++c.rounds;
  note_problems(c, readings ? nullptr : &readings.error(), state, log());
  const std::optional<std::uint32_t> ready =
      readings && !readings->empty() ? readings->back().instances_ready : std::nullopt;
  if (!state && (!c.queue.set() || !lead_.acts()) && ready) {
    c.queue.remember(*ready);
    // What there is, is what KEDA is to hold until another number is decided.
    if (options_.apply && lead_.acts() && c.keda() != nullptr) (void)c.target->set(ready, {});
  }
  observe_readings(c, readings, state, now());
  for (HistoryBatch& batch : take_closed_steps(c)) keeper_->write(std::move(batch));
  if (std::optional<FitRequest> request = c.queue.watched().take_fit(now())) {
    c.fit_running = true;
    fits_->fit(std::move(*request));
  }
  // Once: no decision before all that it rests on is there.
  const bool early = options_.once && (c.rounds < kRoundsOnce || c.fit_running);
  const std::optional<TargetOrder> order = early ? std::nullopt : c.queue.decide(now());
  if (const std::optional<DirectiveRecord> held = note_held(c)) note(c, *held);
  if (!early) decisions_.observe({now(), TimePassed{}}, {PublishPlan{c.queue.plan()}});
  c.finished = options_.once && !early;
  if (order && options_.apply && lead_.acts()) return tell(c, *order);
  if (order && options_.apply)
    c.recommended = order;  // whoever leads tells it
  else if (order)
    recommend(c, *order);
  else if (!early)
    c.recommended.reset();
  end_round(c);
}

void Service::fitted(const FitAnswer& answer) {
  Controlled& c = *queues_[answer.fitted.queue.value() - 1];
  c.fit_running = false;
  ++c.counts.fits[answer.fitted.forecasts.empty() ? 1 : 0];
  c.queue.watched().accept(answer.fitted);
}

void Service::record(Controlled& c, const TargetOrder& order, DirectiveOutcome outcome,
                     const std::string& answer) {
  note(c, directive_record(c, order, outcome, answer));
}

void Service::note(Controlled& c, const DirectiveRecord& directive) {
  ++c.counts.directives[static_cast<std::size_t>(directive.outcome)];
  say(c, directive, log());
  decisions_.record(c.id, {now(), c.config.queue, directive});
}

void Service::recommend(Controlled& c, const TargetOrder& order) {
  const bool new_one =
      !c.recommended || c.recommended->instances != order.instances || c.recommended->before != order.before;
  c.recommended = order;
  if (new_one) record(c, order, DirectiveOutcome::Recommended, "");
}

/// Another copy may have told the targets other numbers since.
void Service::begin_to_lead() {
  state_->doubt();
  learnt_->recall_again();
  for (const auto& each : queues_) {
    if (each->target->readable()) continue;
    each->queue.forget();
    if (each->keda() != nullptr) (void)each->target->set(std::nullopt, {});
  }
}

/// The state that was found is kept before it is changed. Where that takes a while, or cannot be, watching
/// goes on, and a later round sends what is right then.
void Service::tell(Controlled& c, const TargetOrder& order) {
  c.recommended.reset();
  const auto kept_so = [this, &c, order](const Result<void>& kept, bool in_time) {
    if (kept && in_time) return send(c, order);
    if (!kept && std::exchange(c.refusal, kept.error().message) != kept.error().message)
      record(c, order, DirectiveOutcome::Refused, c.refusal);
    if (in_time) end_round(c);
  };
  if (c.keeping || !keep_found_first(*state_, c, now(), options_.once, kept_so)) end_round(c);
}

void Service::send(Controlled& c, const TargetOrder& order) {
  c.thread->give([this, &c, order, term = lead_.term()](const std::stop_token& stop) {
    std::stop_source ends;
    const auto end = [&ends] { ends.request_stop(); };
    const std::stop_callback ended(stop, end), deposed(term, end);
    const Result<void> taken = lead_.leads()
                                   ? c.target->set(order.instances, ends.get_token())
                                   : error(ErrorCode::Closed, "not sent: this copy does not lead any more");
    loop_.post([this, &c, order, taken] { told(c, order, taken); });
  });
}

void Service::told(Controlled& c, const TargetOrder& order, const Result<void>& taken) {
  c.queue.told(now(), order, taken.has_value());
  c.refusal = taken ? "" : taken.error().message;
  record(c, order, taken ? DirectiveOutcome::Sent : DirectiveOutcome::Refused, c.refusal);
  if (taken)
    state_->keep_told(c.config.queue, c.identity, order.instances, [this](const Result<void>& kept) {
      if (!kept) log().error(kept.error().message);
    });
  end_round(c);
}

void Service::end_round(Controlled& c) {
  tell_keda();
  // Once: not before the decision, which is the last round's.
  if (options_.once && !c.finished) return begin_next_round(c);
  schedules_->keep(c, [this, &c] { begin_next_round(c); });
}

void Service::begin_next_round(Controlled& c) {
  if (const std::optional<std::string> problem = decisions_.flush()) log().warning(*problem);
  if (c.finished) {
    if (std::ranges::all_of(queues_, [](const auto& each) { return each->finished; })) loop_.stop();
    return;
  }
  c.next = loop_.call_at(c.round_began + options_.config.every, [this, &c] { round(c); });
}

std::string Service::plan_json() const {
  std::string text;
  JsonWriter json(text);
  json.open_object().member("schema", 1);
  lead_.write(json);
  json.key("queues").open_array();
  for (const auto& each : queues_) write_controlled(*each, now(), options_.apply, json);
  json.close_array().close_object();
  return text;
}

std::vector<ControlSample> Service::samples() const {
  std::vector<ControlSample> all;
  all.reserve(queues_.size());
  for (const auto& each : queues_) all.push_back(sample_of(*each, now()));
  return all;
}

std::string Service::metrics_text() const {
  const auto streams = scaler_ ? std::optional<double>(scaler_->streams()) : std::nullopt;
  return control_metrics_text(samples(), FOREWARM_VERSION, lead_.sample(), streams);
}

KedaNumber Service::number_for_keda(std::string_view queue) const {
  return keda_number(options_.config, queues_, queue,
                     options_.apply ? lead_.follows() : "control runs without --apply", now());
}

bool Service::well() const {
  return std::ranges::all_of(queues_, [](const auto& each) {
    return each->reading_error.empty() && each->target_error.empty() && each->refusal.empty() &&
           each->schedule.problem.empty();
  });
}

}  // namespace

Result<std::unique_ptr<ControlService>> ControlService::open(Options options) {
  auto lock = StoreDirectory::open(options.config.data);
  if (!lock) return std::unexpected(lock.error());
  auto service = std::make_unique<Service>(std::move(options), std::move(*lock));
  if (const Result<void> started = service->start(); !started) return std::unexpected(started.error());
  return service;
}

}  // namespace forewarm
