#pragma once

#include <memory>
#include <string>

#include "edge/cloud/targets/http_target.h"

namespace forewarm {

/// Minimum instances of a Cloud Run service, which a function of Google Cloud is too (Cloud Run Admin API v2,
/// projects.locations.services get and patch, `scaling.minInstanceCount`: of the service, so that no new
/// revision is made). None set and zero are the same there.
struct CloudRunService {
  std::string url = "https://run.googleapis.com";
  std::string name;  ///< projects/P/locations/L/services/S
};
std::unique_ptr<TargetTranslator> make_cloud_run(CloudRunService service);
/// Whether it is of that form.
bool is_cloud_run_service(std::string_view name);

}  // namespace forewarm
