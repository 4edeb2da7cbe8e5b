#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "edge/functions/output_lines.h"
#include "edge/functions/process_tree.h"
#include "edge/functions/runtime_route.h"

using namespace forewarm;

/// What a function's process can hand to the server besides HTTP: paths, error bodies, output, its own name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const RuntimeRoute route = route_runtime_call("POST", text);
  check(route.request_id.empty() || text.find(route.request_id) != std::string_view::npos,
        "an id is part of its path");
  check(read_runtime_error({}, text).message.size() <= 4096, "error messages are bounded");
  (void)parse_process_stat(text);
  OutputLines lines;
  const auto harmless = [](const std::string& line) {
    for (const char c : line)
      check(c == '\t' || static_cast<unsigned char>(c) >= 0x20, "no control character passes");
  };
  lines.feed(text.substr(0, size / 2), harmless);
  lines.feed(text.substr(size / 2), harmless);
  lines.finish(harmless);
  return 0;
}
