#include "app/doctor.h"

namespace forewarm {
namespace {

/// Without the second of these the first is worse than weak: nothing holds a function's memory or number.
std::string not_enforced(IsolationLayer layer) {
  if (layer == IsolationLayer::MemoryLimit)
    return " memory_mb is not enforced over the whole instance, only a wide limit for each of its processes.";
  if (layer == IsolationLayer::ProcessLimit)
    return " Fork bombs are not stopped unless it has a user of its own.";
  return "";
}

}  // namespace

std::vector<DoctorCheck> check_isolation(const ServerConfig& config, const std::vector<LayerState>& layers) {
  if (config.isolation == "off") {
    return {{.name = "isolation",
             .health = Health::Weak,
             .detail =
                 "off: a function may do all that the server's user may, and limits for memory and fork "
                 "bombs are not enforced",
             .remedy = "set isolation = \"on\""}};
  }
  std::vector<DoctorCheck> checks;
  for (const LayerState& layer : layers) {
    DoctorCheck check{.name = "isolation: " + std::string(name_of(layer.layer))};
    if (layer.active) {
      check.detail = "active";
    } else {
      check.health = config.isolation == "required" ? Health::Failed : Health::Weak;
      check.detail = "not available (" + layer.why + "): " + std::string(risk_without(layer.layer)) + "." +
                     not_enforced(layer.layer);
      check.remedy = layer.remedy;
    }
    checks.push_back(std::move(check));
  }
  return checks;
}

std::string isolation_line(const ServerConfig& config, const std::vector<LayerState>& layers) {
  if (config.isolation == "off") return "off: functions run as the server's user";
  std::string active, missing;
  for (const LayerState& layer : layers) {
    std::string& list = layer.active ? active : missing;
    list += (list.empty() ? "" : ", ") + std::string(name_of(layer.layer));
  }
  return (active.empty() ? "nothing" : active) +
         (missing.empty() ? "" : "; not available (forewarm doctor says why): " + missing);
}

}  // namespace forewarm
