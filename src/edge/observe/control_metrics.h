#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "edge/observe/decision_record.h"
#include "edge/observe/metric_points.h"

namespace forewarm {

inline constexpr std::size_t kDirectiveOutcomeCount = 4;

/// What `forewarm control` knows of one queue and its target now. What is not known has no series.
struct ControlSample {
  std::string queue;
  std::string target;  ///< its kind
  std::optional<std::uint64_t> waiting{};
  std::optional<std::uint64_t> in_flight{};
  std::optional<double> oldest_wait_seconds{};
  std::optional<std::uint32_t> instances_ready{};
  std::optional<std::uint32_t> instances_set{};
  std::uint32_t instances_planned = 0;
  std::optional<double> forecast_median{};  ///< messages in the next step
  std::optional<double> forecast_high{};
  double reading_age_seconds = 0;  ///< since the last reading that was one, or the start
  bool silent = true;
  std::uint64_t readings = 0;
  std::uint64_t readings_failed = 0;
  std::uint64_t target_readings_failed = 0;
  std::array<std::uint64_t, kDirectiveOutcomeCount> directives{};
  std::uint32_t refused_in_row = 0;
  std::array<std::uint64_t, 2> fits{};  ///< succeeded, failed
};

/// What a copy knows of who leads.
struct ElectionSample {
  std::string identity;  ///< of this copy
  std::string leader;    ///< empty: nobody, or nobody knows
  bool leads = false;
  std::uint64_t changes = 0;
};

/// One line of the table that docs/control.md shows.
struct ControlMetric {
  std::string_view name;
  std::string_view type;  ///< gauge or counter
  std::string_view labels;
  std::string_view help;
};
std::span<const ControlMetric> control_metrics();
/// The series, for what looks at them here.
std::vector<MetricPoints> control_metric_points(std::span<const ControlSample> samples,
                                                std::string_view version,
                                                const std::optional<ElectionSample>& election = {});
/// In the Prometheus text exposition format 0.0.4.
std::string control_metrics_text(std::span<const ControlSample> samples, std::string_view version,
                                 const std::optional<ElectionSample>& election = {},
                                 std::optional<double> keda_streams = {});

}  // namespace forewarm
