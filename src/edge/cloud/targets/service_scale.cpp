#include "edge/cloud/targets/service_scale.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace forewarm {
namespace {

/// Whether a path is of these parts; an empty one stands for any name.
bool has_parts(std::string_view path, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) {
    const std::string_view found = path.substr(0, path.find('/'));
    const bool plain = found.find_first_of("?#% ") == std::string_view::npos;
    if (found.empty() || !plain || (!part.empty() && found != part)) return false;
    path.remove_prefix(std::min(path.size(), found.size() + 1));
  }
  return path.empty();
}

FetchRequest patch(std::string url, std::string body) {
  return {.method = "PATCH",
          .url = std::move(url),
          .headers = {{"Content-Type", "application/json"}},
          .body = std::move(body)};
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
    return patch(url_ + "?updateMask=scaling.min_instance_count",
                 R"({"scaling":{"minInstanceCount":)" + std::to_string(instances.value_or(0)) + "}}");
  }

 private:
  std::string url_;
};

class AzureElastic : public TargetTranslator {
 public:
  explicit AzureElastic(const AzureElasticApp& app)
      : url_(app.url + app.name + "/config/web?api-version=2025-05-01") {}

  std::optional<FetchRequest> read() const override {
    return FetchRequest{.method = "GET", .url = url_, .headers = {}};
  }

  Result<TargetState> state(const HttpResponse& answer) const override {
    if (answer.status != 200) return refusal_of(answer);
    const auto least = count_in(answer.body, "/properties/minimumElasticInstanceCount");
    if (!least) return error(ErrorCode::Invalid, "Get Configuration: " + least.error().message);
    return TargetState{.set = *least, .ready = {}};
  }

  Result<FetchRequest> write(std::optional<std::uint32_t> instances) const override {
    if (!instances)
      return error(ErrorCode::Invalid, "an app's minimumElasticInstanceCount cannot be unset, only changed");
    return patch(url_,
                 R"({"properties":{"minimumElasticInstanceCount":)" + std::to_string(*instances) + "}}");
  }

 private:
  std::string url_;
};

template <class Named>
Named without_last_slash(Named named) {
  while (named.url.ends_with('/')) named.url.pop_back();
  return named;
}

}  // namespace

bool is_cloud_run_service(std::string_view name) {
  return has_parts(name, {"projects", "", "locations", "", "services", ""});
}

bool is_azure_app(std::string_view name) {
  return name.starts_with('/') && has_parts(name.substr(1), {"subscriptions", "", "resourceGroups", "",
                                                             "providers", "Microsoft.Web", "sites", ""});
}

std::unique_ptr<TargetTranslator> make_cloud_run(CloudRunService service) {
  return std::make_unique<CloudRun>(without_last_slash(std::move(service)));
}

std::unique_ptr<TargetTranslator> make_azure_elastic(AzureElasticApp app) {
  return std::make_unique<AzureElastic>(without_last_slash(std::move(app)));
}

}  // namespace forewarm
