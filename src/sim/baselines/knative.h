#pragma once

#include <cstdint>
#include <memory>

#include "core/scale/scaler.h"

namespace forewarm {

/// Knative's Pod Autoscaler (KPA) by concurrency, with the product's defaults.
///
/// Source: knative serving, pkg/autoscaler/scaling/autoscaler.go and config/core/configmaps/autoscaler.yaml.
/// Its default concurrency target of 100 a pod is for services that handle requests side by side; here a pod
/// handles one message at a time, as containerConcurrency: 1 says.
struct KnativeOptions {
  double concurrency = 1;          ///< containerConcurrency, or the target annotation
  double utilisation = 0.7;        ///< container-concurrency-target-percentage
  Duration stable_window = 60s;    ///< stable-window
  double panic_window = 0.1;       ///< panic-window-percentage, of the stable window
  double panic_threshold = 2;      ///< panic-threshold-percentage: panic from this ratio on
  double scale_up_max = 1000;      ///< max-scale-up-rate, a tick
  double scale_down_max = 2;       ///< max-scale-down-rate, a tick
  Duration scale_down_delay = 0s;  ///< scale-down-delay
  Duration to_zero_grace = 30s;    ///< scale-to-zero-grace-period
  Duration tick = 2s;              ///< tick-interval
  std::uint32_t min = 0;
  std::uint32_t max = 1000;
};

/// Its activator holds what comes while there is no pod, and wakes the autoscaler at once. Metrics arrive
/// without the delay that scraping has: kinder than the product.
std::unique_ptr<Scaler> make_knative_scaler(const KnativeOptions& options);

}  // namespace forewarm
