#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "edge/sqs/request.h"
#include "edge/sqs/sqs_error.h"

namespace forewarm::sqs {

/// How a client speaks: JSON 1.0 (today's SDKs) or form parameters in, XML out (older SDKs, curl).
enum class Protocol : std::uint8_t { Json, Query };

/// An HTTP request as it came. Views only; nothing is kept.
struct HttpInput {
  std::string_view method;
  std::string_view path;   ///< still percent-encoded
  std::string_view query;  ///< without the '?'
  std::span<const std::pair<std::string, std::string>> headers;
  std::string_view body;
};

struct Parsed {
  Protocol protocol =
      Protocol::Json;  ///< known for refused requests too, so that the client understands the refusal
  SqsResult<Request> request;
};

/// Reads a request of either protocol and checks all that needs no knowledge of queues, but for the messages
/// of SendMessage and SendMessageBatch: those are looked at by find_fault(), because in a batch a bad one is
/// refused alone.
Parsed parse(const HttpInput& input);

/// "SendMessage" and so on.
std::string_view action_name(const Request& request);
/// The queue's name in a queue URL (or path): its last segment. Host and account are not looked at, so that a
/// queue can be reached under any name that the server has. Empty if there is none.
std::string_view queue_name(std::string_view queue_url);
/// The same of arn:aws:sqs:REGION:ACCOUNT:NAME; region and account are not looked at. Empty for what is no
/// ARN.
std::string_view queue_name_of_arn(std::string_view arn);

}  // namespace forewarm::sqs
