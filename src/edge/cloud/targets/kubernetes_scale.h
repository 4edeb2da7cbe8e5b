#pragma once

#include <memory>
#include <string>

#include "edge/cloud/targets/http_target.h"

namespace forewarm {

/// The scale subresource of a workload (Kubernetes API, autoscaling/v1 Scale of apps/v1): read by GET, set by
/// a JSON merge patch (RFC 7386) of spec.replicas, so that nothing else of the workload is touched.
struct KubernetesWorkload {
  std::string url;                       ///< of the API server
  std::string space = "default";         ///< namespace
  std::string resource = "deployments";  ///< or statefulsets
  std::string name;
};
std::unique_ptr<TargetTranslator> make_kubernetes_scale(KubernetesWorkload workload);

/// Where a pod finds its API server, its token, whom to trust and its namespace (Kubernetes, "Accessing the
/// API from a Pod").
struct PodAccount {
  std::string url;  ///< of KUBERNETES_SERVICE_HOST and _PORT; empty: this is not a pod
  std::string token_file = "/var/run/secrets/kubernetes.io/serviceaccount/token";
  std::string ca_file = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";
  std::string space;
};
PodAccount find_pod_account();

}  // namespace forewarm
