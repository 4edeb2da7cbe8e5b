// Serves the real admin port over an invented, lively server: for work on the page and for tests in a
// browser. Usage: dashboard_fixture [port] [directory of the page's files]
#include <signal.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/random.h"
#include "edge/net/http.h"
#include "edge/net/loop.h"
#include "edge/observe/dashboard.h"

namespace forewarm {
namespace {

constexpr Duration kStep = 10s;
constexpr std::size_t kHorizon = 30;

/// A queue whose arrivals follow a season of a few minutes, with a function that scales with it.
struct InventedQueue {
  const char* name;
  const char* function;
  double base;     ///< messages a second
  double swing;    ///< of the season, messages a second
  double period;   ///< of the season, seconds
  double burst;    ///< at the season's top, messages a second
  double service;  ///< seconds
  bool has_forecast = true;
};

constexpr InventedQueue kQueues[] = {
    {"orders", "fulfil-order", 6, 4, 150, 22, 0.35},
    {"image-thumbnails", "thumbnail", 14, 10, 240, 0, 0.22},
    {"webhooks-outgoing", "deliver-webhook", 9, 2, 90, 0, 0.15},
    {"email-notifications", "send-email", 3, 2.5, 180, 8, 0.4},
    {"invoice-pdf.fifo", "render-pdf", 0.8, 0.7, 300, 3, 1.6},
    {"search-index", "", 4, 3, 200, 0, 0},
    {"brand-new-queue", "first-try", 0.5, 0.3, 60, 0, 0.2, false},
    {"<img src=x onerror=alert(1)>", "\"quoted\" & <b>bold</b>", 0.2, 0.1, 120, 0, 0.5},
    {"nightly-reports", "report", 0, 0, 600, 0, 5},
};

class InventedNames : public Names {
 public:
  std::string queue(QueueId id) const override { return id ? kQueues[id.value() - 1].name : ""; }
  std::string function(FunctionId id) const override { return id ? kQueues[id.value() - 1].function : ""; }
};

class InventedServer {
 public:
  InventedServer(Metrics& metrics, DecisionLog& decisions) : metrics_(metrics), decisions_(decisions) {
    snapshot_.queues.resize(std::size(kQueues));
    for (std::uint32_t i = 0; i < std::size(kQueues); ++i) {
      QueueSnapshot& queue = snapshot_.queues[i];
      queue.id = QueueId(i + 1);
      queue.name = kQueues[i].name;
      queue.function = kQueues[i].function;
      queue.objective = queue.function.empty() ? Duration(0) : 500ms;
      queue.paused = queue.name == "nightly-reports";
      queue.dead_letter_errors = queue.paused ? 2 : 0;
      tell({.time = {}, .event = QueueChanged{queue.id, {}}}, {});
    }
  }

  const Snapshot& second(TimePoint now) {
    const bool step_closes = now >= step_end_;
    if (step_closes) step_end_ = TimePoint(now.time_since_epoch() / kStep * kStep) + kStep;
    snapshot_.at = now;
    snapshot_.uptime += 1s;
    snapshot_.totals = Totals{};
    snapshot_.functions.clear();
    for (std::size_t i = 0; i < std::size(kQueues); ++i) {
      live(kQueues[i], snapshot_.queues[i], now, step_closes);
      add_up(snapshot_.queues[i]);
    }
    finish(now);
    return snapshot_;
  }

 private:
  static double expected(const InventedQueue& of, double at) {
    constexpr double kTurn = 6.283185307179586;
    const double wave = std::sin(kTurn * at / of.period);
    return std::max(0.0, of.base + of.swing * wave + of.burst * std::pow(std::max(0.0, wave), 12));
  }

  void tell(const TimedEvent& event, const Actions& actions) {
    metrics_.observe(event, actions);
    decisions_.observe(event, actions);
  }

  void live(const InventedQueue& of, QueueSnapshot& queue, TimePoint now, bool step_closes) {
    const double at = seconds(now.time_since_epoch());
    const double surprise = random_.chance(0.004) ? 4 : 1;
    const auto arrived = random_.poisson(expected(of, at) * surprise);
    queue.arrived += arrived;
    queue.started += arrived;
    open_[queue.id.value()] += static_cast<double>(arrived);
    const double concurrency = static_cast<double>(arrived) * of.service;
    scale(queue, static_cast<std::uint32_t>(std::ceil(concurrency)), now);
    queue.in_flight = queue.instances.busy;
    if (step_closes) close_step(of, queue, now);
  }

