#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/signal/json_points.h"

using namespace forewarm;

/// Any document with any pointers gives points or an error. The first line is the pointers, with spaces
/// between.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  PointShape shape;
  if (line != std::string_view::npos) {
    std::string_view pointers = text.substr(0, line);
    for (std::string* each : {&shape.items, &shape.value, &shape.time}) {
      const std::size_t end = std::min(pointers.find(' '), pointers.size());
      *each = pointers.substr(0, end);
      pointers.remove_prefix(std::min(end + 1, pointers.size()));
    }
    text.remove_prefix(line + 1);
  }
  for (const std::string& each : {shape.items, shape.value, shape.time}) {
    if (!check_pointer(each)) return 0;
  }
  const Result<Points> points = read_json_points(text, shape, time_point_us(0));
  if (!points)
    check(!points.error().message.empty(), "a refusal says why");
  else
    check((points->malformed > 0) != points->problem.empty(), "what is refused has a reason");
  return 0;
}
