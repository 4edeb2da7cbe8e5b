// forewarm demo: a recorded trace through a real queue and real processes

#include <charconv>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include "app/commands.h"
#include "app/demo_report.h"
#include "app/demo_trace.h"
#include "app/measured_run.h"
#include "app/own_program.h"
#include "app/server.h"
#include "app/source_factory.h"
#include "app/terminal.h"
#include "app/trace_player.h"
#include "edge/files/temporary_folder.h"

namespace forewarm {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr Duration kInit = 400ms;       ///< what the demo's function takes to start
constexpr Duration kObjective = 100ms;  ///< below the start time, or there would be nothing to predict
constexpr double kLateShare = 0.05;
constexpr std::uint32_t kInstancesMax = 40;  ///< of one queue
constexpr double kPlayedShare =
    0.85;  ///< of --minutes; the rest is for starting, draining and the comparison
constexpr auto kDrain = std::chrono::seconds(10);
constexpr auto kEngineDrain = std::chrono::seconds(60);

/// The trace's queues in the engine that was asked for; none: they are the server's own.
Result<std::vector<SourceConfig>> demo_sources(const std::string& url,
                                               const std::vector<TraceQueue>& queues) {
  constexpr std::string_view kName = "{queue}";
  std::vector<SourceConfig> sources;
  if (url.empty()) return sources;
  const std::size_t place = url.find(kName);
  if (place == std::string::npos && queues.size() > 1) {
    return error(ErrorCode::Invalid,
                 "--source has to say {queue} where the URL has the queue's name: the trace has " +
                     std::to_string(queues.size()) + " queues");
  }
  for (const TraceQueue& queue : queues) {
    SourceConfig& source = sources.emplace_back();
    source.queue = queue.name;
    source.url = url;
    for (std::size_t at = place; at != std::string::npos; at = source.url.find(kName, at + queue.name.size()))
      source.url.replace(at, kName.size(), queue.name);
    if (auto made = make_source(source); !made) return std::unexpected(made.error());
  }
  return sources;
}

ServerConfig demo_config(const DemoCommand& command, const Trace& trace, const std::string& data,
                         double speed, const std::vector<SourceConfig>& sources) {
  ServerConfig config;
  config.data = data;
  config.listen = "127.0.0.1:0";
  config.admin = command.admin;
  config.instances_max = 150;
  config.sources = sources;
  // A step is a minute of the trace, or half a second: shorter ones are noise.
  // The history keeps whole milliseconds.
  config.forecast_step =
      std::max<Duration>(500ms, std::chrono::round<std::chrono::milliseconds>(from_seconds(60 / speed)));
  config.forecast_refit_every = 2;
  for (const TraceQueue& queue : trace.queues) {
    FunctionConfig& function = config.functions.emplace_back();
    function.name = queue.name;
    function.command = {own_program(), "demo-function", std::to_string(kInit / 1ms)};
    function.start_time_guess = kInit;
    function.concurrency_max = kInstancesMax;
    MappingConfig& mapping = config.mappings.emplace_back();
    mapping.queue = queue.name;
    mapping.function = queue.name;
    mapping.settings.scaling.objective = kObjective;
    mapping.settings.scaling.late_share_max = kLateShare;
    mapping.settings.scaling.instances_max = kInstancesMax;
  }
  return config;
}

/// One demo: server, player and the books that are kept on them.
class Demo {
 public:
  Demo(const DemoCommand& command, const Trace& trace, double speed, const std::vector<SourceConfig>& sources)
      : command_(command), trace_(trace), speed_(speed), sources_(sources), handled_(trace.arrivals.size()) {}

  Result<void> run(const std::string& data);
  const DemoResult& result() const { return result_; }

 private:
  void ready();
  void second(const Snapshot& snapshot);
  void handled(std::string_view line);
  void line(const Snapshot& snapshot);

