#pragma once

#include <functional>
#include <memory>
#include <string>

#include "edge/leader/leader_election.h"
#include "edge/leader/lease_elector.h"
#include "edge/net/fetch.h"

namespace forewarm {

/// Leads by a Lease of Kubernetes (coordination.k8s.io/v1): made, taken and renewed by compare-and-swap of
/// its resourceVersion. On a thread of its own.
struct KubernetesLease {
  std::string url;                ///< of the API server
  std::string space = "default";  ///< namespace
  std::string name;
  std::string ca_file{};  ///< PEM file of who is trusted; empty: the system's
  std::function<Result<void>(FetchRequest&)> authorise{};  ///< adds the token, for each request
  LeaseElector::Settings timing{};
};
/// `changed` is called on the election's thread when what is known changes, and at the moment when leading
/// ends for want of an answer.
std::unique_ptr<LeaderElection> make_kubernetes_lease(KubernetesLease lease, LeaderElection::Changed changed);

}  // namespace forewarm
