#pragma once

#include <cstdint>
#include <memory>

#include "core/scale/scaler.h"

namespace forewarm {

/// Azure Functions, target-based scaling: instances = messages / target executions an instance, rounded up,
/// at most four more at a decision.
///
/// Source: Azure Functions documentation, "Target-based scaling" and "Event-driven scaling" (2025). Service
/// Bus's target of 16 is what one instance handles side by side (maxConcurrentCalls); here it handles one.
///
/// Assumptions: a decision each 10 s, the sample interval of azure-webjobs-sdk's ScaleOptions (the scale
/// controller's is not published); locked messages count as active ones do in Service Bus; an instance that
/// is not wanted goes when it has been idle for 20 minutes (unpublished; observers' figure for Azure). The
/// grace of an hour in which running functions may finish never ends here: a busy instance always finishes.
struct AzureTargetOptions {
  double target = 1;        ///< targetExecutionsPerInstance
  std::uint32_t up = 4;     ///< instances more at a decision, at most
  std::uint32_t max = 200;  ///< of the Consumption plan
  Duration every = 10s;     ///< between decisions
  Duration idle = 20min;    ///< before an unwanted instance goes
};

std::unique_ptr<Scaler> make_azure_target_scaler(const AzureTargetOptions& options);

}  // namespace forewarm
