#include "edge/cloud/targets/webhook.h"

#include <boost/json.hpp>
#include <utility>

namespace forewarm {
namespace {

class WebhookTranslator : public TargetTranslator {
 public:
  explicit WebhookTranslator(Webhook webhook) : webhook_(std::move(webhook)) {}

  std::optional<FetchRequest> read() const override {
    if (webhook_.read_url.empty()) return std::nullopt;
    return FetchRequest{
        .method = "GET", .url = webhook_.read_url, .headers = {{"Accept", "application/json"}}};
  }

  Result<TargetState> state(const HttpResponse& answer) const override {
    if (answer.status != 200) return refusal_of(answer);
    const auto instances = count_in(answer.body, "/instances");
    if (!instances) return error(ErrorCode::Invalid, "read_url: " + instances.error().message);
    if (!*instances) return error(ErrorCode::Invalid, R"(read_url: expected an answer like {"instances":5})");
    const auto ready = count_in(answer.body, "/ready").value_or(std::nullopt);
    return TargetState{.set = *instances, .ready = ready};
  }

  Result<FetchRequest> write(std::optional<std::uint32_t> instances) const override {
    if (!instances) return error(ErrorCode::Invalid, "a webhook is told a number");
    return FetchRequest{
        .method = "POST",
        .url = webhook_.url,
        .headers = {{"Content-Type", "application/json"}},
        .body = R"({"schema":1,"queue":)" +
                boost::json::serialize(boost::json::value(boost::json::string_view(webhook_.queue))) +
                R"(,"instances":)" + std::to_string(*instances) + "}"};
  }

 private:
  Webhook webhook_;
};

}  // namespace

std::unique_ptr<TargetTranslator> make_webhook(Webhook webhook) {
  return std::make_unique<WebhookTranslator>(std::move(webhook));
}

}  // namespace forewarm
