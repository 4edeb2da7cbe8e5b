#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"

namespace forewarm {

/// [alerts]: how the server watches itself.
struct AlertsConfig {
  Duration every = 15s;
  std::map<std::string, std::string> lasting;  ///< durations by alert

  friend bool operator==(const AlertsConfig&, const AlertsConfig&) = default;
};

/// One [[notify]]: who is told of alerts. Which of the fields count depends on `kind`.
struct NotifyConfig {
  std::string name;
  std::string kind = "webhook";
  std::string url;
  std::string secret_file;
  std::string secret_env;
  std::string ca_file;
  std::string user;
  std::string from;
  std::vector<std::string> to;
  bool starttls = true;
  std::vector<std::string> severities;
  std::vector<std::string> alerts;
  Duration group_wait = 10s;
  Duration group_interval = 5min;
  Duration repeat_interval = 4h;
  bool send_resolved = true;
  std::int64_t rate_max = 30;
  Duration timeout = 10s;

  friend bool operator==(const NotifyConfig&, const NotifyConfig&) = default;
};

}  // namespace forewarm
