#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "edge/cloud/sqs/sqs_protocol.h"

using namespace forewarm;

/// What SQS answers, as a client reads it: messages are whole, each entry of a batch has its result.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_queue_attributes(text);
  if (const auto received = parse_received(text)) {
    for (const auto& polled : *received) {
      check(!polled.message.id.empty() && !polled.message.token.empty(), "a message can be settled");
      (void)send_json("http://q", {.body = polled.message.body, .origin = polled.origin, .reason = "why"});
    }
  }
  check(parse_batch(text, 3).size() == 3, "each entry has its result");
  HttpResponse answer;
  answer.status = 400;
  answer.body = text;
  const auto failure = parse_failure(answer);
  (void)failure.is_throttling();
  (void)queue_path_of_arn(text);
  (void)region_of_sqs_host(text);
  return 0;
}
