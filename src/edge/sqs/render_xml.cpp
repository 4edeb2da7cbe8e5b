#include "edge/sqs/base64.h"
#include "edge/sqs/notations.h"

namespace forewarm::sqs {
namespace {

constexpr std::string_view kHead = "<?xml version=\"1.0\"?>\n<";
constexpr std::string_view kNamespace = " xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">";

class XmlText {
 public:
  XmlText& open(std::string_view name) {
    out_ += '<';
    out_ += name;
    out_ += '>';
    return *this;
  }
  XmlText& close(std::string_view name) {
    out_ += "</";
    out_ += name;
    out_ += '>';
    return *this;
  }
  XmlText& leaf(std::string_view name, std::string_view value) {
    open(name);
    text(value);
    return close(name);
  }
  XmlText& optional_leaf(std::string_view name, std::string_view value) {
    return value.empty() ? *this : leaf(name, value);
  }
  void raw(std::string_view markup) { out_ += markup; }
  std::string take() { return std::move(out_); }

 private:
  void text(std::string_view value) {
    for (const char c : value) {
      switch (c) {
        case '&':
          out_ += "&amp;";
          break;
        case '<':
          out_ += "&lt;";
          break;
        case '>':
          out_ += "&gt;";
          break;
        case '"':
          out_ += "&quot;";
          break;
        case '\r':
          out_ += "&#xd;";
          break;  // a bare one would be read as a line feed
        default:
          out_ += c;
      }
    }
  }

  std::string out_;
};

void write_map(XmlText& xml, std::string_view entry, std::string_view key, const StringMap& map) {
  for (const auto& [name, value] : map) xml.open(entry).leaf(key, name).leaf("Value", value).close(entry);
}

void write_sent(XmlText& xml, const Sent& sent) {
  xml.optional_leaf("Id", sent.id)
      .leaf("MessageId", sent.message_id)
      .leaf("MD5OfMessageBody", sent.md5_of_body)
      .optional_leaf("MD5OfMessageAttributes", sent.md5_of_attributes)
      .optional_leaf("MD5OfMessageSystemAttributes", sent.md5_of_system_attributes)
      .optional_leaf("SequenceNumber", sent.sequence_number);
}

void write_failed(XmlText& xml, const std::vector<Failed>& failed) {
  for (const Failed& entry : failed) {
    const FaultNames& fault = names(entry.error.fault);
    xml.open("BatchResultErrorEntry")
        .leaf("Id", entry.id)
        .leaf("Code", fault.code)
        .leaf("Message", printable(entry.error.message))
        .leaf("SenderFault", fault.sender ? "true" : "false")
        .close("BatchResultErrorEntry");
  }
}

void write_message(XmlText& xml, const ReceivedMessage& message) {
  xml.open("Message")
      .leaf("MessageId", message.message_id)
      .leaf("ReceiptHandle", message.receipt_handle)
      .leaf("MD5OfBody", message.md5_of_body)
      .leaf("Body", message.body);
  write_map(xml, "Attribute", "Name", message.system_attributes);
  xml.optional_leaf("MD5OfMessageAttributes", message.md5_of_attributes);
  for (const auto& [name, attribute] : message.attributes) {
    xml.open("MessageAttribute").leaf("Name", name).open("Value");
    if (is_binary(attribute)) {
      xml.leaf("BinaryValue", base64_encode(attribute.value));
    } else {
      xml.leaf("StringValue", attribute.value);
    }
    xml.leaf("DataType", attribute.data_type).close("Value").close("MessageAttribute");
  }
  xml.close("Message");
}

void write_task(XmlText& xml, const MoveTaskListed& task) {
  const auto number = [&](std::string_view name, std::optional<std::int64_t> value) {
    if (value) xml.leaf(name, std::to_string(*value));
  };
  xml.open("ListMessageMoveTasksResultEntry")
      .optional_leaf("TaskHandle", task.task_handle)
      .leaf("Status", task.status)
      .leaf("SourceArn", task.source_arn)
      .optional_leaf("DestinationArn", task.destination_arn);
  number("MaxNumberOfMessagesPerSecond", task.messages_per_second_max);
  number("ApproximateNumberOfMessagesMoved", task.messages_moved);
  number("ApproximateNumberOfMessagesToMove", task.messages_to_move);
  xml.optional_leaf("FailureReason", task.failure_reason);
  number("StartedTimestamp", task.started_ms);
  xml.close("ListMessageMoveTasksResultEntry");
}

struct XmlWriter {
  XmlText& xml;
  std::string_view action;

  void operator()(const Empty& /*unused*/) const {}
  void operator()(const QueueUrl& response) const { xml.leaf("QueueUrl", response.url); }
  void operator()(const QueueUrls& response) const {
    for (const std::string& url : response.urls) xml.leaf("QueueUrl", url);
    xml.optional_leaf("NextToken", response.next_token);
  }
  void operator()(const QueueAttributes& response) const {
    write_map(xml, "Attribute", "Name", response.attributes);
  }
  void operator()(const QueueTags& response) const { write_map(xml, "Tag", "Key", response.tags); }
  void operator()(const Sent& response) const { write_sent(xml, response); }
  void operator()(const SentBatch& response) const {
    for (const Sent& sent : response.successful) {
      xml.open("SendMessageBatchResultEntry");
      write_sent(xml, sent);
      xml.close("SendMessageBatchResultEntry");
    }
    write_failed(xml, response.failed);
  }
  void operator()(const DoneBatch& response) const {
    const std::string entry = std::string(action) + "ResultEntry";
    for (const std::string& id : response.successful) xml.open(entry).leaf("Id", id).close(entry);
    write_failed(xml, response.failed);
  }
  void operator()(const MoveTaskStarted& response) const { xml.leaf("TaskHandle", response.task_handle); }
  void operator()(const MoveTaskCancelled& response) const {
    xml.leaf("ApproximateNumberOfMessagesMoved", std::to_string(response.messages_moved));
  }
  void operator()(const MoveTasks& response) const {
    for (const MoveTaskListed& task : response.tasks) write_task(xml, task);
  }
  void operator()(const Received& response) const {
    for (const ReceivedMessage& message : response.messages) write_message(xml, message);
  }
};

}  // namespace

std::string render_xml(const Response& response, std::string_view action, std::string_view request_id) {
  const std::string root = std::string(action) + "Response";
  const std::string result = std::string(action) + "Result";
  const bool has_result = !std::holds_alternative<Empty>(response);
  XmlText xml;
  xml.raw(kHead);
  xml.raw(root);
  xml.raw(kNamespace);
  if (has_result) xml.open(result);
  std::visit(XmlWriter{xml, action}, response);
  if (has_result) xml.close(result);
  xml.open("ResponseMetadata").leaf("RequestId", request_id).close("ResponseMetadata").close(root);
  return xml.take();
}

std::string render_xml(const SqsError& error, std::string_view request_id) {
  const FaultNames& fault = names(error.fault);
  // In this protocol the service has kept its older words, for which there are clients that look.
  const bool gone = error.fault == Fault::QueueDoesNotExist;
  XmlText xml;
  xml.raw(kHead);
  xml.raw("ErrorResponse");
  xml.raw(kNamespace);
  xml.open("Error")
      .leaf("Type", fault.sender ? "Sender" : "Receiver")
      .leaf("Code", fault.code)
      .leaf("Message",
            gone ? "The specified queue does not exist for this wsdl version." : printable(error.message))
      .leaf("Detail", "")
      .close("Error")
      .leaf("RequestId", request_id)
      .close("ErrorResponse");
  return xml.take();
}

}  // namespace forewarm::sqs
