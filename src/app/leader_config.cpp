#include "app/leader_config.h"

#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <random>
#include <utility>

#include "app/kubernetes_access.h"
#include "edge/leader/kubernetes_lease.h"
#include "edge/leader/postgres_lock.h"
#include "edge/net/http.h"
#include "edge/postgres/connection.h"

namespace forewarm {
namespace {

constexpr std::string_view kKubernetesLease = "kubernetes-lease";
constexpr std::string_view kPostgresLock = "postgresql-lock";
/// As client-go has it: a deadline within which one request fits is none.
constexpr double kRetriesWithin = 1.2;

using MadeElection = Result<std::unique_ptr<LeaderElection>>;

/// Where the API server is and how it is asked, for a Lease and for a pod.
template <class Asked>
void fill_access(const LeaderConfig& config, Asked& asked) {
  KubernetesApi api = find_kubernetes_api(
      {.url = config.url, .space = config.space, .token_file = config.token_file, .ca_file = config.ca_file});
  asked.url = std::move(api.url);
  asked.space = std::move(api.space);
  asked.ca_file = std::move(api.ca_file);
  asked.authorise = std::move(api.authorise);
}

MadeElection make_lease(const LeaderConfig& config, LeaderElection::Changed changed) {
  KubernetesLease lease{.url = {}, .name = config.name};
  fill_access(config, lease);
  if (lease.url.empty())
    return error(ErrorCode::Invalid,
                 "[leader] needs url, the API server's: this is not a pod that Kubernetes would tell it");
  lease.timing = {.identity = leader_identity(config),
                  .lease = config.lease,
                  .renew_deadline = config.renew_deadline,
                  .retry = config.retry,
                  .seed = std::random_device{}()};
  return make_kubernetes_lease(std::move(lease), std::move(changed));
}

}  // namespace

void describe(FieldVisitor& v, LeaderConfig& c) {
  v.text(
      {"kind",
       "empty: one copy, which acts; kubernetes-lease, postgresql-lock: of several copies the one that has "
       "the Lease, or the lock"},
      c.kind);
  v.text({"name", "of the Lease or lock; copies that share it take turns"}, c.name);
  v.text({"namespace", "kubernetes-lease: of the Lease (empty: the pod's own, or default)"}, c.space);
  v.text({"identity", "what this copy is called there (empty: the machine's name, in a pod the pod's)"},
         c.identity);
  v.text({"url",
          "kubernetes-lease: of the API server (empty: the pod's own cluster); postgresql-lock: "
          "postgresql://USER@HOST:5432/DATABASE"},
         c.url);
  v.text({"token_file",
          "kubernetes-lease: file with a bearer token, read at each request (empty: the pod's "
          "service account)"},
         c.token_file);
  v.text({"password_file", "postgresql-lock: file with the password, read for each session"},
         c.password_file);
  v.text({"ca_file", "kubernetes-lease: PEM file of who is trusted (empty: the pod's service account)"},
         c.ca_file);
  v.text({"pod_label",
          "kubernetes-lease: label of the pod called identity that says \"true\" while it leads, for a "
          "Service that selects it; empty: none"},
         c.pod_label);
  v.duration({"lease",
              "whole seconds: another copy acts when the Lease was not renewed for so long, or so "
              "long after it got the lock"},
             c.lease, {1s, 10min});
  v.duration({"renew_deadline", "a copy that could not renew for so long stops acting; shorter than lease"},
             c.renew_deadline, {100ms, 10min});
  v.duration({"retry", "between two requests"}, c.retry, {10ms, 1min});
}

Result<void> check_leader(const LeaderConfig& config) {
  if (config.kind.empty()) return {};
  const auto wrong = [](std::string text) { return error(ErrorCode::Invalid, std::move(text)); };
  if (config.kind != kKubernetesLease && config.kind != kPostgresLock)
    return wrong("kind: expected kubernetes-lease, postgresql-lock, or none for one copy, found '" +
                 config.kind + "'");
  if (config.name.empty()) return wrong("needs name, the Lease's or the lock's");
  if (config.kind == kPostgresLock) {
    if (const Result<void> right = check_postgres_url(config.url); !right)
      return wrong("url: " + right.error().message);
  } else if (!config.url.empty() && !config.url.starts_with("http://") &&
             !config.url.starts_with("https://")) {
    return wrong("url: expected one that begins with http:// or https://, found '" + config.url + "'");
  }
  if (!config.pod_label.empty() && config.kind != kKubernetesLease)
    return wrong("pod_label: only a pod has one; for kind = \"kubernetes-lease\"");
  if (config.lease % Duration(1s) != Duration(0)) return wrong("lease: expected whole seconds");
  if (config.lease <= config.renew_deadline)
    return wrong("renew_deadline: expected less than lease, or two copies would act at a time");
  if (seconds(config.renew_deadline) <= kRetriesWithin * seconds(config.retry))
    return wrong("retry: expected so much less than renew_deadline that a second try fits in");
  return {};
}

std::string leader_identity(const LeaderConfig& config) {
  if (!config.identity.empty()) return config.identity;
  char host[256] = {};
  return ::gethostname(host, sizeof host - 1) == 0 && host[0] != '\0' ? host : "forewarm";
}

MadeElection make_election(const LeaderConfig& config, LeaderElection::Changed changed) {
  if (config.kind == kKubernetesLease) return make_lease(config, std::move(changed));
  return make_postgres_lock({.url = config.url,
                             .password_file = config.password_file,
                             .name = config.name,
                             .identity = leader_identity(config),
                             .timing = {.lease = config.lease, .renew_deadline = config.renew_deadline},
                             .retry = config.retry},
                            std::move(changed));
}

std::unique_ptr<PodLabelKeeper> make_pod_label(const LeaderConfig& config,
                                               std::function<void(const std::string&)> problem) {
  if (config.kind != kKubernetesLease || config.pod_label.empty()) return nullptr;
  PodLabel label{.url = {}, .pod = leader_identity(config), .label = config.pod_label};
  fill_access(config, label);
  label.retry = std::chrono::duration_cast<std::chrono::milliseconds>(config.retry);
  label.problem = std::move(problem);
  return keep_pod_label(std::move(label));
}

MadeElection lead_for_a_while(const LeaderConfig& config) {
  struct Heard {
    std::mutex mutex;
    std::condition_variable changed;
    Leadership standing;
  };
  const auto heard = std::make_shared<Heard>();
  auto election = make_election(config, [heard](const Leadership& now) {
    const std::lock_guard lock(heard->mutex);
    heard->standing = now;
    heard->changed.notify_one();
  });
  if (!election) return election;
  std::unique_lock lock(heard->mutex);
  const Duration patience = config.lease + 4 * config.retry;
  if (heard->changed.wait_for(lock, patience, [&] { return heard->standing.leads; })) return election;
  const Leadership& last = heard->standing;
  const std::string why = !last.leader.empty()    ? last.leader + " leads"
                          : !last.problem.empty() ? "nobody can lead: " + last.problem
                                                  : "another copy may lead";
  return error(ErrorCode::Conflict, why + ". Stop all copies of control first");
}

}  // namespace forewarm
