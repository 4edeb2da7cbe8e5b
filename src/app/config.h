#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/access_config.h"
#include "app/alerts_config.h"
#include "app/emf_config.h"
#include "app/otlp_config.h"
#include "app/override_config.h"
#include "app/remote_config.h"
#include "app/signal_config.h"
#include "app/source_config.h"
#include "base/result.h"
#include "core/model/settings.h"
#include "edge/functions/isolation.h"

namespace forewarm {

/// One [[function.variant]]: a way to run the function. What it leaves out is as in the [[function]].
struct VariantConfig {
  std::int64_t memory_mb = 0;                      ///< 0: the function's
  std::vector<std::string> command;                ///< empty: the function's
  std::map<std::string, std::string> environment;  ///< over the function's
  std::int64_t concurrency_max = 0;                ///< 0: the function's

  friend bool operator==(const VariantConfig&, const VariantConfig&) = default;
};

/// One [[function]]: a program whose instances run messages, or a function elsewhere that is invoked with
/// them. The ids and versions are given by the server.
struct FunctionConfig {
  std::string name;
  std::vector<std::string> command;
  std::string runtime = "lambda";  ///< as parse_runtime takes it, or runs_elsewhere()
  std::string handler;
  std::string working_directory;
  std::map<std::string, std::string> environment;
  std::int64_t memory_mb = 128;
  Duration timeout = 30s;
  Duration init_timeout = 10s;
  std::int64_t concurrency_max = 20;
  Duration start_time_guess = 1s;
  Duration freeze_after = Duration(0);  ///< 0: never
  std::string network = "host";         ///< or "none"
  std::vector<std::string> read_paths;
  std::vector<std::string> write_paths;
  std::int64_t tmp_mb = 512;
  std::int64_t processes_max = 1024;
  bool group_affinity = false;
  RemoteConfig remote = {};
  std::vector<VariantConfig> variants;  ///< empty: one, the function as it is

  friend bool operator==(const FunctionConfig&, const FunctionConfig&) = default;
};

/// One [[mapping]]: a queue's messages run on a function.
struct MappingConfig {
  std::string queue;
  std::string function;
  MappingSettings settings;  ///< its two ids and its overrides are not set here
  std::vector<OverrideConfig> overrides = {};

  friend bool operator==(const MappingConfig&, const MappingConfig&) = default;
};

/// One [[queue]]: created at the start if it is not there yet, with SQS attributes by their SQS names.
struct QueueConfig {
  std::string name;
  std::map<std::string, std::string> attributes;

  friend bool operator==(const QueueConfig&, const QueueConfig&) = default;
};

/// How long what was measured per interval is kept, and at what grain (docs/formats/history.md). The finest
/// grain is the forecasts' step.
struct HistorySettings {
  Duration keep = 24h * 7;
  Duration medium_step = 5min;
  Duration medium_keep = 24h * 90;
  Duration coarse_step = 1h;
  Duration coarse_keep = 24h * 1095;

  friend bool operator==(const HistorySettings&, const HistorySettings&) = default;
};

/// Everything that the file, the environment and the flags of `serve` say. docs/configuration.md is made from
/// the same description of the fields that reads them.
struct ServerConfig {
  std::string data = "forewarm-data";
  std::string listen = "127.0.0.1:9324";
  std::string admin = "127.0.0.1:9325";
  std::string region = "us-east-1";
  std::string public_url;
  std::string record;
  std::string tls_certificate;
  std::string tls_key;
  std::vector<std::string> egress;
  Duration shutdown_timeout = 8s;
  std::string log_level = "info";  ///< as Log takes it
  std::int64_t disk_reserve_mb = 16;
  std::int64_t instances_max = 200;
  std::int64_t memory_max_mb = 0;
  std::string isolation = "on";  ///< as parse_isolation takes it
  std::int64_t isolation_user_first = 1'880'000'000;
  std::int64_t function_nice = 10;
  double starts_per_second = 0;
  std::int64_t starts_burst = 10;
  std::int64_t forecast_horizon = 60;
  std::int64_t forecast_history = 8640;
  std::int64_t forecast_refit_every = 6;
  Duration forecast_step = 10s;
  HistorySettings history;
  WorkersConfig workers;
  std::vector<FunctionConfig> functions;
  std::vector<MappingConfig> mappings;
  std::vector<QueueConfig> queues;
  std::vector<SourceConfig> sources;
  std::vector<SignalConfig> signals;
  AlertsConfig alerts;
  OtlpConfig otlp;
  EmfConfig emf;
  std::vector<NotifyConfig> notify;
  std::vector<AdminTokenConfig> admin_tokens;
  std::vector<AccessKeyConfig> access_keys;
};

/// Reads TOML. `file` is for messages only. All errors are Invalid and say file:line:column, what was
/// expected, the allowed values, and the nearest known name where one is misspelt.
Result<ServerConfig> read_config(std::string_view text, std::string_view file);
/// NotFound with the path.
Result<ServerConfig> read_config_file(const std::string& path);
/// http or https, a host, and nothing after a path; Invalid says what is expected.
Result<void> check_public_url(const std::string& url);
/// The steps of the history fit each other and the forecasts' step; Invalid says which do not.
Result<void> check_history(const ServerConfig& config);
/// Puts back into `read` what only a restart can change of the one in force; the names of those settings.
std::vector<std::string_view> keep_until_restart(const ServerConfig& in_force, ServerConfig& read);
/// The variants of a function, at least one, each with all that it leaves out filled in.
std::vector<VariantConfig> variants_of(const FunctionConfig& function);
/// A function whose one instance, of whatever variant, is above `memory_max_mb` could never start; Invalid
/// says so.
Result<void> check_memory(const FunctionConfig& function, std::int64_t memory_max_mb);
/// FOREWARM_* over what the file said.
Result<void> apply_environment(ServerConfig& config);
/// A whole example file, commented; what `forewarm config init` writes and the tests read back.
std::string example_config();
/// The reference page: every key with its type, default, bounds and meaning.
std::string config_reference();
/// The [[function]] and [[mapping]] tables of a configuration as TOML; read_config() of it gives the same.
std::string to_toml(const FunctionConfig& function, const std::vector<MappingConfig>& mappings);
/// Known traps that are not errors: one sentence each, with the remedy.
std::vector<std::string> config_warnings(const ServerConfig& config);

/// "250ms", "10s", "5m", "2h", "1d"; Invalid with the allowed units otherwise.
Result<Duration> parse_duration(std::string_view text);
std::string format_duration(Duration duration);
/// "on", "off" or "required"; Invalid otherwise.
Result<IsolationLevel> parse_isolation(std::string_view text);
/// The known name nearest to `name` by edit distance, if it is near enough to be meant; else empty.
std::string_view nearest_name(std::string_view name, const std::vector<std::string_view>& known);

}  // namespace forewarm
