#pragma once

#include <string>

#include "app/kubernetes_access.h"
#include "base/time.h"

namespace forewarm {

/// workers.pods.*: what is told of pods of Kubernetes that have workers in them.
struct WorkerPodsConfig {
  bool deletion_cost = false;
  KubernetesAccess access;

  friend bool operator==(const WorkerPodsConfig&, const WorkerPodsConfig&) = default;
};

/// [workers]: where functions with runtime = "workers" are polled for.
struct WorkersConfig {
  std::string listen;
  Duration lost_after = 10s;
  WorkerPodsConfig pods;

  friend bool operator==(const WorkersConfig&, const WorkersConfig&) = default;
};

/// remote.* of a [[function]] that runs elsewhere.
struct RemoteConfig {
  std::string function;  ///< aws-lambda: name or ARN
  std::string url;       ///< of the function; aws-lambda: of the API
  std::string key_file;  ///< azure-functions
  std::string audience;  ///< google-functions, azure-functions
  std::string payload;   ///< as remote_format takes it; empty: as usual with the runtime
  std::string ca_file;
  std::string token_file;         ///< workers
  std::string surplus = "keep";   ///< workers: or "end"
  Duration start_timeout = 2min;  ///< workers
  bool wait = true;               ///< aws-lambda: false is the invocation type Event

  friend bool operator==(const RemoteConfig&, const RemoteConfig&) = default;
};

}  // namespace forewarm
