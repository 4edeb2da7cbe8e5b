#pragma once

#include <functional>
#include <memory>

#include "app/control_metrics_config.h"
#include "app/queue_reader.h"

namespace forewarm {

/// Reads a queue by the metrics that a cloud keeps of it: each period once, in order. Of what the cloud has
/// nothing of yet it is asked again. After a failure, which is each reading's answer until then, it is asked
/// a little later each time, longer or shorter by chance.
std::unique_ptr<QueueReader> make_metric_reader(std::unique_ptr<MetricSource> source,
                                                const ControlMetrics& metrics, const std::string& queue,
                                                std::function<TimePoint()> now);

}  // namespace forewarm
