#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "edge/net/fetch.h"

namespace forewarm {

/// How an API server of Kubernetes is reached, as a configuration has it. Empty: as a pod finds its own.
struct KubernetesAccess {
  std::string url;
  std::string space;  ///< namespace
  std::string token_file;
  std::string ca_file;

  friend bool operator==(const KubernetesAccess&, const KubernetesAccess&) = default;
};

/// The same with what this machine knows.
struct KubernetesApi {
  std::string url;                                       ///< empty: none is configured, and this is no pod
  std::string space = "default";                         ///< namespace
  std::string ca_file;                                   ///< PEM file of who is trusted; empty: the system's
  std::function<Result<void>(FetchRequest&)> authorise;  ///< adds the token, for each request
};
/// A pod's own account is for its own cluster only: its token and whom it trusts go with its own url.
KubernetesApi find_kubernetes_api(const KubernetesAccess& access);

}  // namespace forewarm
