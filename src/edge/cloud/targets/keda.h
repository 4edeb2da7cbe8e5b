#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "edge/cloud/targets/scale_target.h"

namespace forewarm {

/// What KEDA is told of a queue at this moment.
struct KedaNumber {
  enum class State : std::uint8_t {
    Known,
    Waiting,    ///< there is none yet, or none any more
    Elsewhere,  ///< this copy gives none: it does not act
    Unknown     ///< there is no such queue with the target keda
  };
  State state = State::Known;
  std::uint32_t instances = 0;
  std::string why{};  ///< there is none, for people
};

/// The number that KEDA's scalers ask for (KEDA 2 documentation, "Metrics API" and "External Scalers"). KEDA
/// asks, nothing is sent; before the first number there is none, and KEDA's fallback holds.
class KedaTarget : public ScaleTarget {
 public:
  bool readable() const override { return false; }
  Result<TargetState> current(const std::stop_token& stop) override;
  Result<void> set(std::optional<std::uint32_t> instances, const std::stop_token& stop) override;
  std::string request_text(std::optional<std::uint32_t> instances) const override;

  /// None before the first. Any thread.
  std::optional<std::uint32_t> number() const;

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
  std::string url{};     ///< where KEDA asks by HTTP, as its cluster reaches it
  std::string scaler{};  ///< HOST:PORT where it asks by gRPC; empty: by HTTP
  std::string queue{};
  bool tls = false;                 ///< gRPC: by TLS
  bool client_certificate = false;  ///< gRPC: KEDA shows a certificate
  std::uint32_t least = 0;
  std::uint32_t most = 100;
  bool token = false;  ///< HTTP: asks with a bearer token
};
/// The ScaledObject, and where KEDA has to show or to check anything its TriggerAuthentication, which reads
/// the Secret "forewarm-keda" that the operator makes (token; ca.crt, tls.crt, tls.key), as YAML. The
/// Horizontal Pod Autoscaler behind it is told to do as it is told: one instance a unit (AverageValue 1), no
/// stabilisation window, no limits of its own.
std::string scaled_object(const ScaledWorkload& workload);

}  // namespace forewarm
