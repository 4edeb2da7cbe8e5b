#pragma once

#include <memory>
#include <string>

#include "app/config_fields.h"
#include "base/result.h"
#include "edge/leader/leader_election.h"
#include "edge/leader/pod_label.h"

namespace forewarm {

/// Which of several copies of `forewarm control` acts. Durations as those of Kubernetes' own components.
struct LeaderConfig {
  std::string kind;  ///< empty: there is one copy, and it acts
  std::string name = "forewarm-control";
  std::string space;
  std::string identity;
  std::string url;
  std::string token_file;
  std::string password_file;
  std::string ca_file;
  std::string pod_label;
  Duration lease = 15s;
  Duration renew_deadline = 10s;
  Duration retry = 2s;

  friend bool operator==(const LeaderConfig&, const LeaderConfig&) = default;
};

void describe(FieldVisitor& visitor, LeaderConfig& config);
/// Invalid with the remedy.
Result<void> check_leader(const LeaderConfig& config);

/// What this copy is called: what the file says, or the machine's name, which in a pod is the pod's.
std::string leader_identity(const LeaderConfig& config);
/// The election of a checked [leader]. Invalid with the remedy where this machine lacks what it needs.
/// `changed` is called on the election's thread.
Result<std::unique_ptr<LeaderElection>> make_election(const LeaderConfig& config,
                                                      LeaderElection::Changed changed);
/// What keeps the label pod_label of the pod that this copy is; null where there is none to keep. `problem`
/// as PodLabel has it.
std::unique_ptr<PodLabelKeeper> make_pod_label(const LeaderConfig& config,
                                               std::function<void(const std::string&)> problem);
/// For a command that acts once: waits until this process leads, longer than a lease that nobody renews
/// lasts. Conflict, with who leads, when it does not come to that.
Result<std::unique_ptr<LeaderElection>> lead_for_a_while(const LeaderConfig& config);

}  // namespace forewarm
