#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/sqs/limits.h"
#include "edge/sqs/parse.h"
#include "edge/sqs/response.h"

using namespace forewarm;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view form(reinterpret_cast<const char*>(data), size);
  const sqs::Parsed parsed =
      sqs::parse({.method = "POST", .path = form, .query = {}, .headers = {}, .body = form});
  check(parsed.protocol == sqs::Protocol::Query, "without a target the protocol is Query");
  if (!parsed.request) {
    const sqs::HttpOutput refused = sqs::render(parsed.request.error(), {parsed.protocol, {}, "r"});
    check(refused.status >= 400 && refused.body.starts_with("<?xml"), "a refusal is XML");
    check(sqs::is_allowed_text(refused.body), "a refusal is text, whatever it quotes");
  }
  return 0;
}
