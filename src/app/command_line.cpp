#include "app/command_line.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "app/backtest_command.h"
#include "app/commands.h"
#include "app/completion.h"
#include "app/config.h"
#include "app/config_commands.h"
#include "app/control_commands.h"
#include "app/demo_function.h"
#include "app/fit_worker.h"
#include "app/history_commands.h"
#include "app/notify_commands.h"
#include "app/queue_commands.h"
#include "app/replay_options.h"
#include "app/server_options.h"
#include "app/store_commands.h"
#include "app/target_models.h"
#include "app/terminal.h"
#include "app/worker/worker_command.h"

namespace forewarm {
namespace {

/// The program's subcommands and the options they fill. Lives until the chosen one has run.
class CommandLine {
 public:
  CommandLine()
      : app_("forewarm predicts how many messages will come and has function instances warm before they do.",
             "forewarm") {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", "forewarm " FOREWARM_VERSION);
    app_.footer(
        "Start here:\n  forewarm demo                      watch it work on a recorded trace\n"
        "  forewarm serve                     a durable SQS-compatible queue on 127.0.0.1:9324\n"
        "  forewarm serve --config my.toml    with functions\n\nforewarm COMMAND --help shows examples of "
        "each.");
    const auto on_chosen = [this](CLI::App* sub, std::function<int()> action) { on(sub, std::move(action)); };
    serve();
    demo();
    replay();
    backtest();
    add_config_commands(app_, config_, on_chosen);
    add_queue_commands(app_, queue_, on_chosen);
    functions();
    signals();
    explain();
    add_history_commands(app_, history_, on_chosen);
    add_store_commands(app_, store_, on_chosen);
    add_control_commands(app_, control_, on_chosen);
    add_notify_commands(app_, notify_, on_chosen);
    add_worker_command(app_, worker_, on_chosen);
    forecast();
    plan();
    bench();
    about();
    hidden();
  }

  int run(int argc, char** argv) {
    if (const int code = suggest(argc, argv)) return code;
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& failure) {
      const int code = app_.exit(failure, std::cout, std::cerr);
      return code == 0 ? 0 : 2;
    }
    try {
      return action_ ? action_() : 2;
    } catch (const std::exception& failure) {  // a library's, as of JSON that lacks what was looked for
      std::cerr << "forewarm: what came was not what was expected: " << failure.what() << "\n";
      return 1;
    }
  }

 private:
  CLI::App* command(CLI::App& parent, const std::string& name, const std::string& what,
                    const std::string& examples) {
    CLI::App* sub = parent.add_subcommand(name, what);
    sub->footer("Examples:\n" + examples);
    return sub;
  }

  void on(CLI::App* sub, std::function<int()> action) {
    sub->callback([this, action = std::move(action)] { action_ = action; });
  }

  void with_server(CLI::App* sub) { add_server_options(*sub, server_); }

  void serve() {
    CLI::App* sub =
        command(app_, "serve", "run the server",
                "  forewarm serve\n  forewarm serve --config forewarm.toml\n"
                "  forewarm serve --data /var/lib/forewarm --listen 127.0.0.1:9324 --record events.txt");
    sub->add_option("--config", serve_.config, "TOML file (forewarm config reference lists its keys)")
        ->envname("FOREWARM_CONFIG");
    sub->add_option("--data", serve_.data, "folder of the durable queue (default forewarm-data)");
    sub->add_option("--listen", serve_.listen, "HOST:PORT of the SQS endpoint (default 127.0.0.1:9324)");
    sub->add_option("--admin", serve_.admin,
                    "HOST:PORT of dashboard, metrics and admin API (default 127.0.0.1:9325)");
    sub->add_option("--public-url", serve_.public_url,
                    "what queue URLs begin with, behind a proxy or in a container");
    sub->add_option("--record", serve_.record,
                    "write every event and decision to this file, for forewarm replay --audit");
    on(sub, [this] { return run_serve(serve_); });
  }

  void demo() {
    CLI::App* sub =
        command(app_, "demo", "watch it work: a recorded trace through a real queue and real processes",
                "  forewarm demo\n  forewarm demo --minutes 2 --admin 127.0.0.1:0\n  forewarm demo --trace "
                "my-trace.csv.gz --speed 60");
    sub->add_option("--trace", demo_.trace,
                    "trace to play instead of the one that is shipped (docs/formats/trace.md)");
    sub->add_option("--minutes", demo_.minutes, "how long it may take")
        ->check(CLI::Range(0.1, 600.0))
        ->capture_default_str();
    sub->add_option("--speed", demo_.speed, "trace seconds per second (default: what fits into --minutes)")
        ->check(CLI::Range(0.01, 100000.0));
    sub->add_option("--source", demo_.source,
                    "play through another engine's queues: URL with {queue} for the name (docs/engines.md)");
    sub->add_option("--data", demo_.data, "folder of the queue (default: a temporary one)");
    sub->add_option("--admin", demo_.admin, "HOST:PORT of the dashboard")->capture_default_str();
    sub->add_option("--report", demo_.report, "also write the report to this file");
    sub->add_flag("--json", demo_.json, "the report's figures as JSON");
    on(sub, [this] { return run_demo(demo_); });
  }

