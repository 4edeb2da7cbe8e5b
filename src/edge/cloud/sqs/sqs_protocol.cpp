#include "edge/cloud/sqs/sqs_protocol.h"

#include <openssl/evp.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::size_t kAttributesMax = 10;

std::optional<json::object> parse_object(std::string_view text) {
  boost::system::error_code failure;
  auto value = json::parse({text.data(), text.size()}, failure);
  if (failure || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

std::string_view text_member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

const json::object* object_member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* array_member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_array();
}

// Attributes are numbers as text; maxReceiveCount is written both ways.
std::optional<std::uint64_t> number_member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr) return std::nullopt;
  boost::system::error_code failure;
  if (value->is_number()) {
    const auto number = value->to_number<std::uint64_t>(failure);
    return failure ? std::nullopt : std::optional(number);
  }
  const auto text = text_member(object, name);
  std::uint64_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || wrong != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string md5_hex(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_md5(), nullptr) != 1) return "";
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) (hex += kDigits[digest[i] >> 4]) += kDigits[digest[i] & 15];
  return hex;
}

std::unexpected<Error> malformed(const std::string& what) {
  return error(ErrorCode::Corrupt, "the answer of SQS is not as documented: " + what);
}

void take_attributes(const json::object& from, PolledMessage& into) {
  for (const auto& [name, value] : from) {
    const auto* attribute = value.if_object();
    if (attribute == nullptr || !attribute->contains("StringValue")) continue;
    into.message.attributes.emplace_back(name, text_member(*attribute, "StringValue"));
  }
}

Result<PolledMessage> read_received(const json::value& value) {
  const auto* object = value.if_object();
  if (object == nullptr) return malformed("a message is no object");
  PolledMessage polled;
  LentMessage& message = polled.message;
  message.id = text_member(*object, "MessageId");
  message.token = text_member(*object, "ReceiptHandle");
  message.body = text_member(*object, "Body");
  if (message.id.empty() || message.token.empty() || !object->contains("Body"))
    return malformed("a message has no MessageId, ReceiptHandle or Body");
  // Where MD5 may not be used (FIPS), it is not checked.
  const auto digest = md5_hex(message.body);
  if (const auto said = text_member(*object, "MD5OfBody"); !said.empty() && !digest.empty() && said != digest)
    return malformed("the body of message " + message.id +
                     " does not have its MD5; it was damaged on its way");
  json::object origin;
  if (const auto* attributes = object_member(*object, "MessageAttributes")) {
    take_attributes(*attributes, polled);
    origin["attributes"] = *attributes;
  }
  if (const auto* system = object_member(*object, "Attributes")) {
    message.deliveries =
        static_cast<std::uint32_t>(number_member(*system, "ApproximateReceiveCount").value_or(0));
    if (const auto sent = number_member(*system, "SentTimestamp"))
      message.sent = TimePoint(std::chrono::milliseconds(static_cast<std::int64_t>(*sent)));
    message.group = text_member(*system, "MessageGroupId");
    if (const auto trace = text_member(*system, "AWSTraceHeader"); !trace.empty()) {
      message.attributes.emplace_back("AWSTraceHeader", trace);
      origin["trace"] = trace;
    }
  }
  if (!origin.empty()) polled.origin = json::serialize(origin);
  return polled;
}

json::object text_attribute(std::string_view text) {
  return {{"DataType", "String"}, {"StringValue", text}};
}

std::uint32_t whole_seconds(Duration duration) {
  return static_cast<std::uint32_t>(
      std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::seconds>(duration).count()));
}

}  // namespace

std::string queue_attributes_json(const std::string& queue_url) {
  return json::serialize(json::object{{"QueueUrl", queue_url}, {"AttributeNames", json::array{"All"}}});
}

