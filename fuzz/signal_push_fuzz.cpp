#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/signal/push.h"

using namespace forewarm;

/// Any body under any content type gives values or an error. The first byte chooses the type.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::string_view kTypes[] = {"application/json", "application/cloudevents+json",
                                         "application/cloudevents-batch+json", "", "text/xml"};
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::string line(body.substr(0, body.find('\n')));
  const std::vector<std::pair<std::string, std::string>> headers = {
      {"ce-specversion", "1.0"}, {"ce-id", line}, {"ce-source", line}, {"ce-type", line}, {"ce-time", line}};
  const bool binary = data[0] % 2 == 1;
  const Result<Points> points =
      read_push({.content_type = kTypes[data[0] / 2 % 5],
                 .headers = binary ? std::span(headers) : std::span(headers).first(0),
                 .body = body},
                {}, time_point_us(0));
  if (!points) check(!points.error().message.empty(), "a refusal says why");
  return 0;
}
