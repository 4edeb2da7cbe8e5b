#include "edge/cloud/targets/service_scale.h"

#include <boost/json.hpp>
#include <utility>

namespace forewarm {
namespace {

/// Codes of google.rpc.Code with which another try may help: deadline exceeded, resource exhausted, internal,
/// unavailable.
bool may_pass(std::int64_t code) {
  return code == 4 || code == 8 || code == 13 || code == 14;
}

class CloudRun : public TargetTranslator {
 public:
  explicit CloudRun(const CloudRunService& service) : url_(service.url + "/v2/" + service.name) {}

  std::optional<FetchRequest> read() const override {
    return FetchRequest{.method = "GET", .url = url_, .headers = {}};
  }

  Result<TargetState> state(const HttpResponse& answer) const override {
    if (answer.status != 200) return refusal_of(answer);
    const auto least = count_in(answer.body, "/scaling/minInstanceCount");
    if (!least) return error(ErrorCode::Invalid, "services.get: " + least.error().message);
    return TargetState{.set = least->value_or(0), .ready = {}};  // zeros are left out of Google's JSON
  }

  Result<FetchRequest> write(std::optional<std::uint32_t> instances) const override {
    return json_request("PATCH", url_ + "?updateMask=scaling.min_instance_count",
                        R"({"scaling":{"minInstanceCount":)" + std::to_string(instances.value_or(0)) + "}}");
  }

  /// A change is an operation (google.longrunning.Operation), which may be over and have failed at once.
  Result<void> taken(const HttpResponse& answer) const override {
    boost::system::error_code none;
    const boost::json::value operation = boost::json::parse(answer.body, none);
    const boost::json::value* failed = none ? nullptr : operation.find_pointer("/error", none);
    if (failed == nullptr || !failed->is_object()) return {};
    const boost::json::value* code = failed->as_object().if_contains("code");
    const boost::json::value* words = failed->as_object().if_contains("message");
    const bool later = code != nullptr && code->is_int64() && may_pass(code->as_int64());
    return error(later ? ErrorCode::Exhausted : ErrorCode::Invalid,
                 "the operation failed" + (words != nullptr && words->is_string()
                                               ? ": " + std::string(words->as_string())
                                               : std::string()));
  }

 private:
  std::string url_;
};

}  // namespace

bool is_cloud_run_service(std::string_view name) {
  return has_path_parts(name, {"projects", "", "locations", "", "services", ""});
}

std::unique_ptr<TargetTranslator> make_cloud_run(CloudRunService service) {
  while (service.url.ends_with('/')) service.url.pop_back();
  return std::make_unique<CloudRun>(service);
}

}  // namespace forewarm