  void scale(QueueSnapshot& queue, std::uint32_t wanted, TimePoint now) {
    if (queue.function.empty()) return;
    InstanceCounts& counts = queue.instances;
    const std::uint32_t ready = counts.idle + counts.busy + counts.starting;
    counts.starting = 0;
    const std::uint32_t late = wanted > ready ? wanted - ready : 0;
    queue.late += late;
    queue.ready = late;
    queue.oldest_wait = late > 0 ? Duration(700ms) : Duration(0);
    counts.busy = std::min(wanted, ready);
    counts.idle = ready - counts.busy;
    const std::uint32_t target = std::max(queue.plan.instances, wanted);
    if (target > ready) {
      counts.starting = target - ready;
      start(queue, counts.starting, late > 0 ? ScaleReason::Reactive : ScaleReason::Plan, now);
    } else if (ready > target + 1 && counts.idle > 0 && random_.chance(0.15)) {
      --counts.idle;
      const InstanceId last(next_instance_++);
      const FunctionId function(queue.id.value());
      tell({.time = now, .event = TimePassed{}},
           {StartInstance{
               .instance = last, .function = function, .queue = queue.id, .reason = ScaleReason::Plan}});
      tell({.time = now, .event = TimePassed{}},
           {StopInstance{.instance = last, .reason = ScaleReason::Surplus}});
    }
    if (counts.busy > 0 && random_.chance(0.006)) fail(queue, now);
  }

  void start(const QueueSnapshot& queue, std::uint32_t count, ScaleReason reason, TimePoint now) {
    (reason == ScaleReason::Plan ? warm_ : cold_) += count;
    Actions actions;
    const FunctionId function(queue.id.value());
    for (std::uint32_t i = 0; i < count; ++i) {
      actions.push_back(StartInstance{.instance = InstanceId(next_instance_++),
                                      .function = function,
                                      .queue = queue.id,
                                      .reason = reason});
    }
    tell({.time = now, .event = TimePassed{}}, actions);
  }

  void fail(QueueSnapshot& queue, TimePoint now) {
    const RunId run(next_instance_++);
    const MessageId message(queue.arrived);
    tell({.time = now, .event = TimePassed{}}, {Run{.run = run,
                                                    .instance = {},
                                                    .function = FunctionId(queue.id.value()),
                                                    .queue = queue.id,
                                                    .leases = {}}});
    const RetryDecision decision{.choice = random_.chance(0.3) ? RetryChoice::Now : RetryChoice::Later,
                                 .delay = 4s,
                                 .error = random_.chance(0.5) ? ErrorClass::Handler : ErrorClass::Timeout,
                                 .attempt = 1,
                                 .attempts_max = 5,
                                 .failure_odds = 0.13F,
                                 .evidence = 84};
    tell({.time = now,
          .event = RunFinished{.run = run, .error = decision.error, .service_time = 300ms, .failed = {}}},
         {SetVisibility{
             .message = message, .visible_at = now + 4s, .receive_count = 1, .decision = decision}});
    ++queue.retries;
  }

  void close_step(const InventedQueue& of, QueueSnapshot& queue, TimePoint now) {
    const TimePoint open_start = step_end_ - kStep;
    queue.step_start = open_start - kStep;
    queue.arrivals_last_step = std::exchange(open_[queue.id.value()], 0.0);
    if (!of.has_forecast) return;
    ModelForecast forecast{ModelId::ExponentialSmoothing, {.start = open_start, .step = kStep, .values = {}}};
    for (std::size_t h = 0; h < kHorizon; ++h) {
      double mean = 0;
      for (int s = 0; s < 10; ++s) {
        mean += expected(of, seconds(open_start.time_since_epoch()) + static_cast<double>(h) * 10 + s);
      }
      const double spread = std::sqrt(mean) * (1.1 + 0.02 * static_cast<double>(h)) + 0.08 * mean;
      for (const double z : {-1.645, -0.674, 0.0, 0.674, 1.2816, 1.645, 2.326}) {
        forecast.forecast.values.push_back(static_cast<float>(std::max(0.0, mean + z * spread)));
      }
    }
    queue.forecast = forecast_band(forecast, now);
    if (!queue.function.empty()) plan(of, queue, forecast.forecast, now);
  }

