#include "edge/cloud/keda/external_scaler.h"

#include <utility>

#include "edge/cloud/keda/scaler_messages.h"

namespace forewarm {
namespace {

constexpr std::string_view kService = "/externalscaler.ExternalScaler/";
constexpr std::string_view kMetric = "instances";
constexpr const char* kQueueKey = "queue";

/// Answered at once.
class SingleCall : public GrpcCall {
 public:
  explicit SingleCall(GrpcTurn answer) : answer_(std::move(answer)) {}
  GrpcTurn turn() override { return std::move(answer_); }

 private:
  GrpcTurn answer_;
};

std::unique_ptr<GrpcCall> answered(std::string message) {
  return std::make_unique<SingleCall>(GrpcTurn{.message = std::move(message), .end = GrpcStatus{}});
}
std::unique_ptr<GrpcCall> failed_call(GrpcStatus::Code code, std::string why) {
  return std::make_unique<SingleCall>(GrpcTurn{.end = GrpcStatus{code, std::move(why)}});
}

/// StreamIsActive: says whether any instance is wanted, at the beginning and whenever that changes.
class ActivityStream : public GrpcCall {
 public:
  ActivityStream(const ExternalScaler::Numbers& numbers, std::string queue)
      : numbers_(numbers), queue_(std::move(queue)) {}

  GrpcTurn turn() override {
    const KedaNumber now = numbers_(queue_);
    if (now.state == KedaNumber::State::Elsewhere) return {.end = GrpcStatus{}};
    if (now.state != KedaNumber::State::Known) return {};
    const bool active = now.instances > 0;
    if (said_ == active) return {};
    said_ = active;
    return {.message = active_response(active)};
  }

 private:
  const ExternalScaler::Numbers& numbers_;
  std::string queue_;
  std::optional<bool> said_;
};

}  // namespace

std::unique_ptr<GrpcCall> ExternalScaler::call(std::string_view path, std::string_view message) {
  if (!path.starts_with(kService)) return nullptr;
  const std::string_view method = path.substr(kService.size());
  const bool spec = method == "GetMetricSpec", metrics = method == "GetMetrics",
             active = method == "IsActive", stream = method == "StreamIsActive";
  if (!spec && !metrics && !active && !stream) return nullptr;
  const Result<ScaledObjectRef> object =
      metrics ? parse_metrics_request(message) : parse_scaled_object_ref(message);
  if (!object) return failed_call(GrpcStatus::InvalidArgument, object.error().message);
  const auto queue = object->metadata.find(kQueueKey);
  if (queue == object->metadata.end())
    return failed_call(GrpcStatus::InvalidArgument,
                       "the trigger's metadata needs queue: \"NAME\", of a [[control]]");
  const KedaNumber number = numbers_(queue->second);
  using State = KedaNumber::State;
  if (number.state == State::Unknown) return failed_call(GrpcStatus::NotFound, number.why);
  if (spec) return answered(metric_spec_response(kMetric, 1));
  if (number.state == State::Elsewhere || (number.state == State::Waiting && !stream))
    return failed_call(GrpcStatus::Unavailable, number.why);
  if (stream) return std::make_unique<ActivityStream>(numbers_, queue->second);
  return answered(active ? active_response(number.instances > 0)
                         : metrics_response(kMetric, number.instances));
}

}  // namespace forewarm
