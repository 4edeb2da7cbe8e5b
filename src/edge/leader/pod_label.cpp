#include "edge/leader/pod_label.h"

#include <boost/json.hpp>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "edge/leader/api_refusal.h"

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds kLastTry{2'000};
constexpr std::size_t kPodBytesMax = 4U << 20;

class PodLabelByApi final : public PodLabelKeeper {
 public:
  explicit PodLabelByApi(PodLabel label)
      : label_(std::move(label)),
        url_(label_.url + "/api/v1/namespaces/" + percent_encode(label_.space) + "/pods/" +
             percent_encode(label_.pod) + "?fieldManager=forewarm"),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  void leads(bool now) override {
    {
      const std::lock_guard lock(mutex_);
      wanted_ = now;
    }
    wake_.notify_one();
  }

 private:
  void run(const std::stop_token& stop) {
    std::optional<bool> is;  // nobody knows what a process before this one left
    std::string problem;
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      if (is == wanted_) {
        wake_.wait(lock, stop, [&] { return is != wanted_; });
        continue;
      }
      const bool wanted = wanted_;
      lock.unlock();
      const Result<void> done = set(wanted, label_.timeout, stop);
      std::string now = done ? "" : done.error().message;
      if (now != problem && !stop.stop_requested() && label_.problem) label_.problem(now);
      problem = std::move(now);
      lock.lock();
      is = done ? std::optional(wanted) : std::nullopt;  // it may have been acted upon
      if (!done) wake_.wait_for(lock, stop, label_.retry, [&] { return wanted != wanted_; });
    }
    lock.unlock();
    if (is != false) (void)set(false, kLastTry, {});
  }

  Result<void> set(bool leads, std::chrono::milliseconds timeout, const std::stop_token& stop) const {
    FetchRequest request{
        .method = "PATCH",
        .url = url_,
        .headers = {{"Accept", "application/json"}, {"Content-Type", "application/merge-patch+json"}},
        .body = pod_label_patch(label_.label, leads)};
    if (label_.authorise)
      if (const Result<void> allowed = label_.authorise(request); !allowed) return allowed;
    const Result<HttpResponse> answer =
        fetch(request,
              {.timeout = timeout, .body_max_bytes = kPodBytesMax, .ca_file = label_.ca_file, .stop = stop});
    if (!answer) return std::unexpected(answer.error());
    if (answer->status >= 200 && answer->status <= 299) return {};
    return std::unexpected(api_refusal(*answer, "patch on this pod"));
  }

  PodLabel label_;
  std::string url_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool wanted_ = false;
  std::jthread thread_;  ///< last, so that it ends first
};

}  // namespace

std::unique_ptr<PodLabelKeeper> keep_pod_label(PodLabel label) {
  while (label.url.ends_with('/')) label.url.pop_back();
  return std::make_unique<PodLabelByApi>(std::move(label));
}

std::string pod_label_patch(const std::string& label, bool set) {
  json::object labels;
  labels[label] = set ? json::value("true") : json::value(nullptr);
  return json::serialize(json::object{{"metadata", json::object{{"labels", std::move(labels)}}}});
}

}  // namespace forewarm