  void plan(const InventedQueue& of, QueueSnapshot& queue, const Forecast& forecast, TimePoint now) {
    const double messages = std::max(forecast.quantile(0, 0.95), forecast.quantile(1, 0.95));
    ScalingPlan& plan = queue.plan;
    plan.queue = queue.id;
    plan.at = now;
    plan.until = now + kStep;
    plan.warm_floor = of.base > 2 ? 1 : 0;
    plan.instances = static_cast<std::uint32_t>(std::ceil(messages / 10 * of.service * 1.3));
    plan.keep_idle = 30s;
    plan.reason = {.constraint = Constraint::Cost,
                   .model = ModelId::ExponentialSmoothing,
                   .level = 0.95,
                   .lead = 1200ms,
                   .demand = {.messages = messages,
                              .work_seconds = messages * of.service,
                              .concurrency = messages / 10 * of.service * 1.22},
                   .keep_price_seconds = 64,
                   .late_share = 0.004,
                   .one_more_saves = 0.04,
                   .one_more_costs_seconds = 8.6};
    tell({.time = now, .event = TimePassed{}}, {PublishPlan{plan}});
  }

  void add_up(const QueueSnapshot& queue) {
    Totals& totals = snapshot_.totals;
    totals.arrived += queue.arrived;
    totals.started += queue.started;
    totals.late += queue.late;
    totals.retries += queue.retries;
    totals.dead_letters += queue.dead_letters;
    if (queue.function.empty()) return;
    totals.instances.starting += queue.instances.starting;
    totals.instances.idle += queue.instances.idle;
    totals.instances.busy += queue.instances.busy;
    FunctionSnapshot function;
    function.id = FunctionId(queue.id.value());
    function.name = queue.function;
    function.instances = queue.instances;
    function.start_time_mean = 900ms;
    function.start_time_p95 = 1200ms;
    snapshot_.functions.push_back(function);
  }

  void finish(TimePoint) {
    Totals& totals = snapshot_.totals;
    totals.cold_starts = cold_;
    totals.warm_starts = warm_;
    totals.cold_starts_avoided = warm_ > 0 ? warm_ * 9 / 10 : 0;
    instance_seconds_ += totals.instances.usable();
    totals.instance_seconds = instance_seconds_;
    ++snapshot_.events;
    snapshot_.process = read_process();
    snapshot_.process.functions_memory_bytes = totals.instances.usable() * (11ULL << 20);
    snapshot_.store.file_bytes = 42U << 20;
    const double share = std::fmod(seconds(snapshot_.uptime) / 900, 1.0);
    snapshot_.progress = Progress{"Playing an invented trace at 60x", share, from_seconds(900 * (1 - share))};
  }

  Metrics& metrics_;
  DecisionLog& decisions_;
  Snapshot snapshot_;
  Random random_{11};
  double open_[std::size(kQueues) + 1] = {};
  TimePoint step_end_;
  std::uint64_t next_instance_ = 1;
  std::uint64_t cold_ = 0, warm_ = 0;
  double instance_seconds_ = 0;
};

TimePoint wall_clock() {
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

int run(std::uint16_t port, const char* page_directory) {
  Loop loop;
  const InventedNames names;
  Metrics metrics({.version = "0.1.0"}, names);
  DecisionLog decisions({}, names);
  Dashboard dashboard({.version = "0.1.0", .page_directory = page_directory},
                      {.metrics = &metrics, .decisions = &decisions, .logs = {}});
  InventedServer invented(metrics, decisions);
  for (TimePoint past = wall_clock() - 600s; past < wall_clock(); past += 1s)
    dashboard.publish(invented.second(past));
  dashboard.set_ready(true);
  metrics.set_ready(true);

  auto server =
      HttpServer::listen(loop, {.listen = {.host = "127.0.0.1", .port = port}}, dashboard.handler());
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 1;
  }
  std::printf("http://127.0.0.1:%u/\n", static_cast<unsigned>((*server)->endpoint().port));
  std::fflush(stdout);
  std::unique_ptr<Loop::Timer> timer;
  const std::function<void()> tick = [&] {
    const Snapshot& snapshot = invented.second(wall_clock());
    metrics.set_snapshot(snapshot);
    dashboard.publish(snapshot);
    timer = loop.call_after(std::chrono::seconds(1), tick);
  };
  tick();
  const auto signals = loop.watch_signals({SIGINT, SIGTERM}, [&](int) { loop.stop(); });
  while (!loop.stopped()) loop.run_until(Loop::Clock::now() + std::chrono::hours(1));
  return 0;
}

}  // namespace
}  // namespace forewarm

int main(int argc, char** argv) {
  const int port = argc > 1 ? std::atoi(argv[1]) : 0;
  return forewarm::run(static_cast<std::uint16_t>(port), argc > 2 ? argv[2] : "");
}
