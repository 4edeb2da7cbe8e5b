#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"

namespace forewarm {

/// How the Horizontal Pod Autoscaler reads a metric (autoscaling/v2, metricType).
enum class HpaMetric : std::uint8_t {
  AverageValue,  ///< metric / target pods, whatever is ready
  Value,         ///< the ready pods times metric / target: overshoots while pods start
};

/// spec.behavior with what autoscaling/v2/defaults.go fills in. selectPolicy is Max in both directions: the
/// policy that allows most counts.
struct HpaBehavior {
  Duration up_window = 0s;      ///< stabilizationWindowSeconds of scaleUp: the least of this time
  std::uint32_t up_pods = 4;    ///< more in a period, or
  double up_percent = 100;      ///< of the pods at its begin
  std::uint32_t down_pods = 0;  ///< fewer in a period, or
  double down_percent = 100;    ///< of the pods at its begin
  Duration period = 15s;        ///< periodSeconds of all four
};

struct HpaOptions {
  std::uint32_t min = 1;  ///< the HPA itself never goes to none
  std::uint32_t max = 100;
  double tolerance = 0.1;  ///< a ratio within 1 +- this is left alone
  /// Down to the largest recommendation of this time: --horizontal-pod-autoscaler-downscale-stabilization,
  /// or stabilizationWindowSeconds of scaleDown.
  Duration stabilisation = 300s;
  HpaMetric metric = HpaMetric::AverageValue;
  std::optional<HpaBehavior> behavior = std::nullopt;
};

/// The arithmetic of the Horizontal Pod Autoscaler, for every autoscaler that stands on it. The caller has
/// its clock: next() is one reconciliation, by default each 15 s.
///
/// Source: kubernetes pkg/controller/podautoscaler/horizontal.go, replica_calculator.go and
/// pkg/apis/autoscaling/v2/defaults.go.
class HpaRule {
 public:
  explicit HpaRule(const HpaOptions& options) : options_(options) {}

  /// What one metric asks for: GetExternalPerPodMetricReplicas or getUsageRatioReplicaCount. Of several
  /// metrics the caller takes the largest.
  std::uint32_t recommend(double metric, double target, std::uint32_t replicas, std::uint32_t ready) const;
  /// The number of replicas after `replicas`: stabilised, as fast as allowed, within the bounds.
  std::uint32_t next(TimePoint now, std::uint32_t replicas, std::uint32_t recommended);

 private:
  struct Recommendation {
    TimePoint at;
    std::uint32_t replicas = 0;
  };
  struct Change {
    TimePoint at;
    std::int64_t replicas = 0;  ///< more, or fewer below zero
  };

  std::uint32_t largest_from(TimePoint from) const;
  std::uint32_t limited(std::uint32_t replicas, std::uint32_t recommended) const;
  std::uint32_t limited_by_behavior(TimePoint now, std::uint32_t replicas, std::uint32_t recommended);

  HpaOptions options_;
  std::vector<Recommendation> recommendations_;  ///< of the longer stabilisation window
  std::vector<Change> changes_;                  ///< of the behavior's period
};

}  // namespace forewarm