  const DemoCommand& command_;
  const Trace& trace_;
  double speed_;
  const std::vector<SourceConfig>& sources_;  ///< empty: its own queues
  std::unique_ptr<Server> server_;
  std::optional<TracePlayer> player_;
  MeasuredRun measured_;
  std::optional<Ledger> books_;
  TimePoint start_;
  std::optional<Loop::Clock::time_point> drain_until_;
  std::uint64_t planned_seen_ = 0;
  std::vector<bool> handled_;  ///< by message of the trace
  DemoResult result_;
};

Result<void> Demo::run(const std::string& data) {
  Log log({.level = LogLevel::Warning, .descriptor = 2, .format = log_format_for(2)});
  Server::Options options;
  options.config = demo_config(command_, trace_, data, speed_, sources_);
  options.log = &log;
  options.on_ready = [this] { ready(); };
  options.on_second = [this](const Snapshot& snapshot) { second(snapshot); };
  options.on_function_line = [this](const LogLine& line) { handled(line.text); };
  options.watch = [this](const TimedEvent& event, const Actions& actions) {
    measured_.observe(event, actions);
    if (books_) books_->observe(event, actions);
  };
  Result<std::unique_ptr<Server>> server = Server::open(options);
  if (!server && server.error().message.find("in use") != std::string::npos) {
    std::cerr << server.error().message << "; taking any free port for the dashboard\n";
    options.config.admin = "127.0.0.1:0";
    server = Server::open(options);
  }
  if (!server) return std::unexpected(server.error());
  server_ = std::move(*server);
  Result<void> ended = server_->run();
  result_.interrupted = !player_ || !player_->finished();
  result_.sent = player_ ? player_->sent() : 0;
  result_.refused = player_ ? player_->failed() : 0;
  player_.reset();
  const Snapshot last = server_->snapshot();
  if (books_) {
    books_->finish(last.at);
    result_.queues = books_->queues();
    result_.played = measured_.trace(trace_.queues, std::min(trace_.length, last.at - start_));
    result_.world = measured_.world({.start_time = DurationDistribution::fixed(kInit)});
  }
  result_.cold_starts_avoided = last.totals.cold_starts_avoided;
  server_.reset();
  return ended;
}

void Demo::ready() {
  std::cerr << "dashboard: http://" << to_string(server_->admin_endpoint()) << "\n";
  // The books know the queues by the numbers that the server has given them.
  const Snapshot snapshot = server_->snapshot();
  Ledger::Options options;
  options.start = start_ = snapshot.at;
  // What is idle after the last message is kept for messages that will not come.
  options.score_until = start_ + trace_.length + 1us;  // the last message comes at the end
  for (const TraceQueue& traced : trace_.queues) {
    for (const QueueSnapshot& queue : snapshot.queues) {
      if (queue.name != traced.name) continue;
      options.queues.push_back(queue.id);
      MappingSettings& mapping = options.configuration.mappings.emplace_back();
      mapping.queue = queue.id;
      mapping.scaling.objective = kObjective;
    }
  }
  books_.emplace(options);
  measured_.begin(start_, options.queues);
  player_.emplace(trace_, [this, sqs = server_->sqs_endpoint()] {
    return sources_.empty() ? sqs_trace_sender(trace_.queues, sqs) : engine_trace_sender(sources_);
  });
}

void Demo::second(const Snapshot& snapshot) {
  if (!player_) return;
  line(snapshot);
  std::ostringstream title;
  title << "Playing eight hours of Azure Functions at " << std::lround(speed_) << "x";
  const Duration left = from_seconds(seconds(trace_.length) * (1 - player_->share()));
  server_->set_progress(
      Progress{command_.trace.empty() ? title.str() : "Playing " + command_.trace, player_->share(), left});
  if (!player_->finished() || snapshot.at < start_ + trace_.length) return;
  if (!drain_until_) drain_until_ = Loop::Clock::now() + (sources_.empty() ? kDrain : kEngineDrain);
  bool idle = player_->drained();
  for (const QueueSnapshot& queue : snapshot.queues)
    idle = idle && queue.ready + queue.delayed + queue.in_flight == 0;
  if (idle || Loop::Clock::now() > *drain_until_) server_->stop();
}

/// A line of the demo's function: "message N done".
void Demo::handled(std::string_view line) {
  constexpr std::string_view kBegins = "message ";
  std::size_t number = 0;
  if (!line.starts_with(kBegins)) return;
  line.remove_prefix(kBegins.size());
  const auto [end, failure] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (failure != std::errc() || number >= handled_.size()) return;
  ++(handled_[number] ? result_.handled_again : result_.handled);
  handled_[number] = true;
}

/// Live figures: one line that renews itself on a terminal, one line in ten seconds elsewhere.
void Demo::line(const Snapshot& snapshot) {
  const Totals& totals = snapshot.totals;
  const double late =
      totals.started > 0 ? 100.0 * static_cast<double>(totals.late) / static_cast<double>(totals.started) : 0;
  std::ostringstream out;
  out << fixed(player_->share() * 100, 0) << "% played  " << grouped(totals.started) << " messages run  "
      << fixed(late, 1) << "% late  instances " << totals.instances.busy << " busy " << totals.instances.idle
      << " idle " << totals.instances.starting << " starting  " << grouped(totals.cold_starts_avoided)
      << " cold starts avoided";
  const bool terminal = is_terminal(2);
  if (planned_seen_ == 0 && totals.cold_starts_avoided > 0) {
    planned_seen_ = totals.cold_starts_avoided;
    std::cerr << (terminal ? "\r\033[K" : "")
              << "first message met by an instance that was warmed for it, after "
              << fixed(seconds(snapshot.uptime), 0) << " s\n";
  }
  if (terminal) {
    std::cerr << "\r\033[K" << out.str() << std::flush;
  } else if (static_cast<std::int64_t>(seconds(snapshot.uptime)) % 10 == 0) {
    std::cerr << out.str() << "\n";
  }
}

}  // namespace

