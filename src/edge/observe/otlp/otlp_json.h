#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "edge/observe/metric_points.h"
#include "edge/observe/otlp/trace_span.h"

namespace forewarm {

/// Who sends: OpenTelemetry's resource, and the version of the instrumentation.
struct TelemetryResource {
  TelemetryAttributes attributes{};
  std::string version{};
};

/// Bodies of OTLP/HTTP in its JSON encoding: protobuf's JSON mapping with ids in hexadecimal, enumerations as
/// numbers, 64-bit integers as text. Source: OpenTelemetry Protocol 1.5, "JSON Protobuf Encoding", and
/// opentelemetry-proto 1.5 (collector/trace, collector/metrics).
std::string otlp_traces(std::span<const TraceSpan> spans, const TelemetryResource& resource);
/// Counters are monotonic sums and histograms, both cumulative since `start`; names are those of /metrics.
std::string otlp_metrics(std::span<const MetricPoints> metrics, const TelemetryResource& resource,
                         TimePoint start, TimePoint now);

/// The unit that a metric's name ends with, in UCUM: "s", "By", "1".
std::string_view unit_of_metric(std::string_view name);

/// How many of what was sent the answer (a 2xx) says were not taken, and why. 0 for anything that is no
/// partial success.
struct PartialSuccess {
  std::uint64_t rejected = 0;
  std::string message{};
};
PartialSuccess read_partial_success(std::string_view body);

}  // namespace forewarm
