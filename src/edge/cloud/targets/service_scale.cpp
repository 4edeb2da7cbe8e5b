#include "edge/cloud/targets/service_scale.h"

#include <utility>

namespace forewarm {
namespace {

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