  void replay() {
    CLI::App* sub = command(app_, "replay", "what would other policies have done on a trace",
                            "  forewarm replay data/azure_functions_2019_8h\n"
                            "  forewarm replay trace.csv.gz --policy forewarm --policy keda:target=5 "
                            "--policy static:4 --html report.html\n"
                            "  forewarm replay data/azure_functions_2019_8h --prices aws-lambda\n"
                            "  forewarm replay events.txt --audit");
    add_replay_options(*sub, replay_);
    on(sub, [this] { return run_replay(replay_); });
  }

  void backtest() {
    CLI::App* sub = command(
        app_, "backtest", "how good forecasts of recorded traffic would have been",
        "  forewarm backtest data/azure_functions_2019_8h\n"
        "  forewarm backtest trace.csv.gz --queue orders --horizon 1h --origins 300 --html report.html\n"
        "  forewarm backtest --queue orders          its history on the running server\n"
        "  forewarm backtest --bench DIR --out forecasts.csv --models all");
    BacktestCommand& to = backtest_;
    sub->add_option("trace", to.trace, "trace file or folder (docs/formats/trace.md)");
    sub->add_option("--queue", to.queues,
                    "only this queue; repeatable; without a trace, of the running server")
        ->allow_extra_args(false);
    sub->add_option("--column", to.column, "column of the values (default: count, or value, or one a row)");
    sub->add_option("--regressor", to.regressors, "column of a regressor; repeatable")
        ->allow_extra_args(false);
    sub->add_flag("--unknown-ahead", to.unknown_ahead, "regressors are not known ahead of their time");
    sub->add_option("--absent", to.absent, "what an interval without a row means (default: zero for counts)")
        ->check(CLI::IsMember({"zero", "missing"}));
    sub->add_option("--step", to.step, "width of an interval (default: as recorded)");
    sub->add_option("--horizon", to.horizon, "how far ahead to forecast (default: 30 steps)");
    sub->add_option("--origins", to.origins, "how many forecasts of each series")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    sub->add_option("--every", to.every, "time between origins (default: they cover the second half)");
    sub->add_option("--window", to.window, "how much history a fit sees (default: all)");
    sub->add_option("--refit-every", to.refit_every, "origins from one fit to the next; updates between them")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    sub->add_option("--models", to.models,
                    "names with commas between them, or all (also without a value): ensemble is the engine")
        ->expected(0, 1)
        ->default_str("all");
    sub->add_option("--top", to.top, "only the busiest so many queues")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    sub->add_option("--html", to.html, "write a page with pictures to this file");
    with_server(sub);
    CLI::Option* bench = sub->add_option("--bench", to.bench, "folder of a benchmark (docs/backtest.md)");
    sub->add_option("--out", to.out, "with --bench: write the forecasts to this CSV file")->needs(bench);
    sub->add_option("--set", to.sets, "with --bench: only this set; repeatable")
        ->allow_extra_args(false)
        ->needs(bench);
    sub->add_flag("--no-regressors", to.no_regressors,
                  "with --bench: leave out what is recorded beside a series")
        ->needs(bench);
    on(sub, [this] { return run_backtest(server_, backtest_); });
  }

