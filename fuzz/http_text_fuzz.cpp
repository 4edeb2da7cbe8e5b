#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "edge/net/http.h"

using namespace forewarm;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(percent_decode(text, true).size() <= size, "decoding never lengthens");
  std::size_t total = 0;
  for (const auto& [name, value] : parse_query(text)) total += name.size() + value.size();
  check(total <= size, "a query holds no more than its bytes");
  if (const auto endpoint = parse_endpoint(text)) {
    const auto again = parse_endpoint(to_string(*endpoint));
    check(again && again->host == endpoint->host && again->port == endpoint->port,
          "an endpoint is written as it is read");
    (void)is_loopback(*endpoint);
  }
  return 0;
}