Result<SqsQueueFacts> parse_queue_attributes(std::string_view text) {
  const auto answer = parse_object(text);
  const auto* attributes = answer ? object_member(*answer, "Attributes") : nullptr;
  if (attributes == nullptr) return malformed("GetQueueAttributes has no Attributes");
  SqsQueueFacts facts;
  if (const auto seconds = number_member(*attributes, "VisibilityTimeout"))
    facts.visibility_s = static_cast<std::uint32_t>(*seconds);
  facts.fifo = text_member(*attributes, "FifoQueue") == "true";
  facts.waiting = number_member(*attributes, "ApproximateNumberOfMessages");
  facts.in_flight = number_member(*attributes, "ApproximateNumberOfMessagesNotVisible");
  if (const auto policy = text_member(*attributes, "RedrivePolicy"); !policy.empty()) {
    const auto read = parse_object(policy);
    if (!read) return malformed("the RedrivePolicy is no JSON object");
    facts.dead_letter_arn = text_member(*read, "deadLetterTargetArn");
    if (const auto most = number_member(*read, "maxReceiveCount"))
      facts.receives_max = static_cast<std::uint32_t>(*most);
  }
  return facts;
}

std::string receive_json(const std::string& queue_url, const SqsReceive& receive) {
  return json::serialize(json::object{{"QueueUrl", queue_url},
                                      {"MaxNumberOfMessages", receive.most},
                                      {"MessageAttributeNames", json::array{"All"}},
                                      {"MessageSystemAttributeNames", json::array{"All"}},
                                      {"VisibilityTimeout", receive.visibility_s},
                                      {"WaitTimeSeconds", receive.wait_s}});
}

Result<std::vector<PolledMessage>> parse_received(std::string_view text) {
  const auto answer = parse_object(text);
  if (!answer) return malformed("ReceiveMessage brought no JSON object");
  std::vector<PolledMessage> messages;
  const auto* list = array_member(*answer, "Messages");
  if (list == nullptr) {
    if (const auto* other = answer->if_contains("Messages"); other != nullptr && !other->is_null())
      return malformed("Messages is no list");
    return messages;
  }
  for (const auto& value : *list) {
    auto message = read_received(value);
    if (!message) return std::unexpected(message.error());
    messages.push_back(std::move(*message));
  }
  return messages;
}

std::string delete_batch_json(const std::string& queue_url, const std::vector<std::string>& tokens) {
  json::array entries;
  for (const auto& token : tokens)
    entries.push_back({{"Id", std::to_string(entries.size())}, {"ReceiptHandle", token}});
  return json::serialize(json::object{{"QueueUrl", queue_url}, {"Entries", std::move(entries)}});
}

std::string change_visibility_batch_json(const std::string& queue_url,
                                         const std::vector<std::pair<std::string, Duration>>& leases) {
  json::array entries;
  for (const auto& [token, lease] : leases) {
    entries.push_back({{"Id", std::to_string(entries.size())},
                       {"ReceiptHandle", token},
                       {"VisibilityTimeout", whole_seconds(lease)}});
  }
  return json::serialize(json::object{{"QueueUrl", queue_url}, {"Entries", std::move(entries)}});
}

std::vector<Result<void>> parse_batch(std::string_view text, std::size_t entries) {
  std::vector<Result<void>> results(entries, malformed("an entry of a batch is not answered"));
  const auto answer = parse_object(text);
  if (!answer) return results;
  const auto place_of = [&](const json::value& value) {
    const auto* object = value.if_object();
    const auto place = object == nullptr ? std::nullopt : number_member(*object, "Id");
    return place && *place < entries ? &results[*place] : nullptr;
  };
  if (const auto* successful = array_member(*answer, "Successful")) {
    for (const auto& value : *successful) {
      if (auto* result = place_of(value)) *result = Result<void>();
    }
  }
  if (const auto* failed = array_member(*answer, "Failed")) {
    for (const auto& value : *failed) {
      auto* result = place_of(value);
      if (result == nullptr) continue;
      const auto& object = value.get_object();
      const auto* fault = object.if_contains("SenderFault");
      const bool ours = fault != nullptr && fault->is_bool() && fault->get_bool();
      std::string message = "SQS did not take it: " + std::string(text_member(object, "Code"));
      if (const auto said = text_member(object, "Message"); !said.empty()) (message += ": ") += said;
      *result = error(ours ? ErrorCode::Invalid : ErrorCode::Io, std::move(message));
    }
  }
  return results;
}

