#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "edge/observe/metric_points.h"

namespace forewarm {

/// The same series without the library's types.
std::vector<MetricPoints> metric_points(const std::vector<prometheus::MetricFamily>& families);

}  // namespace forewarm
