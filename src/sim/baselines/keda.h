#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "core/scale/scaler.h"
#include "sim/baselines/hpa.h"

namespace forewarm {

/// KEDA with the Horizontal Pod Autoscaler that it drives, on a queue's length, with the products' defaults.
///
/// Sources: KEDA documentation 2.21, ScaledObject specification; keda
/// pkg/scaling/executor/scale_scaledobjects.go and pkg/scalers/aws_sqs_queue_scaler.go; kubernetes
/// pkg/controller/podautoscaler/horizontal.go, replica_calculator.go and config/v1alpha1/defaults.go.
struct KedaOptions {
  double target = 5;               ///< messages a replica (queueLength of the SQS scaler)
  double activation = 0;           ///< active when more messages than this are there
  std::uint32_t min = 0;           ///< minReplicaCount
  std::uint32_t max = 100;         ///< maxReplicaCount
  Duration polling = 30s;          ///< pollingInterval: between none and some only
  Duration cooldown = 300s;        ///< cooldownPeriod: from some to none only
  Duration sync = 15s;             ///< the HPA's period
  double tolerance = 0.1;          ///< the HPA leaves a ratio within 1 +- this alone
  Duration stabilisation = 300s;   ///< the HPA goes down to the largest recommendation of this time
  bool scale_on_in_flight = true;  ///< scaleOnInFlight: leased messages count
  bool scale_on_delayed = false;   ///< scaleOnDelayed: delayed messages count
  HpaMetric metric = HpaMetric::AverageValue;          ///< metricType
  std::optional<HpaBehavior> behavior = std::nullopt;  ///< horizontalPodAutoscalerConfig.behavior
};

/// KEDA's loop and the HPA's over any one metric. Both begin together at the first update, KEDA's first,
/// which is the kindest of their possible phases.
class KedaLoops {
 public:
  explicit KedaLoops(const KedaOptions& options);

  /// Replicas after `now`, with this much of the metric and so many replicas ready. To be called each
  /// period().
  std::uint32_t update(TimePoint now, double metric, std::uint32_t ready);
  Duration period() const;
  /// When one of the loops runs again.
  TimePoint next_at() const;

 private:
  void poll(TimePoint now, double metric);

  KedaOptions options_;
  HpaRule hpa_;
  std::uint32_t replicas_;
  TimePoint next_poll_ = TimePoint::min();
  TimePoint next_sync_ = TimePoint::min();
  TimePoint last_active_ = kNever;
};

/// A replica that runs a message finishes it before it stops: kinder than the HPA, which cannot choose what
/// it kills.
std::unique_ptr<Scaler> make_keda_scaler(const KedaOptions& options);

}  // namespace forewarm
