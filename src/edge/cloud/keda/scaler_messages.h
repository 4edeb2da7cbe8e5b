#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace forewarm {

/// Which ScaledObject asks, and the metadata of its trigger (externalscaler.proto).
struct ScaledObjectRef {
  std::string name;
  std::string space;  ///< namespace
  std::map<std::string, std::string, std::less<>> metadata;

  friend bool operator==(const ScaledObjectRef&, const ScaledObjectRef&) = default;
};

/// Protocol Buffers (proto3 encoding). Fields that are not known are passed over. Invalid, with the place,
/// for bytes that are none.
Result<ScaledObjectRef> parse_scaled_object_ref(std::string_view bytes);
/// The ScaledObjectRef of a GetMetricsRequest.
Result<ScaledObjectRef> parse_metrics_request(std::string_view bytes);

std::string active_response(bool active);                                       ///< IsActiveResponse
std::string metric_spec_response(std::string_view metric, std::uint32_t size);  ///< with one MetricSpec
std::string metrics_response(std::string_view metric, std::uint32_t value);     ///< with one MetricValue

}  // namespace forewarm
