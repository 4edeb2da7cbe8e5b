#include "edge/leader/kubernetes_lease.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "edge/leader/api_refusal.h"
#include "edge/leader/lease_object.h"
#include "edge/leader/published_standing.h"

namespace forewarm {
namespace {

constexpr std::size_t kLeaseBytesMax = 1U << 20;
constexpr std::chrono::milliseconds kGiveUpTimeout(2000);

TimePoint lease_wall_time() {
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

class LeaseByKubernetes : public LeaderElection {
 public:
  LeaseByKubernetes(KubernetesLease lease, Changed changed)
      : lease_(std::move(lease)),
        published_(std::move(changed)),
        elector_(lease_.timing),
        leases_(lease_.url + "/apis/coordination.k8s.io/v1/namespaces/" + percent_encode(lease_.space) +
                "/leases"),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}
  ~LeaseByKubernetes() override {
    thread_.request_stop();
    thread_.join();
  }

  bool leads() const override { return published_.leads(); }
  Leadership standing() const override { return published_.standing(); }

 private:
  void run(const std::stop_token& stop);
  void give_up();
  LeaseAnswer ask(const LeaseRequest& request, std::chrono::milliseconds timeout,
                  const std::stop_token& stop);
  LeaseAnswer understood(const LeaseRequest& request, const Result<HttpResponse>& answer);
  std::chrono::milliseconds patience() const;
  void publish(std::string problem);

  KubernetesLease lease_;
  PublishedStanding published_;
  LeaseElector elector_;  ///< the thread's
  std::string leases_;
  std::string object_;   ///< the Lease as it was found last
  std::jthread thread_;  ///< last, so that it ends first
};

void LeaseByKubernetes::run(const std::stop_token& stop) {
  std::mutex waiting;
  std::condition_variable_any wake;
  std::string problem;
  while (!stop.stop_requested()) {
    const LeaseTime now = LeaseClock::now();
    LeaseTime until = elector_.due();
    if (elector_.leads(now)) until = std::min(until, elector_.leads_until());
    if (now < until) {
      std::unique_lock lock(waiting);
      wake.wait_for(lock, stop, until - now, [] { return false; });
      publish(problem);
      continue;
    }
    const LeaseRequest request = elector_.next(now, lease_wall_time());
    const LeaseAnswer answer = ask(request, patience(), stop);
    if (stop.stop_requested()) break;
    elector_.answered(LeaseClock::now(), answer);
    const Error* failed = std::get_if<Error>(&answer);
    problem = failed != nullptr ? failed->message : "";
    publish(problem);
  }
  give_up();
}

void LeaseByKubernetes::give_up() {
  std::optional<LeaseRequest> last = elector_.give_up(lease_wall_time());
  publish("");
  if (!last || !std::holds_alternative<LeaseConflict>(ask(*last, kGiveUpTimeout, {}))) return;
  // The renewal that was under way came before it.
  const LeaseRequest read = elector_.next(LeaseClock::now(), lease_wall_time());
  if (read.what != LeaseRequest::What::Read) return;
  elector_.answered(LeaseClock::now(), ask(read, kGiveUpTimeout, {}));
  last = elector_.give_up(lease_wall_time());
  if (last) ask(*last, kGiveUpTimeout, {});
}

/// No longer than leading lasts, so that its end is noticed when it comes.
std::chrono::milliseconds LeaseByKubernetes::patience() const {
  const LeaseTime now = LeaseClock::now();
  Duration most = lease_.timing.renew_deadline / 2;
  if (elector_.leads(now)) most = std::min(most, elector_.leads_until() - now);
  return std::max(std::chrono::milliseconds(1), std::chrono::ceil<std::chrono::milliseconds>(most));
}

LeaseAnswer LeaseByKubernetes::ask(const LeaseRequest& request, std::chrono::milliseconds timeout,
                                   const std::stop_token& stop) {
  using What = LeaseRequest::What;
  FetchRequest http{.url = leases_, .headers = {{"Accept", "application/json"}}};
  if (request.what != What::Read) http.headers.emplace_back("Content-Type", "application/json");
  if (request.what == What::Create) {
    http.method = "POST";
    http.body = new_lease(lease_.name, request.record);
  } else {
    http.url += "/" + percent_encode(lease_.name);
  }
  if (request.what == What::Replace) {
    http.method = "PUT";
    http.body = changed_lease(object_, request.record);
  }
  if (lease_.authorise)
    if (const Result<void> allowed = lease_.authorise(http); !allowed) return allowed.error();
  return understood(
      request,
      fetch(http,
            {.timeout = timeout, .body_max_bytes = kLeaseBytesMax, .ca_file = lease_.ca_file, .stop = stop}));
}

LeaseAnswer LeaseByKubernetes::understood(const LeaseRequest& request, const Result<HttpResponse>& answer) {
  using What = LeaseRequest::What;
  if (!answer) return answer.error();
  // A PUT that made the lease found it gone.
  const bool made = request.what == What::Replace && answer->status == 201;
  if (answer->status == 409 || made) return LeaseConflict{};
  // To a POST it would say that there is no such namespace.
  if (answer->status == 404 && request.what != What::Create) return LeaseMissing{};
  if (answer->status < 200 || answer->status > 299)
    return api_refusal(*answer, "get, create and update on leases");
  Result<LeaseFound> found = parse_lease(answer->body);
  if (!found) return found.error();
  object_ = answer->body;
  return std::move(*found);
}

void LeaseByKubernetes::publish(std::string problem) {
  published_.publish(LeaseTime::min(), elector_.leads_until(), elector_.leader(LeaseClock::now()),
                     std::move(problem));
}

}  // namespace

std::unique_ptr<LeaderElection> make_kubernetes_lease(KubernetesLease lease,
                                                      LeaderElection::Changed changed) {
  while (lease.url.ends_with('/')) lease.url.pop_back();
  return std::make_unique<LeaseByKubernetes>(std::move(lease), std::move(changed));
}

}  // namespace forewarm
