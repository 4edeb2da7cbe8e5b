#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/observe/metric_table.h"

namespace forewarm {

/// One bucket of a histogram: how many values were at most `most`, all smaller buckets' included. The last
/// one's `most` is infinite.
struct MetricBucket {
  double most = 0;
  std::uint64_t count = 0;
};

/// One series now.
struct MetricPoint {
  std::vector<std::pair<std::string, std::string>> labels{};
  double value = 0;                     ///< of a counter or a gauge; a histogram's sum
  std::uint64_t count = 0;              ///< of a histogram
  std::vector<MetricBucket> buckets{};  ///< of a histogram

  /// Empty where it has none of this name.
  std::string_view label(std::string_view name) const {
    for (const auto& [key, text] : labels)
      if (key == name) return text;
    return {};
  }
};

/// All series of one metric.
struct MetricPoints {
  std::string name{};
  std::string help{};
  MetricType type = MetricType::Gauge;
  std::vector<MetricPoint> points{};
};

/// Whether the metric of this name is wanted.
using MetricFilter = std::function<bool(std::string_view)>;

}  // namespace forewarm
