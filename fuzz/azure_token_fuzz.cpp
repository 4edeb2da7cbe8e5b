#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/cloud/credentials/azure_answers.h"

using namespace forewarm;

/// A token that is taken holds for some time; a failure is one line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const TimePoint now(std::chrono::seconds(1'700'000'000));
  if (const auto token = parse_azure_token(text, now)) {
    check(!token->value.empty(), "a token is not empty");
    check(token->until && *token->until > now, "a token has an end that is to come");
  }
  (void)azure_token_failure(text);
  return 0;
}
