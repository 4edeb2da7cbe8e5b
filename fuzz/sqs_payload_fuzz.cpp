#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/sqs/payload.h"

using namespace forewarm;

/// A payload has one form: what decodes must encode to the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto payload = sqs::decode(bytes)) {
    check(sqs::encode(*payload) == bytes, "what decodes encodes to the same bytes");
  } else {
    check(payload.error().code == ErrorCode::Corrupt, "bytes that are no payload are called corrupt");
  }
  return 0;
}
