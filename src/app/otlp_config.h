#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

class FieldVisitor;

/// [otlp]: where traces and metrics are sent.
struct OtlpConfig {
  std::string endpoint;  ///< empty: nowhere
  std::map<std::string, std::string> headers;
  std::map<std::string, std::string> header_files;
  std::string ca_file;
  std::string service_name = "forewarm";
  bool traces = true;
  bool metrics = true;
  double sample_ratio = 0.01;
  Duration metrics_every = 1min;
  Duration timeout = 10s;

  friend bool operator==(const OtlpConfig&, const OtlpConfig&) = default;
};

void describe(FieldVisitor& visitor, OtlpConfig& config);
/// Invalid with what is expected.
Result<void> check_otlp(const OtlpConfig& config);
/// OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS and OTEL_SERVICE_NAME over what the file said, and
/// what is wrong with them. Source: OpenTelemetry specification, "OpenTelemetry Protocol Exporter".
Result<void> apply_otlp_environment(OtlpConfig& config);
/// "key=value,key=value" with percent-encoded values, as W3C Baggage has them; Invalid otherwise.
Result<std::vector<std::pair<std::string, std::string>>> parse_otel_headers(std::string_view text);
/// Header files that cannot be read, with the remedy.
std::vector<std::string> otlp_warnings(const OtlpConfig& config);
/// The headers of a request, those of files read now; NotFound names the file.
Result<std::vector<std::pair<std::string, std::string>>> otlp_headers(const OtlpConfig& config);

}  // namespace forewarm
