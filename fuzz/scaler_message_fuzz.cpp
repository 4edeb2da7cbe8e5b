// What KEDA asks, as Protocol Buffers: read or refused, never anything else.
#include <cstdint>

#include "edge/cloud/keda/scaler_messages.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto reference = forewarm::parse_scaled_object_ref(bytes);
  if (!reference && reference.error().message.empty()) __builtin_trap();
  const auto request = forewarm::parse_metrics_request(bytes);
  if (!request && request.error().message.empty()) __builtin_trap();
  return 0;
}
