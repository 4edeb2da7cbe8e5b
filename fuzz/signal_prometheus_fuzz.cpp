#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/signal/source.h"

using namespace forewarm;

/// Any answer of a server gives values or an error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Result<Points> points =
      read_prometheus_answer({reinterpret_cast<const char*>(data), size}, time_point_us(0));
  if (!points) check(!points.error().message.empty(), "a refusal says why");
  return 0;
}
