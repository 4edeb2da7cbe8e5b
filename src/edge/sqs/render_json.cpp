#include "edge/sqs/base64.h"
#include "edge/sqs/json_text.h"
#include "edge/sqs/notations.h"

namespace forewarm::sqs {
namespace {

void write_sent(JsonText& json, const Sent& sent) {
  json.begin_object()
      .optional_member("Id", sent.id)
      .member("MessageId", sent.message_id)
      .member("MD5OfMessageBody", sent.md5_of_body)
      .optional_member("MD5OfMessageAttributes", sent.md5_of_attributes)
      .optional_member("MD5OfMessageSystemAttributes", sent.md5_of_system_attributes)
      .optional_member("SequenceNumber", sent.sequence_number)
      .end_object();
}

/// Only if there are any: clients take the member's presence for a failure.
void write_failed(JsonText& json, const std::vector<Failed>& failed) {
  if (failed.empty()) return;
  json.key("Failed").begin_array();
  for (const Failed& entry : failed) {
    const FaultNames& fault = names(entry.error.fault);
    json.begin_object()
        .member("Id", entry.id)
        .key("SenderFault")
        .boolean(fault.sender)
        .member("Code", fault.code)
        .member("Message", printable(entry.error.message))
        .end_object();
  }
  json.end_array();
}

void write_message(JsonText& json, const ReceivedMessage& message) {
  json.begin_object()
      .member("MessageId", message.message_id)
      .member("ReceiptHandle", message.receipt_handle)
      .member("MD5OfBody", message.md5_of_body)
      .member("Body", message.body);
  if (!message.system_attributes.empty()) json.key("Attributes").map(message.system_attributes);
  if (!message.attributes.empty()) {
    json.member("MD5OfMessageAttributes", message.md5_of_attributes).key("MessageAttributes").begin_object();
    for (const auto& [name, attribute] : message.attributes) {
      json.key(name).begin_object();
      if (is_binary(attribute)) {
        json.member("BinaryValue", base64_encode(attribute.value));
      } else {
        json.member("StringValue", attribute.value);
      }
      json.member("DataType", attribute.data_type).end_object();
    }
    json.end_object();
  }
  json.end_object();
}

void write_task(JsonText& json, const MoveTaskListed& task) {
  json.begin_object()
      .optional_member("TaskHandle", task.task_handle)
      .member("Status", task.status)
      .member("SourceArn", task.source_arn)
      .optional_member("DestinationArn", task.destination_arn);
  if (task.messages_per_second_max)
    json.key("MaxNumberOfMessagesPerSecond").number(*task.messages_per_second_max);
  json.key("ApproximateNumberOfMessagesMoved").number(task.messages_moved);
  if (task.messages_to_move) json.key("ApproximateNumberOfMessagesToMove").number(*task.messages_to_move);
  json.optional_member("FailureReason", task.failure_reason)
      .key("StartedTimestamp")
      .number(task.started_ms)
      .end_object();
}

struct JsonWriter {
  JsonText& json;
  std::string_view action;

  void operator()(const Empty& /*unused*/) const {}
  void operator()(const QueueUrl& response) const {
    json.begin_object().member("QueueUrl", response.url).end_object();
  }
  void operator()(const QueueUrls& response) const {
    json.begin_object();
    const bool sources = action == "ListDeadLetterSourceQueues";
    if (sources || !response.urls.empty()) {
      json.key(sources ? "queueUrls" : "QueueUrls").begin_array();
      for (const std::string& url : response.urls) json.text(url);
      json.end_array();
    }
    json.optional_member("NextToken", response.next_token).end_object();
  }
  void operator()(const QueueAttributes& response) const {
    json.begin_object();
    if (!response.attributes.empty()) json.key("Attributes").map(response.attributes);
    json.end_object();
  }
  void operator()(const QueueTags& response) const {
    json.begin_object();
    if (!response.tags.empty()) json.key("Tags").map(response.tags);
    json.end_object();
  }
  void operator()(const Sent& response) const {
    json.reserve(256);
    write_sent(json, response);
  }
  void operator()(const SentBatch& response) const {
    json.reserve(64 + 256 * response.successful.size());
    json.begin_object();
    if (!response.successful.empty()) {
      json.key("Successful").begin_array();
      for (const Sent& sent : response.successful) write_sent(json, sent);
      json.end_array();
    }
    write_failed(json, response.failed);
    json.end_object();
  }
  void operator()(const DoneBatch& response) const {
    json.begin_object();
    if (!response.successful.empty()) {
      json.key("Successful").begin_array();
      for (const std::string& id : response.successful) json.begin_object().member("Id", id).end_object();
      json.end_array();
    }
    write_failed(json, response.failed);
    json.end_object();
  }
  void operator()(const MoveTaskStarted& response) const {
    json.begin_object().member("TaskHandle", response.task_handle).end_object();
  }
  void operator()(const MoveTaskCancelled& response) const {
    json.begin_object().key("ApproximateNumberOfMessagesMoved").number(response.messages_moved).end_object();
  }
  void operator()(const MoveTasks& response) const {
    json.begin_object().key("Results").begin_array();
    for (const MoveTaskListed& task : response.tasks) write_task(json, task);
    json.end_array().end_object();
  }
  void operator()(const Received& response) const {
    std::size_t bytes = 64;
    for (const ReceivedMessage& message : response.messages) bytes += message.body.size() + 512;
    json.reserve(bytes);
    json.begin_object();
    if (!response.messages.empty()) {
      json.key("Messages").begin_array();
      for (const ReceivedMessage& message : response.messages) write_message(json, message);
      json.end_array();
    }
    json.end_object();
  }
};

}  // namespace

std::string render_json(const Response& response, std::string_view action) {
  JsonText json;
  std::visit(JsonWriter{json, action}, response);
  return json.take();
}

std::string render_json(const SqsError& error) {
  JsonText json;
  json.begin_object()
      .member("__type", names(error.fault).type)
      .member("message", printable(error.message))
      .end_object();
  return json.take();
}

}  // namespace forewarm::sqs
