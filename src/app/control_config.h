#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/access_config.h"
#include "app/alerts_config.h"
#include "app/config_fields.h"
#include "app/control_metrics_config.h"
#include "app/keda_config.h"
#include "app/leader_config.h"
#include "base/result.h"
#include "core/model/directive.h"
#include "core/model/settings.h"

namespace forewarm {

/// What is told how many instances to have. Which of the fields count depends on `kind`; of the durations and
/// numbers at the end those that are not 0 replace what is known of the kind.
struct ControlTarget {
  std::string kind;
  std::string url;
  std::string read_url;
  std::string token_file;
  std::string ca_file;
  Duration timeout = 10s;
  std::string space;
  std::string workload = "deployment";
  std::string via = "http";
  std::string name;
  std::string function;
  std::string qualifier;
  std::string uuid;
  std::string region;
  std::string dimension;
  bool raise_maximum = false;
  std::string group;
  std::int64_t always_ready_max = 0;
  std::int64_t actions_max = 20;
  std::vector<std::string> command;
  std::vector<std::string> read_command;
  Duration lead = Duration(0);
  Duration change_every = Duration(0);
  Duration minimum_billing = Duration(0);
  std::int64_t granularity = 0;
  std::int64_t change_max = 0;
  double dead_band = 0;

  friend bool operator==(const ControlTarget&, const ControlTarget&) = default;
};

/// One [[control]]: a queue that is watched, and its target.
struct ControlConfig {
  std::string queue;
  Duration service_time = Duration(0);
  Duration silent_after = 1min;
  Duration scale_down_delay = 5min;
  ControlMetrics metrics;
  ScalingSettings scaling;
  ControlTarget target;

  friend bool operator==(const ControlConfig&, const ControlConfig&) = default;
};

/// What the file of `forewarm control` says.
struct ControlFile {
  std::string data = "forewarm-control";
  std::string history;  ///< empty: in the data folder
  std::string history_password_file;
  std::string admin = "127.0.0.1:9326";
  std::string log_level = "info";
  Duration every = 5s;
  std::vector<std::string> egress;
  ForecastSettings forecast;
  LeaderConfig leader;
  KedaConfig keda;
  std::vector<ControlConfig> controls;
  AlertsConfig alerts;
  std::vector<NotifyConfig> notify;
  std::vector<AdminTokenConfig> admin_tokens;
};

void describe(FieldVisitor& visitor, ControlFile& config);  ///< top level, without the arrays of tables
void describe(FieldVisitor& visitor, ControlConfig& config);

/// Reads TOML; `file` is for messages only. Invalid with file:line:column, what was expected and what to do.
Result<ControlFile> read_control_config(std::string_view text, std::string_view file);
/// Reads a file; NotFound with the path and the remedy.
Result<ControlFile> read_control_file(const std::string& path);

/// The model of a checked target's kind with what the file says of it.
ActuatorModel actuator_of(const ControlTarget& target);

}  // namespace forewarm
