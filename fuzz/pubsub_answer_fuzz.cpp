#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "edge/cloud/pubsub/pubsub_protocol.h"

using namespace forewarm;

/// What Pub/Sub and Cloud Monitoring answer: messages are whole, numbers are finite, base64 comes back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_subscription(text);
  if (const auto pulled = parse_pulled(text)) {
    for (const auto& polled : *pulled) {
      check(!polled.message.token.empty(), "a message can be settled");
      (void)publish_json(polled.message, "why");
    }
  }
  if (const auto point = parse_newest_point(text); point && *point)
    check(std::isfinite(**point), "a point is a number");
  HttpResponse answer;
  answer.status = 403;
  answer.body = text;
  (void)pubsub_failure(answer);
  const auto decoded = base64_decoded(base64(text));
  check(decoded && *decoded == text, "base64 comes back");
  (void)base64_decoded(text);
  return 0;
}
