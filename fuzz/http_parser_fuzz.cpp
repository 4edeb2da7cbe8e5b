#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "edge/net/http_parser.h"

using namespace forewarm;

namespace {

constexpr HttpLimits kLimits{.header_max_bytes = 4096, .body_max_bytes = 4096};

/// The body of the first request, or how it ended, when `bytes` come in pieces of `piece`.
std::string outcome(std::string_view bytes, std::size_t piece) {
  HttpRequestParser parser(kLimits);
  std::string pending;
  while (!bytes.empty()) {
    pending += bytes.substr(0, piece);
    bytes.remove_prefix(std::min(piece, bytes.size()));
    HttpParse state = HttpParse::HeaderDone;
    while (state == HttpParse::HeaderDone) {
      std::size_t consumed = 0;
      state = parser.feed(pending, consumed);
      check(consumed <= pending.size(), "no more is consumed than was offered");
      pending.erase(0, consumed);
    }
    if (state == HttpParse::Failed) {
      check(parser.failure_status() >= 400, "a failure has a status");
      return "failed";
    }
    if (state == HttpParse::Complete) {
      const HttpRequest request = parser.take();
      check(request.body.size() <= kLimits.body_max_bytes, "bodies keep to the limit");
      return "complete " + request.method + " " + request.path + " " + request.body;
    }
  }
  return "incomplete";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = outcome(bytes, size);
  check(!whole.starts_with("complete") || outcome(bytes, 1) == whole,
        "pieces make no difference to a whole request");
  HttpResponseParser response(kLimits);
  std::size_t consumed = 0;
  while (consumed < size && response.feed(bytes.substr(consumed), consumed) == HttpParse::HeaderDone) {
  }
  return 0;
}