int run_demo(const DemoCommand& command) {
  const Result<std::string> path =
      command.trace.empty() ? shipped_trace() : Result<std::string>(command.trace);
  if (!path) return failed(path.error());
  Result<Trace> recorded = read_trace(
      *path, {.queues = command.trace.empty() ? demo_queues() : std::vector<std::string>{}, .seed = kSeed});
  if (!recorded) return failed(recorded.error());
  const double speed = command.speed > 0
                           ? command.speed
                           : std::max(1.0, seconds(recorded->length) / (command.minutes * 60 * kPlayedShare));
  const Trace trace = compress_time(*recorded, speed, kSeed);
  std::cerr
      << "forewarm demo: " << grouped(trace.arrivals.size()) << " messages of " << trace.queues.size()
      << " queues, recorded in " << fixed(seconds(recorded->length) / 3600, 1) << " hours, played in "
      << fixed(seconds(trace.length), 0) << " seconds (" << fixed(speed, 0)
      << " times as fast). One second here is " << fixed(speed, 0) << " there: an instance's start of "
      << fixed(seconds(kInit), 1) << " s stands for " << fixed(seconds(kInit) * speed, 0)
      << " s, as a container's with a model or a large runtime.\nCtrl-C ends it with the report so far.\n";
  const Result<std::vector<SourceConfig>> sources = demo_sources(command.source, trace.queues);
  if (!sources) return failed(sources.error());
  std::optional<TemporaryFolder> temporary;
  try {
    if (command.data.empty()) temporary.emplace();
  } catch (const std::filesystem::filesystem_error& problem) {
    return failed({ErrorCode::Io, std::string(problem.what()) + ". Give one with --data"});
  }
  const std::string data = temporary ? temporary->path() : command.data;
  Demo demo(command, trace, speed, *sources);
  const Result<void> ended = demo.run(data);
  if (is_terminal(2)) std::cerr << "\r\033[K";
  if (!ended) return failed(ended.error());
  if (demo.result().queues.empty()) {
    std::cout << "the demo ended before anything was played\n";
    return 0;
  }
  const DemoSettings settings{.seed = kSeed, .objective = kObjective, .late_share_max = kLateShare};
  const Result<DemoComparison> comparison = compare_demo(demo.result(), settings);
  if (!comparison) return failed(comparison.error());
  const std::string report = command.json ? demo_json(*comparison, demo.result())
                                          : demo_report(*comparison, demo.result(), settings);
  std::cout << report;
  if (!command.report.empty()) {
    std::ofstream file(command.report);
    file << report;
    if (!file.flush()) return failed({ErrorCode::Io, command.report + ": cannot be written"});
  }
  return 0;
}

}  // namespace forewarm