std::string send_json(const std::string& queue_url, const SqsSend& send) {
  json::object request{{"QueueUrl", queue_url}, {"MessageBody", send.body}};
  json::object attributes;
  std::string trace;
  if (const auto origin = parse_object(send.origin)) {
    if (const auto* kept = object_member(*origin, "attributes")) attributes = *kept;
    trace = text_member(*origin, "trace");
  } else {
    for (const auto& [name, text] : send.attributes) {
      if (name == "AWSTraceHeader") {
        trace = text;
      } else if (!text.empty() && attributes.size() < kAttributesMax) {
        attributes[name] = text_attribute(text);
      }
    }
  }
  if (!send.reason.empty() && attributes.size() < kAttributesMax)
    attributes["DeadLetterReason"] = text_attribute(send.reason);
  if (!attributes.empty()) request["MessageAttributes"] = std::move(attributes);
  if (!trace.empty()) request["MessageSystemAttributes"] = {{"AWSTraceHeader", text_attribute(trace)}};
  if (!send.group.empty()) request["MessageGroupId"] = send.group;
  if (!send.deduplication_id.empty()) request["MessageDeduplicationId"] = send.deduplication_id;
  return json::serialize(request);
}

bool SqsFailure::is_throttling() const {
  return code.contains("Throttl") || code == "OverLimit" || code == "RequestLimitExceeded" ||
         code == "TooManyRequestsException" || code == "SlowDown" || code == "ServiceUnavailable";
}

bool SqsFailure::is_of_credentials() const {
  return code.starts_with("ExpiredToken") || code == "RequestExpired" ||
         code.starts_with("InvalidClientTokenId") || code == "UnrecognizedClientException" ||
         code == "InvalidAccessKeyId";
}

SqsFailure parse_failure(const HttpResponse& answer) {
  SqsFailure failure;
  const auto object = parse_object(answer.body);
  if (object) {
    failure.code = text_member(*object, "__type");
    failure.text = text_member(*object, "message");
    if (failure.text.empty()) failure.text = text_member(*object, "Message");
  }
  if (failure.code.empty()) {
    const std::string header(find_header(answer.headers, "x-amzn-errortype"));
    failure.code = header.substr(0, header.find(':'));
  }
  failure.code.erase(0, failure.code.find('#') + 1);
  if (failure.code.empty()) failure.code = "HTTP status " + std::to_string(answer.status);
  return failure;
}

std::string queue_path_of_arn(std::string_view arn) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= arn.size();) {
    const auto end = std::min(arn.find(':', at), arn.size());
    parts.push_back(arn.substr(at, end - at));
    at = end + 1;
  }
  if (parts.size() != 6 || parts[0] != "arn" || parts[2] != "sqs" || parts[5].empty()) return "";
  return "/" + std::string(parts[4]) + "/" + std::string(parts[5]);
}

std::string region_of_sqs_host(std::string_view host) {
  std::vector<std::string_view> labels;
  for (std::size_t at = 0; at <= host.size();) {
    const auto end = std::min(host.find('.', at), host.size());
    labels.push_back(host.substr(at, end - at));
    at = end + 1;
  }
  const bool aws =
      host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn") || host.ends_with(".api.aws");
  if (!aws) return "";
  // sqs.REGION.amazonaws.com, sqs-fips.REGION..., REGION.queue.amazonaws.com, NAME.sqs.REGION.vpce...
  for (std::size_t i = 0; i + 1 < labels.size(); ++i) {
    if (labels[i] == "sqs" || labels[i] == "sqs-fips") return std::string(labels[i + 1]);
    if (labels[i + 1] == "queue") return std::string(labels[i]);
  }
  return "";
}

}  // namespace forewarm
