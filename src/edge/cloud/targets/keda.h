#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "edge/cloud/targets/scale_target.h"

namespace forewarm {

/// The number that KEDA's metrics-api scaler fetches (KEDA 2 documentation, "Metrics API"). KEDA asks,
/// nothing is sent; before the first number there is none, and KEDA's fallback holds.
class KedaTarget : public ScaleTarget {
 public:
  bool readable() const override { return false; }
  Result<TargetState> current(const std::stop_token& stop) override;
  Result<void> set(std::optional<std::uint32_t> instances, const std::stop_token& stop) override;
  std::string request_text(std::optional<std::uint32_t> instances) const override;

  /// {"value": 5}; none before the first number. Any thread.
  std::optional<std::string> answer() const;

 private:
  static constexpr std::int64_t kNone = -1;
  std::atomic<std::int64_t> instances_{kNone};
};

/// What a ScaledObject is made of.
struct ScaledWorkload {
  std::string name;                 ///< of the object
  std::string space = "default";    ///< namespace
  std::string kind = "Deployment";  ///< or StatefulSet
  std::string workload;
  std::string url{};  ///< where KEDA asks, as its cluster reaches it
  std::uint32_t least = 0;
  std::uint32_t most = 100;
  bool token = false;  ///< asks with a bearer token, of a secret that the operator makes
};
/// The ScaledObject, and with a token its TriggerAuthentication, as YAML. The Horizontal Pod Autoscaler
/// behind it is told to do as it is told: one instance a unit (AverageValue 1), no stabilisation window, no
/// limits of its own.
std::string scaled_object(const ScaledWorkload& workload);

}  // namespace forewarm
