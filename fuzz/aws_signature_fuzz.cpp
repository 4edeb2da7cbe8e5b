#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "edge/net/aws_verification.h"

using namespace forewarm;

/// The first line is the header Authorization, the second X-Amz-Date, the rest the query.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  const auto take_line = [&] {
    const std::size_t end = text.find('\n');
    std::string line = text.substr(0, end);
    text.erase(0, end == std::string::npos ? text.size() : end + 1);
    return line;
  };
  HttpRequest request{.method = "POST", .path = "/", .headers = {{"Host", "h"}}};
  request.headers.emplace_back("Authorization", take_line());
  request.headers.emplace_back("X-Amz-Date", take_line());
  request.query = text;
  const auto claim = read_signature(request);
  if (!claim) return 0;
  check(!claim->access_key_id.empty() && !claim->signed_headers.empty(), "a claim is whole");
  const auto verified = verify_signature(
      *claim, request,
      {.secret_access_key = "secret", .session_token = {}, .service = "sqs", .now = time_point_us(0)});
  check(!verified, "nobody signs by chance");
  return 0;
}
