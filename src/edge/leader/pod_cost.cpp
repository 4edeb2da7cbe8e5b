#include "edge/leader/pod_cost.h"

#include <boost/json.hpp>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "edge/leader/api_refusal.h"
#include "edge/net/fetch_session.h"

namespace forewarm {
namespace {

constexpr std::size_t kCostPodBytesMax = 4U << 20;
constexpr const char* kCostAnnotation = "controller.kubernetes.io/pod-deletion-cost";

class PodCostsByApi final : public PodCostKeeper {
 public:
  explicit PodCostsByApi(PodCosts costs)
      : costs_(std::move(costs)),
        book_(costs_.timing),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  void look(std::vector<PodUse> uses) override {
    {
      const std::lock_guard lock(mutex_);
      newest_ = std::move(uses);
    }
    wake_.notify_one();
  }

 private:
  void run(const std::stop_token& stop) {
    FetchSession session;
    std::unique_lock lock(mutex_);
    while (wake_.wait(lock, stop, [this] { return newest_.has_value(); }) && !stop.stop_requested()) {
      const std::vector<PodUse> uses = *std::exchange(newest_, std::nullopt);
      // A newer look is worth more than the rest of this one.
      for (const PodCostPatch& patch : book_.plan(uses, PodCostBook::Clock::now())) {
        lock.unlock();
        const bool goes_on = send(session, patch, stop);
        lock.lock();
        wake_.wait_for(lock, stop, costs_.pause, [] { return false; });
        if (!goes_on || newest_ || stop.stop_requested()) break;
      }
    }
  }

  /// False: its namespace refuses, and the plan was made without knowing.
  bool send(FetchSession& session, const PodCostPatch& patch, const std::stop_token& stop) {
    const Result<HttpResponse> answer = ask(session, patch, stop);
    if (stop.stop_requested()) return false;
    const std::string& space = patch.pod.space;
    const unsigned status = answer ? answer->status : 0;
    if (status >= 200 && status <= 299) {
      right_.insert(space);
      book_.settled(patch);
      note(space, 0, "");
      return true;
    }
    if (status == 404 || status == 400 || status == 422) {  // of this pod alone; it may be going just now
      book_.settled(patch);
      if (status != 404 || !right_.contains(space)) note(space, status, words(patch, *answer));
      return true;
    }
    book_.failed(patch.pod, PodCostBook::Clock::now());
    note(space, status == 0 ? 1 : status, answer ? words(patch, *answer) : answer.error().message);
    return false;
  }

  Result<HttpResponse> ask(FetchSession& session, const PodCostPatch& patch,
                           const std::stop_token& stop) const {
    FetchRequest request{
        .method = "PATCH",
        .url = costs_.url + "/api/v1/namespaces/" + percent_encode(patch.pod.space) + "/pods/" +
               percent_encode(patch.pod.name) + "?fieldManager=forewarm",
        .headers = {{"Accept", "application/json"}, {"Content-Type", "application/merge-patch+json"}},
        .body = pod_cost_patch(patch.cost)};
    if (costs_.authorise)
      if (const Result<void> allowed = costs_.authorise(request); !allowed)
        return std::unexpected(allowed.error());
    std::optional<Result<HttpResponse>> answer;
    session.start(std::move(request),
                  {.timeout = costs_.timeout,
                   .body_max_bytes = kCostPodBytesMax,
                   .ca_file = costs_.ca_file,
                   .stop = stop},
                  [&](Result<HttpResponse> got) { answer = std::move(got); });
    while (!answer) session.run(std::chrono::milliseconds(200));
    return *answer;
  }

  static std::string words(const PodCostPatch& patch, const HttpResponse& answer) {
    std::string text =
        api_refusal(answer, "verbs [patch] on resources [pods] in the namespace " + patch.pod.space).message;
    if (answer.status == 404)
      text += " (there is no pod " + patch.pod.name + " in the namespace " + patch.pod.space +
              ": do its workers have POD_NAME and POD_NAMESPACE?)";
    return text;
  }

  /// Once for each kind of trouble that a namespace has: the API server's words name the pod.
  void note(const std::string& space, unsigned kind, const std::string& text) {
    if (std::exchange(troubles_[space], kind) != kind && costs_.problem) costs_.problem(space, text);
  }

  PodCosts costs_;
  PodCostBook book_;
  std::map<std::string, unsigned> troubles_;  ///< of each namespace: the status of a refusal; 1: no answer
  std::set<std::string> right_;               ///< namespaces in which a pod was found
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::optional<std::vector<PodUse>> newest_;
  std::jthread thread_;  ///< last, so that it ends first
};

}  // namespace

std::unique_ptr<PodCostKeeper> keep_pod_costs(PodCosts costs) {
  while (costs.url.ends_with('/')) costs.url.pop_back();
  return std::make_unique<PodCostsByApi>(std::move(costs));
}

std::string pod_cost_patch(std::int32_t cost) {
  boost::json::object annotations;
  annotations[kCostAnnotation] =
      cost == kIdlePodCost ? boost::json::value(nullptr) : boost::json::value(std::to_string(cost));
  return boost::json::serialize(
      boost::json::object{{"metadata", boost::json::object{{"annotations", std::move(annotations)}}}});
}

}  // namespace forewarm
