#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace forewarm {

// What each subcommand does, given its parsed options. Data goes to standard output, everything else to
// standard error. The result is the exit code: 0 done, 1 failed, 2 used wrongly.

struct ServeCommand {
  std::string config;
  std::string data;
  std::string listen;
  std::string admin;
  std::string record;
  std::string public_url;
};
int run_serve(const ServeCommand& command);

/// Where a running server is found.
struct ServerAddress {
  std::string endpoint = "http://127.0.0.1:9324";
  std::string admin = "http://127.0.0.1:9325";
  std::string token_file;  ///< of the admin address; empty: FOREWARM_TOKEN, if it is set
  bool json = false;
};

struct BenchCommand {
  std::string queue = "bench";
  double seconds = 5;
  double rate = 0;
  std::uint64_t connections = 16;
  std::uint64_t batch = 1;
  std::uint64_t bytes = 1024;
  bool no_consume = false;
};
int run_bench(const ServerAddress& server, const BenchCommand& command);

int run_queue_list(const ServerAddress& server);
int run_queue_create(const ServerAddress& server, const std::string& name,
                     const std::vector<std::string>& attributes);
int run_queue_delete(const ServerAddress& server, const std::string& name);
int run_queue_purge(const ServerAddress& server, const std::string& name);
int run_queue_send(const ServerAddress& server, const std::string& name, const std::string& body);

int run_queue_peek(const ServerAddress& server, const std::string& name, std::uint64_t limit);
int run_queue_pause(const ServerAddress& server, const std::string& name, bool paused);
int run_audit(const ServerAddress& server, const std::string& data, std::uint64_t limit);

struct ScalingCommand {
  bool pause_in = false;
  bool pause_out = false;
  bool resume = false;
  std::int64_t force = -1;  ///< instances; -1: not said
  std::string lasts;
};
/// One of the four must be set; used wrongly otherwise.
int run_queue_scaling(const ServerAddress& server, const std::string& queue, const ScalingCommand& command);

int run_dlq_list(const ServerAddress& server);
int run_dlq_triage(const ServerAddress& server, const std::string& name);
struct DeadLetterCommand {
  std::string name;
  std::string to;
  std::string group;  ///< fingerprint of the error; empty: all messages
  std::uint64_t rate = 50;
  std::uint64_t canaries = 5;
};
/// Waits for its end; 1 if it stopped because messages failed again.
int run_dlq_redrive_group(const ServerAddress& server, const DeadLetterCommand& command);
int run_dlq_redrive(const ServerAddress& server, const std::string& from, const std::string& to,
                    std::uint64_t messages_max);

struct FunctionCommandLine {
  std::string name;
  std::vector<std::string> command;
  std::string queue;
  std::string runtime;
  std::string handler;
  std::string working_directory;
  std::vector<std::string> environment;
  std::vector<std::string> read_paths;
  std::vector<std::string> write_paths;
  std::string network;
  std::string timeout;
  std::uint64_t memory_mb = 0;
  std::uint64_t concurrency_max = 0;
  std::string objective;
};
int run_function_add(const ServerAddress& server, const FunctionCommandLine& given, bool must_exist);
int run_function_remove(const ServerAddress& server, const std::string& name);
int run_function_list(const ServerAddress& server);
/// `message`: lines of its runs only; empty: all.
int run_function_logs(const ServerAddress& server, const std::string& name, std::uint64_t lines,
                      const std::string& message);
int run_function_invoke(const ServerAddress& server, const std::string& name, const std::string& payload);

int run_signal_list(const ServerAddress& server);
int run_signal_show(const ServerAddress& server, const std::string& name, std::uint64_t limit);

struct ExplainCommand {
  std::string queue;  ///< or a message's id
  std::string data;   ///< read the decision log of a stopped server here instead of asking one
  std::string from;
  std::string to;
  std::uint64_t limit = 20;
};
int run_explain(const ServerAddress& server, const ExplainCommand& command);

struct PlanCommand {
  std::string queue;
  std::string target = "process";
  std::string prices;  ///< of tiers to choose between; empty: none
};
int run_plan(const ServerAddress& server, const PlanCommand& command);

struct ForecastCommand {
  std::string queue;
  std::string horizon = "1h";
  std::string at;
};
int run_forecast(const ServerAddress& server, const ForecastCommand& command);

struct DemoCommand {
  std::string trace;
  double minutes = 4;
  double speed = 0;
  std::string data;
  std::string admin = "127.0.0.1:9325";
  std::string source;  ///< URL of the queues in another engine, with {queue} for the name; empty: ours
  std::string report;
  bool json = false;
};
int run_demo(const DemoCommand& command);

struct ReplayCommand {
  std::string trace;
  std::vector<std::string> policies;
  std::vector<std::string> queues;
  std::string start_time;
  std::string objective;
  std::string step;
  std::string html;
  std::string prices;
  std::uint64_t seed = 1;
  std::uint64_t memory_max_mb = 0;
  double speed = 1;
  double scored = 1;
  double late_share = 0.01;
  unsigned threads = 0;
  bool no_bound = false;
  bool json = false;
  bool audit = false;
};
int run_replay(const ReplayCommand& command);

}  // namespace forewarm
