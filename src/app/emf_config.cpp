#include "app/emf_config.h"

#include <algorithm>

#include "app/config_fields.h"
#include "edge/observe/emf/emf_documents.h"
#include "edge/observe/metric_table.h"

namespace forewarm {
namespace {

constexpr std::size_t kLabelsMax = 5;  // of a metric

bool is_label(std::string_view name) {
  return std::ranges::any_of(metric_table(), [&](const MetricDescription& metric) {
    const std::string all = ", " + std::string(metric.labels) + ", ";
    return all.find(", " + std::string(name) + ", ") != std::string::npos;
  });
}

}  // namespace

void describe(FieldVisitor& v, EmfConfig& c) {
  v.begin_table(
      {"emf", "metrics as log lines in CloudWatch's embedded metric format (tracing.md#cloudwatch)"});
  v.text({"path", "file that lines are appended to, opened each time; -: standard output; empty: none"},
         c.path);
  v.duration({"every", "time between two lots of lines"}, c.every, {1s, 1h});
  v.text({"namespace", "CloudWatch namespace of the metrics"}, c.space);
  v.map({"dimensions", "further dimensions of all, for example { Service = \"orders\" }"}, c.dimensions);
  v.list({"metrics", "names of those that are written (metrics.md); each series of each costs at AWS"},
         c.metrics);
  v.end_table();
}

Result<void> check_emf(const EmfConfig& config) {
  if (config.space.empty() || config.space.size() > 255 || config.space.starts_with("AWS/"))
    return error(ErrorCode::Invalid, "namespace: expected 1 to 255 characters that do not begin with AWS/");
  if (config.dimensions.size() > kEmfDimensionsMax - kLabelsMax)
    return error(ErrorCode::Invalid, "dimensions: at most " + std::to_string(kEmfDimensionsMax - kLabelsMax) +
                                         " beside a metric's own");
  for (const auto& [name, value] : config.dimensions) {
    if (name.empty() || name.size() > 250 || name[0] == ':' || value.empty() || value.size() > 1024)
      return error(ErrorCode::Invalid, "dimensions: '" + name +
                                           "' needs a name of 1 to 250 characters without a : at its "
                                           "beginning, and a value of 1 to 1024");
    if (is_label(name) || name == "_aws")
      return error(ErrorCode::Invalid, "dimensions: '" + name + "' is a label of some metrics already");
  }
  std::vector<std::string_view> known;
  for (const MetricDescription& metric : metric_table()) known.push_back(metric.name);
  for (const std::string& name : config.metrics) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const std::string_view meant = nearest_name(name, known);
    return error(ErrorCode::Invalid, "metrics: there is no '" + name + "' (docs/metrics.md)" +
                                         (meant.empty() ? "" : ". Did you mean " + std::string(meant) + "?"));
  }
  return {};
}

}  // namespace forewarm
