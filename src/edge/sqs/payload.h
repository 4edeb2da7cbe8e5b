#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "core/model/ids.h"
#include "edge/sqs/request.h"

namespace forewarm::sqs {

/// What the store keeps of a message beside what the core knows: all that must come back as it was sent.
struct Payload {
  QueueId sent_to;  ///< differs from where the message is once it has been dead-lettered
  TimePoint sent;
  std::string body;
  Attributes attributes;
  std::string trace_header;  ///< system attribute AWSTraceHeader
  std::string group_id;
  std::string deduplication_id;
  std::string sender_id;

  friend bool operator==(const Payload&, const Payload&) = default;
};

/// docs/formats/payload.md.
std::string encode(const Payload& payload);
/// Corrupt for anything that encode() does not write; a newer version is named.
Result<Payload> decode(std::string_view bytes);

}  // namespace forewarm::sqs
