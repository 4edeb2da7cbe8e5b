#pragma once

#include <cstdint>
#include <memory>

#include "core/scale/scaler.h"

namespace forewarm {

/// What a replica's load is, com.openfaas.scale.type.
enum class OpenFaasLoad : std::uint8_t {
  Capacity,  ///< requests under way, those that wait for a replica among them
  Rate,      ///< rps: requests a second, over the last minute
};

/// OpenFaaS Pro's autoscaler: desired = ready replicas x mean load / (target x proportion), rounded up.
///
/// Source: OpenFaaS documentation, "Auto-scaling your functions" (docs/architecture/autoscaling.md). Its
/// example for functions that handle one request at a time is type capacity with a target of 1.
///
/// Assumptions: the load is asked for each 10 s (unpublished); while no replica is ready there is no mean
/// load and nothing changes. From none the gateway brings up the minimum, at least one, at once.
struct OpenFaasOptions {
  OpenFaasLoad load = OpenFaasLoad::Capacity;
  double target = 1;        ///< load a replica (the product's 50 is for rps)
  double proportion = 0.9;  ///< target-proportion
  std::uint32_t min = 1;
  std::uint32_t max = 20;
  bool to_zero = false;                ///< com.openfaas.scale.zero
  Duration zero_duration = 15min;      ///< without a request, before none are kept
  Duration down_window = Duration(0);  ///< com.openfaas.scale.down.window, at most 5 minutes; 0: off
  Duration every = 10s;
};

std::unique_ptr<Scaler> make_openfaas_scaler(const OpenFaasOptions& options);

}  // namespace forewarm
