#include "edge/sqs/lambda_event.h"

#include <algorithm>
#include <boost/json.hpp>

#include "edge/sqs/base64.h"
#include "edge/sqs/json_text.h"

namespace forewarm::sqs {
namespace {

/// The region in an ARN (its fourth part).
std::string_view region_of(std::string_view arn) {
  for (int part = 0; part < 3; ++part) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    arn.remove_prefix(colon + 1);
  }
  return arn.substr(0, arn.find(':'));
}

void write_attributes(JsonText& json, const Attributes& attributes) {
  json.begin_object();
  for (const auto& [name, attribute] : attributes) {
    json.key(name).begin_object();
    if (is_binary(attribute)) {
      json.member("binaryValue", base64_encode(attribute.value));
    } else {
      json.member("stringValue", attribute.value);
    }
    json.key("stringListValues").begin_array().end_array();
    json.key("binaryListValues").begin_array().end_array();
    json.member("dataType", attribute.data_type).end_object();
  }
  json.end_object();
}

}  // namespace

std::string lambda_event(std::span<const ReceivedMessage> messages, std::string_view queue_arn) {
  JsonText json;
  std::size_t bytes = 64;
  for (const ReceivedMessage& message : messages) bytes += message.body.size() + 1024;
  json.reserve(bytes);
  json.begin_object().key("Records").begin_array();
  for (const ReceivedMessage& message : messages) {
    json.begin_object()
        .member("messageId", message.message_id)
        .member("receiptHandle", message.receipt_handle)
        .member("body", message.body)
        .key("attributes")
        .map(message.system_attributes)
        .key("messageAttributes");
    write_attributes(json, message.attributes);
    json.optional_member("md5OfMessageAttributes", message.md5_of_attributes)
        .member("md5OfBody", message.md5_of_body)
        .member("eventSource", "aws:sqs")
        .member("eventSourceARN", queue_arn)
        .member("awsRegion", region_of(queue_arn))
        .end_object();
  }
  json.end_array().end_object();
  return json.take();
}

BatchOutcome read_batch_response(std::string_view response, std::span<const std::string> batch) {
  namespace json = boost::json;
  BatchOutcome all{.all_failed = true, .failed = {}};
  json::error_code error;
  const json::value document = json::parse(response, error);
  // A function that does not report failures one by one may answer with anything, such as a word from a shell
  // script.
  if (error) return response.find("batchItemFailures") == std::string_view::npos ? BatchOutcome{} : all;
  if (!document.is_object()) return {};
  const json::value* list = document.get_object().if_contains("batchItemFailures");
  if (!list || list->is_null()) return {};
  if (!list->is_array()) return all;
  BatchOutcome outcome;
  for (const json::value& item : list->get_array()) {
    const json::object* members = item.if_object();
    const json::value* identifier = members ? members->if_contains("itemIdentifier") : nullptr;
    const json::string* id = identifier ? identifier->if_string() : nullptr;
    if (!id || std::ranges::find(batch, std::string_view(*id)) == batch.end()) return all;
    const bool listed = std::ranges::find(outcome.failed, std::string_view(*id)) != outcome.failed.end();
    if (!listed) outcome.failed.emplace_back(id->data(), id->size());
  }
  return outcome;
}

}  // namespace forewarm::sqs