  void functions() {
    CLI::App* fn = app_.add_subcommand("fn", "functions: add, update, remove, list, logs, invoke");
    fn->require_subcommand(1);
    for (const bool update : {false, true}) {
      CLI::App* sub = named(*fn, update ? "update" : "add",
                            update ? "replace a function; running instances finish first"
                                   : "add a function to the running server",
                            update ? "  forewarm fn update resize -- ./bootstrap-v2"
                                   : "  forewarm fn add resize --queue jobs -- ./bootstrap --fast");
      sub->add_option("--queue", function_.queue, "queue whose messages it runs");
      sub->add_option("--runtime", function_.runtime, "how it hears of messages; lambda if not given")
          ->check(CLI::IsMember({"lambda", "azure-custom-handler", "functions-framework"}));
      sub->add_option("--handler", function_.handler, "which function of the program");
      sub->add_option("--directory", function_.working_directory, "where the command runs");
      sub->add_option("--env", function_.environment, "NAME=VALUE; repeatable")->allow_extra_args(false);
      sub->add_option("--read-path", function_.read_paths, "what else it may read; repeatable")
          ->allow_extra_args(false);
      sub->add_option("--write-path", function_.write_paths, "what it may change; repeatable")
          ->allow_extra_args(false);
      sub->add_option("--network", function_.network, "host, or none")
          ->check(CLI::IsMember({"host", "none"}));
      sub->add_option("--timeout", function_.timeout, "longest time of one run, for example 30s");
      sub->add_option("--memory-mb", function_.memory_mb, "memory told to the runtime");
      sub->add_option("--concurrency", function_.concurrency_max, "instances at a time");
      sub->add_option("--objective", function_.objective,
                      "a message should start within this, for example 500ms");
      sub->add_option("command", function_.command, "program and arguments of one instance");
      on(sub, [this, update] {
        function_.name = name_;
        return run_function_add(server_, function_, update);
      });
    }
    CLI::App* remove =
        named(*fn, "remove", "take a function out of the running server", "  forewarm fn remove resize");
    on(remove, [this] { return run_function_remove(server_, name_); });
    CLI::App* list = command(*fn, "ls", "functions with their instances", "  forewarm fn ls");
    with_server(list);
    on(list, [this] { return run_function_list(server_); });
    CLI::App* logs = named(*fn, "logs", "what its instances wrote", "  forewarm fn logs resize --lines 50");
    logs->add_option("--lines", lines_, "how many of the newest")->capture_default_str();
    logs->add_option("--message", message_, "only of the runs of the message with this id");
    on(logs, [this] { return run_function_logs(server_, name_, lines_, message_); });
    CLI::App* invoke = named(*fn, "invoke", "run it once, outside any queue, and show the response",
                             "  forewarm fn invoke resize '{\"test\": true}'");
    invoke->add_option("payload", payload_, "JSON given to the handler")->capture_default_str();
    on(invoke, [this] { return run_function_invoke(server_, name_, payload_); });
  }

  void signals() {
    CLI::App* signal = app_.add_subcommand("signal", "external series that help to forecast: list, show");
    signal->require_subcommand(1);
    CLI::App* list = command(*signal, "list", "signals with their newest values and state",
                             "  forewarm signal list\n  forewarm signal list --json");
    with_server(list);
    on(list, [this] { return run_signal_list(server_); });
    CLI::App* show = named(*signal, "show", "one signal: its state, counts, newest and next values",
                           "  forewarm signal show weather --limit 48");
    show->add_option("--limit", shown_, "values of the past and of the future, at most")
        ->check(CLI::Range(0, 1000))
        ->capture_default_str();
    on(show, [this] { return run_signal_show(server_, name_, shown_); });
  }

  void explain() {
    CLI::App* sub =
        named(app_, "explain",
              "why a queue had the instances that it had, or what a message went through and why it was late",
              "  forewarm explain jobs\n  forewarm explain 0e0f7c1c-52b4-4f9e-9e0b-0b9e0d2f6a11\n  forewarm "
              "explain jobs --from 2026-03-01T14:00:00Z --limit 50\n  "
              "forewarm explain jobs --data forewarm-data");
    sub->add_option("--data", explain_.data,
                    "read the decision log in this folder instead of asking a server");
    sub->add_option("--from", explain_.from, "RFC 3339 time");
    sub->add_option("--to", explain_.to, "RFC 3339 time");
    sub->add_option("--limit", explain_.limit, "decisions, the newest")->capture_default_str();
    on(sub, [this] {
      explain_.queue = name_;
      return run_explain(server_, explain_);
    });
  }

  void forecast() {
    CLI::App* sub = named(app_, "forecast", "what a running server expects of a queue",
                          "  forewarm forecast jobs --horizon 6h\n"
                          "  forewarm forecast jobs --horizon 6h --at 2026-03-01T14:00:00Z\n"
                          "  forewarm forecast jobs --json");
    sub->add_option("--horizon", forecast_.horizon, "how far ahead")->capture_default_str();
    sub->add_option("--at", forecast_.at, "as it would have been made then (RFC 3339), and what came since");
    on(sub, [this] {
      forecast_.queue = name_;
      return run_forecast(server_, forecast_);
    });
  }

  void plan() {
    CLI::App* sub = named(app_, "plan", "what to set for a queue, when, and what that costs and saves",
                          "  forewarm plan jobs\n  forewarm plan jobs --target hpa --json\n"
                          "  forewarm plan jobs --target provisioned-concurrency --prices aws-lambda");
    sub->add_option("--target", plan_.target, target_kinds(false))->capture_default_str();
    sub->add_option("--prices", plan_.prices,
                    "a price sheet: which instances to commit to (docs/formats/prices.md)");
    on(sub, [this] {
      plan_.queue = name_;
      return run_plan(server_, plan_);
    });
  }

