#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "edge/observe/metric_points.h"

namespace forewarm {

inline constexpr std::size_t kEmfMetricsMax = 100;    ///< of a document
inline constexpr std::size_t kEmfDimensionsMax = 30;  ///< of a set

/// Log lines from which CloudWatch makes metrics, one document for each set of labels. Gauges are what they
/// are; of counters and histograms it is what came since the last time, since CloudWatch adds up itself, and
/// what did not grow is left out. Source: Amazon CloudWatch User Guide, "Specification: Embedded metric
/// format".
class EmfDocuments {
 public:
  struct Options {
    std::string space = "forewarm";
    std::vector<std::pair<std::string, std::string>> dimensions{};  ///< of every document, before its labels
  };
  explicit EmfDocuments(Options options) : options_(std::move(options)) {}

  /// Each a JSON object without a newline.
  std::vector<std::string> lines(TimePoint now, std::span<const MetricPoints> metrics);

 private:
  using Labels = std::vector<std::pair<std::string, std::string>>;
  struct Value {
    std::string name;
    std::string_view unit;
    double value = 0;
  };
  using Documents = std::map<Labels, std::vector<Value>>;

  void add(Documents& to, const MetricPoints& metric, const MetricPoint& point);
  double growth(const std::string& name, const Labels& labels, double total);
  std::string document(TimePoint now, const Labels& labels, std::span<const Value> values) const;

  Options options_;
  std::map<std::pair<std::string, Labels>, double> totals_;  ///< at the last time
};

}  // namespace forewarm
