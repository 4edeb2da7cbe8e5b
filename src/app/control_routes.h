#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/access_config.h"
#include "base/result.h"
#include "edge/cloud/targets/keda.h"
#include "edge/net/http.h"

namespace forewarm {

class AlertService;

/// The admin port of `forewarm control`: health, metrics, the plan, and what KEDA fetches. With admin tokens,
/// all but health asks for one.
class ControlRoutes {
 public:
  struct Sources {
    std::function<bool()> ready;
    std::function<std::string()> plan;
    std::function<std::string()> metrics;
    AlertService* alerts = nullptr;
    std::function<KedaNumber(std::string_view queue)> keda;
  };
  /// Invalid for tokens that cannot be read.
  static Result<std::unique_ptr<ControlRoutes>> make(const Endpoint& admin,
                                                     const std::vector<AdminTokenConfig>& tokens,
                                                     Sources sources);
  virtual ~ControlRoutes() = default;
  /// Refers to this object.
  virtual HttpHandler handler() = 0;
};

}  // namespace forewarm
