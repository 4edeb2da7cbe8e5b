#include "app/otlp_config.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "app/config_fields.h"
#include "edge/net/http.h"

namespace forewarm {
namespace {

using HeaderPairs = std::vector<std::pair<std::string, std::string>>;

/// RFC 9110, section 5.6.2.
bool is_header_name(std::string_view name) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

void describe(FieldVisitor& v, OtlpConfig& c) {
  v.begin_table({"otlp", "where OpenTelemetry traces and metrics are sent, by OTLP/HTTP (tracing.md)"});
  v.text({"endpoint",
          "of a collector, for example http://127.0.0.1:4318; /v1/traces and /v1/metrics are added; empty: "
          "nothing is sent. OTEL_EXPORTER_OTLP_ENDPOINT wins"},
         c.endpoint);
  v.map({"headers", "further request headers. OTEL_EXPORTER_OTLP_HEADERS is added and wins"}, c.headers);
  v.map({"header_files", "further request headers: files whose first line is the value, for secrets"},
        c.header_files);
  v.text({"ca_file", "PEM file of who is trusted to be the collector; empty: the system's"}, c.ca_file);
  v.text({"service_name", "service.name of what is sent. OTEL_SERVICE_NAME wins"}, c.service_name);
  v.flag({"traces", "false: no spans are made"}, c.traces);
  v.flag({"metrics", "false: metrics are not sent"}, c.metrics);
  v.real({"sample_ratio", "share of the messages that are traced where their senders do not say"},
         c.sample_ratio, {0, 1});
  v.duration({"metrics_every", "time between two sendings of the metrics"}, c.metrics_every, {1s, 1h});
  v.duration({"timeout", "longest time one request may take"}, c.timeout, {100ms, 5min});
  v.end_table();
}

Result<void> check_otlp(const OtlpConfig& config) {
  const std::string& url = config.endpoint;
  const bool web = url.starts_with("http://") || url.starts_with("https://");
  if (!url.empty() && (!web || url.find_first_of(" ?#\"<>") != std::string::npos || url.back() == '/'))
    return error(ErrorCode::Invalid,
                 "endpoint: '" + url +
                     "' is no base URL; write http:// or https:// and a host, without a / at the end: "
                     "http://127.0.0.1:4318 (4317 is gRPC's port, which is not spoken)");
  for (const auto* map : {&config.headers, &config.header_files})
    for (const auto& [name, value] : *map)
      if (!is_header_name(name))
        return error(ErrorCode::Invalid, "headers: '" + name + "' is no name of a header");
  return {};
}

Result<HeaderPairs> parse_otel_headers(std::string_view text) {
  HeaderPairs headers;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    const std::string_view part = without_blanks(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    const std::string_view name = without_blanks(part.substr(0, equals));
    if (equals == std::string_view::npos || !is_header_name(name))
      return error(ErrorCode::Invalid, "expected name=value,name=value with percent-encoded values");
    headers.emplace_back(name, percent_decode(without_blanks(part.substr(equals + 1)), false));
  }
  return headers;
}

Result<void> apply_otlp_environment(OtlpConfig& config) {
  if (const char* endpoint = std::getenv("OTEL_EXPORTER_OTLP_ENDPOINT"); endpoint != nullptr && *endpoint) {
    config.endpoint = endpoint;
    while (config.endpoint.ends_with('/')) config.endpoint.pop_back();
    if (const Result<void> wrong = check_otlp(config); !wrong)
      return error(ErrorCode::Invalid, "OTEL_EXPORTER_OTLP_ENDPOINT: " + wrong.error().message);
  }
  if (const char* headers = std::getenv("OTEL_EXPORTER_OTLP_HEADERS")) {
    const Result<HeaderPairs> read = parse_otel_headers(headers);
    // What is in it may be secret: it is not shown.
    if (!read) return error(ErrorCode::Invalid, "OTEL_EXPORTER_OTLP_HEADERS: " + read.error().message);
    for (const auto& [name, value] : *read) config.headers[name] = value;
  }
  if (const char* name = std::getenv("OTEL_SERVICE_NAME"); name != nullptr && *name)
    config.service_name = name;
  return check_otlp(config);
}

Result<HeaderPairs> otlp_headers(const OtlpConfig& config) {
  HeaderPairs headers(config.headers.begin(), config.headers.end());
  for (const auto& [name, path] : config.header_files) {
    std::ifstream file(path, std::ios::binary);
    std::string value;
    std::getline(file, value);
    while (!value.empty() && (value.back() == '\r' || value.back() == ' ')) value.pop_back();
    if (value.empty())
      return error(ErrorCode::NotFound, "[otlp] header_files: there is no text in " + path +
                                            "; its first line is the value of " + name);
    headers.emplace_back(name, std::move(value));
  }
  return headers;
}

std::vector<std::string> otlp_warnings(const OtlpConfig& config) {
  if (config.endpoint.empty()) return {};
  const Result<HeaderPairs> headers = otlp_headers(config);
  return headers ? std::vector<std::string>() : std::vector{headers.error().message};
}

}  // namespace forewarm