  void bench() {
    CLI::App* sub = command(app_, "bench", "load any SQS endpoint and show throughput and latency",
                            "  forewarm bench\n  forewarm bench --rate 200 --seconds 10\n  forewarm bench "
                            "--endpoint http://127.0.0.1:9324 --batch 10 --connections 64");
    with_server(sub);
    sub->add_option("--queue", bench_.queue, "queue; made if missing")->capture_default_str();
    sub->add_option("--seconds", bench_.seconds, "how long to send")
        ->check(CLI::Range(0.1, 86400.0))
        ->capture_default_str();
    sub->add_option("--rate", bench_.rate, "messages a second (default: as fast as it goes)")
        ->check(CLI::Range(0.0, 1e7));
    sub->add_option("--connections", bench_.connections, "for sending, and as many for receiving")
        ->check(CLI::Range(1, 4096))
        ->capture_default_str();
    sub->add_option("--batch", bench_.batch, "messages in a request")
        ->check(CLI::Range(1, 10))
        ->capture_default_str();
    sub->add_option("--bytes", bench_.bytes, "size of a body")
        ->check(CLI::Range(16, 1'000'000))
        ->capture_default_str();
    sub->add_flag("--no-consume", bench_.no_consume, "only send; a function takes the messages");
    on(sub, [this] { return run_bench(server_, bench_); });
  }

  void about() {
    on(command(app_, "version", "which forewarm this is, and the format of the store that it writes",
               "  forewarm version"),
       [] { return run_version(); });
    CLI::App* completion =
        command(app_, "completion", "print a script that completes commands and options",
                "  source <(forewarm completion bash)\n  forewarm completion zsh > ~/.zfunc/_forewarm\n"
                "  forewarm completion fish > ~/.config/fish/completions/forewarm.fish");
    completion->add_option("shell", shell_, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    on(completion, [this] {
      std::cout << completion_script(app_, shell_);
      return 0;
    });
  }

  void hidden() {
    CLI::App* worker =
        app_.add_subcommand("fit-worker", "fits forecasts for a server (started by it)")->group("");
    worker->add_flag("--explain", explain_fits_, "say why, and take the time for it");
    on(worker, [this] { return run_fit_worker(explain_fits_); });
    CLI::App* function =
        app_.add_subcommand("demo-function", "the demo's function (started by the demo)")->group("");
    function->add_option("init", init_ms_, "milliseconds that its start takes")->required();
    on(function, [this] { return run_demo_function(std::chrono::milliseconds(init_ms_)); });
  }

  /// A subcommand about one named thing on a running server.
  CLI::App* named(CLI::App& parent, const std::string& name, const std::string& what,
                  const std::string& examples) {
    CLI::App* sub = command(parent, name, what, examples);
    sub->add_option("name", name_, "its name")->required();
    with_server(sub);
    return sub;
  }

  /// "forewarm srve", "forewarm queue lsit": says what was probably meant. 0 if the words are commands, up to
  /// the first option.
  int suggest(int argc, char** argv) {
    const CLI::App* at = &app_;
    std::string path;
    for (int word = 1; word < argc && argv[word][0] != '-'; ++word) {
      const std::string_view given = argv[word];
      std::vector<std::string_view> known;
      const CLI::App* next = nullptr;
      for (const CLI::App* sub : at->get_subcommands(nullptr)) {
        if (sub->get_name() == given) next = sub;
        if (!sub->get_group().empty()) known.push_back(sub->get_name());
      }
      if (known.empty()) return 0;
      if (next == nullptr) return unknown(path, given, nearest_name(given, known));
      path += std::string(given) + " ";
      at = next;
    }
    return 0;
  }

  static int unknown(const std::string& path, std::string_view given, std::string_view meant) {
    std::cerr << "forewarm: there is no command '" << path << given << "'.";
    if (!meant.empty()) std::cerr << " Did you mean '" << path << meant << "'?";
    std::cerr << "\nRun forewarm " << path << "--help for all commands.\n";
    return 2;
  }

  CLI::App app_;
  std::function<int()> action_;
  ServerAddress server_;
  ServeCommand serve_;
  ConfigCommand config_;
  DemoCommand demo_;
  ReplayCommand replay_;
  BacktestCommand backtest_;
  BenchCommand bench_;
  ExplainCommand explain_;
  ControlCommand control_;
  NotifyCommand notify_;
  HistoryCommand history_;
  QueueCommand queue_;
  StoreCommand store_;
  ForecastCommand forecast_;
  FunctionCommandLine function_;
  // An option's default is set before it is known which command runs: options with different defaults cannot
  // share a variable.
  std::string name_;
  std::string message_;
  std::string shell_;
  std::string payload_ = "{}";
  PlanCommand plan_;
  WorkerCommand worker_;
  std::uint64_t lines_ = 100;
  std::uint64_t shown_ = 20;
  std::uint64_t init_ms_ = 0;
  bool explain_fits_ = false;
};

}  // namespace

int run_command_line(int argc, char** argv) {
  return CommandLine().run(argc, argv);
}

}  // namespace forewarm
