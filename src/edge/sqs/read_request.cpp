#include <algorithm>
#include <array>

#include "edge/sqs/fields.h"
#include "edge/sqs/limits.h"

namespace forewarm::sqs {
namespace {

using Reader = Request (*)(Fields&);

struct Action {
  std::string_view name;
  Reader read;
};

std::string queue_url(Fields& fields) {
  return fields.required_text("QueueUrl");
}

std::optional<std::int64_t> integer_within(Fields& fields, std::string_view name, std::int64_t min,
                                           std::int64_t max) {
  const auto value = fields.integer(name);
  if (value && (*value < min || *value > max)) {
    const std::string from = std::to_string(min);
    const std::string to = std::to_string(max);
    // The service words it in two ways.
    fields.fail(invalid_value(std::to_string(*value), name,
                              min > 0 ? "Must be between " + from + " and " + to + ", if provided."
                                      : "Must be >= " + from + " and <= " + to + ", if provided."));
  }
  return value;
}

SendMessageEntry message(Fields& fields) {
  SendMessageEntry entry;
  entry.body = fields.text("MessageBody");
  entry.delay_seconds = fields.integer("DelaySeconds");
  entry.attributes = fields.attributes("MessageAttributes");
  entry.system_attributes = fields.attributes("MessageSystemAttributes");
  entry.group_id = fields.text("MessageGroupId");
  entry.deduplication_id = fields.text("MessageDeduplicationId");
  return entry;
}

/// What holds for every batch: 1 to 10 entries with ids that are well-formed and differ.
template <class Entry>
void check_batch(const std::vector<Entry>& entries, std::string_view entry_name, Fields& fields) {
  if (entries.empty()) {
    fields.fail({Fault::EmptyBatchRequest,
                 "There should be at least one " + std::string(entry_name) + " in the request."});
  }
  if (entries.size() > kBatchEntriesMax) {
    fields.fail(
        {Fault::TooManyEntriesInBatchRequest, "Maximum number of entries per request are 10. You have sent " +
                                                  std::to_string(entries.size()) + "."});
  }
  for (auto entry = entries.begin(); entry != entries.end() && !fields.failed(); ++entry) {
    if (!is_batch_id(entry->id)) {
      fields.fail({Fault::InvalidBatchEntryId,
                   "A batch entry id can only contain alphanumeric characters, hyphens and "
                   "underscores. It can be at most 80 letters long."});
    }
    const auto repeats = [&](const Entry& earlier) { return earlier.id == entry->id; };
    if (std::any_of(entries.begin(), entry, repeats)) {
      fields.fail({Fault::BatchEntryIdsNotDistinct, "Id " + entry->id + " repeated."});
    }
  }
}

/// Empty counts as there, and as not well-formed.
std::string batch_id(Fields& entry) {
  const std::optional<std::string> id = entry.optional_text("Id");
  if (!id) entry.fail(missing_parameter("Id"));
  return id.value_or("");
}

StringMap tags(Fields& fields, std::string_view name) {
  StringMap tags = fields.text_map(name);
  if (auto fault = find_tag_fault(tags)) fields.fail(std::move(*fault));
  return tags;
}

Request create_queue(Fields& fields) {
  const std::optional<std::string> name = fields.optional_text("QueueName");
  if (!name) fields.fail(missing_parameter("QueueName"));
  CreateQueue request{
      .name = name.value_or(""), .attributes = fields.text_map("Attributes"), .tags = tags(fields, "tags")};
  if (!fields.failed() && !is_queue_name(request.name)) {
    fields.fail({Fault::InvalidParameterValue,
                 "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"});
  }
  return request;
}

Request get_queue_url(Fields& fields) {
  return GetQueueUrl{.name = fields.required_text("QueueName"),
                     .owner = fields.text("QueueOwnerAWSAccountId")};
}

Request list_queues(Fields& fields) {
  return ListQueues{.prefix = fields.text("QueueNamePrefix"),
                    .results_max = integer_within(fields, "MaxResults", 1, kListResultsMax),
                    .next_token = fields.text("NextToken")};
}

Request delete_queue(Fields& fields) {
  return DeleteQueue{.queue_url = queue_url(fields)};
}

Request get_queue_attributes(Fields& fields) {
  return GetQueueAttributes{.queue_url = queue_url(fields), .names = fields.texts("AttributeNames")};
}

Request set_queue_attributes(Fields& fields) {
  SetQueueAttributes request{.queue_url = queue_url(fields), .attributes = fields.text_map("Attributes")};
  if (request.attributes.empty()) fields.fail(missing_parameter("Attributes"));
  return request;
}

Request send_message(Fields& fields) {
  SendMessage request{.queue_url = queue_url(fields), .entry = message(fields)};
  if (request.entry.body.empty()) fields.fail(missing_parameter("MessageBody"));
  return request;
}

Request send_message_batch(Fields& fields) {
  SendMessageBatch request{.queue_url = queue_url(fields), .entries = {}};
  std::uint64_t bytes = 0;
  fields.each("Entries", [&](Fields& entry) {
    request.entries.push_back(message(entry));
    request.entries.back().id = batch_id(entry);
    bytes += size_bytes(request.entries.back());
  });
  check_batch(request.entries, "SendMessageBatchRequestEntry", fields);
  if (bytes > kMessageBytesMax) {
    fields.fail(
        {Fault::BatchRequestTooLong, "Batch requests cannot be longer than 1048576 bytes. You have sent " +
                                         std::to_string(bytes) + " bytes."});
  }
  return request;
}

Request receive_message(Fields& fields) {
  ReceiveMessage request;
  request.queue_url = queue_url(fields);
  request.messages_max = integer_within(fields, "MaxNumberOfMessages", 1, kReceiveMessagesMax).value_or(1);
  request.visibility_timeout = integer_within(fields, "VisibilityTimeout", 0, kVisibilitySecondsMax);
  request.wait_seconds = integer_within(fields, "WaitTimeSeconds", 0, kWaitSecondsMax);
  request.system_attribute_names = fields.texts("AttributeNames");
  for (std::string& name : fields.texts("MessageSystemAttributeNames")) {
    request.system_attribute_names.push_back(std::move(name));
  }
  request.attribute_names = fields.texts("MessageAttributeNames");
  request.attempt_id = fields.text("ReceiveRequestAttemptId");
  if (!request.attempt_id.empty() && !is_fifo_id(request.attempt_id)) {
    fields.fail(invalid_value(request.attempt_id, "ReceiveRequestAttemptId",
                              "ReceiveRequestAttemptId can only include alphanumeric and punctuation "
                              "characters. 1 to 128 in length."));
  }
  return request;
}

Request delete_message(Fields& fields) {
  return DeleteMessage{.queue_url = queue_url(fields),
                       .entry = {.id = {}, .receipt_handle = fields.required_text("ReceiptHandle")}};
}

/// In a batch an empty one is refused alone, as one that is not valid.
std::string receipt_handle(Fields& entry) {
  const std::optional<std::string> handle = entry.optional_text("ReceiptHandle");
  if (!handle) entry.fail(missing_parameter("ReceiptHandle"));
  return handle.value_or("");
}

Request delete_message_batch(Fields& fields) {
  DeleteMessageBatch request{.queue_url = queue_url(fields), .entries = {}};
  fields.each("Entries", [&](Fields& entry) {
    request.entries.push_back({.id = batch_id(entry), .receipt_handle = receipt_handle(entry)});
  });
  check_batch(request.entries, "DeleteMessageBatchRequestEntry", fields);
  return request;
}

Request change_message_visibility(Fields& fields) {
  ChangeMessageVisibility request{.queue_url = queue_url(fields), .entry = {}};
  request.entry.receipt_handle = fields.required_text("ReceiptHandle");
  request.entry.visibility_timeout = fields.integer("VisibilityTimeout");
  if (!request.entry.visibility_timeout) fields.fail(missing_parameter("VisibilityTimeout"));
  return request;
}

Request change_message_visibility_batch(Fields& fields) {
  ChangeMessageVisibilityBatch request{.queue_url = queue_url(fields), .entries = {}};
  fields.each("Entries", [&](Fields& entry) {
    request.entries.push_back({.id = batch_id(entry),
                               .receipt_handle = receipt_handle(entry),
                               .visibility_timeout = entry.integer("VisibilityTimeout")});
  });
  check_batch(request.entries, "ChangeMessageVisibilityBatchRequestEntry", fields);
  return request;
}

Request purge_queue(Fields& fields) {
  return PurgeQueueRequest{.queue_url = queue_url(fields)};
}

Request tag_queue(Fields& fields) {
  TagQueue request{.queue_url = queue_url(fields), .tags = tags(fields, "Tags")};
  if (request.tags.empty()) fields.fail(missing_parameter("Tags"));
  return request;
}

Request untag_queue(Fields& fields) {
  UntagQueue request{.queue_url = queue_url(fields), .keys = fields.texts("TagKeys")};
  if (request.keys.empty()) fields.fail(missing_parameter("TagKeys"));
  return request;
}

Request list_queue_tags(Fields& fields) {
  return ListQueueTags{.queue_url = queue_url(fields)};
}

Request list_dead_letter_source_queues(Fields& fields) {
  return ListDeadLetterSourceQueues{.queue_url = queue_url(fields),
                                    .results_max = integer_within(fields, "MaxResults", 1, kListResultsMax),
                                    .next_token = fields.text("NextToken")};
}

/// "arn:PARTITION:sqs:REGION:ACCOUNT:NAME".
std::string queue_arn(Fields& fields, std::string_view name, std::string arn) {
  const bool complete = std::ranges::count(arn, ':') == 5 && arn.starts_with("arn:") && !arn.ends_with(':');
  if (!complete) {
    fields.fail({Fault::InvalidParameterValue,
                 "You must use this format to specify the " + std::string(name) +
                     ": arn:<partition>:<service>:<region>:<account-id>:<resource-id>"});
  }
  return arn;
}

std::string source_arn(Fields& fields) {
  std::optional<std::string> arn = fields.optional_text("SourceArn");
  if (!arn) fields.fail(missing_parameter("SourceArn"));
  return queue_arn(fields, "SourceArn", std::move(arn).value_or(""));
}

std::optional<std::int64_t> count_within(Fields& fields, std::string_view name, std::int64_t max) {
  const auto value = fields.integer(name);
  if (value && (*value < 1 || *value > max)) {
    fields.fail({Fault::InvalidParameterValue,
                 "Value for parameter " + std::string(name) +
                     " is invalid. Reason: You must enter a number that's between 1 and " +
                     std::to_string(max) + "."});
  }
  return value;
}

Request start_message_move_task(Fields& fields) {
  StartMessageMoveTask request{.source_arn = source_arn(fields),
                               .destination_arn = fields.optional_text("DestinationArn"),
                               .messages_per_second_max = {}};
  if (request.destination_arn) (void)queue_arn(fields, "DestinationArn", *request.destination_arn);
  if (request.destination_arn == request.source_arn) {
    fields.fail(
        {Fault::InvalidParameterValue, "Source queue arn and destination queue arn cannot be the same."});
  }
  request.messages_per_second_max = count_within(fields, "MaxNumberOfMessagesPerSecond", kMovesPerSecondMax);
  return request;
}

Request cancel_message_move_task(Fields& fields) {
  return CancelMessageMoveTask{.task_handle = fields.required_text("TaskHandle")};
}

Request list_message_move_tasks(Fields& fields) {
  return ListMessageMoveTasks{
      .source_arn = source_arn(fields),
      .results_max = count_within(fields, "MaxResults", kMoveTasksListedMax).value_or(1)};
}

std::string label(Fields& fields) {
  std::string label = fields.required_text("Label");
  if (!fields.failed() && !is_batch_id(label)) {
    fields.fail(invalid_value(label, "Label",
                              "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in "
                              "length."));
  }
  return label;
}

Request add_permission(Fields& fields) {
  AddPermission request{.queue_url = queue_url(fields),
                        .label = label(fields),
                        .accounts = fields.texts("AWSAccountIds"),
                        .actions = fields.texts("Actions")};
  if (request.accounts.empty()) fields.fail(missing_parameter("AWSAccountIds"));
  if (request.actions.empty()) fields.fail(missing_parameter("Actions"));
  return request;
}

Request remove_permission(Fields& fields) {
  return RemovePermission{.queue_url = queue_url(fields), .label = label(fields)};
}

/// In the order of Request's alternatives.
constexpr std::array kActions = {
    Action{"CreateQueue", create_queue},
    Action{"GetQueueUrl", get_queue_url},
    Action{"ListQueues", list_queues},
    Action{"DeleteQueue", delete_queue},
    Action{"GetQueueAttributes", get_queue_attributes},
    Action{"SetQueueAttributes", set_queue_attributes},
    Action{"SendMessage", send_message},
    Action{"SendMessageBatch", send_message_batch},
    Action{"ReceiveMessage", receive_message},
    Action{"DeleteMessage", delete_message},
    Action{"DeleteMessageBatch", delete_message_batch},
    Action{"ChangeMessageVisibility", change_message_visibility},
    Action{"ChangeMessageVisibilityBatch", change_message_visibility_batch},
    Action{"PurgeQueue", purge_queue},
    Action{"TagQueue", tag_queue},
    Action{"UntagQueue", untag_queue},
    Action{"ListQueueTags", list_queue_tags},
    Action{"ListDeadLetterSourceQueues", list_dead_letter_source_queues},
    Action{"StartMessageMoveTask", start_message_move_task},
    Action{"CancelMessageMoveTask", cancel_message_move_task},
    Action{"ListMessageMoveTasks", list_message_move_tasks},
    Action{"AddPermission", add_permission},
    Action{"RemovePermission", remove_permission},
};
static_assert(kActions.size() == std::variant_size_v<Request>);

}  // namespace

SqsResult<Request> read_request(std::string_view action, const boost::json::object& members,
                                Protocol protocol) {
  const auto* found = std::ranges::find(kActions, action, &Action::name);
  if (found == kActions.end()) {
    return refuse(Fault::InvalidAction,
                  "The action " + std::string(action.substr(0, 128)) + " is not valid for this endpoint.");
  }
  std::optional<SqsError> fault;
  Fields fields(members, protocol, fault);
  Request request = found->read(fields);
  if (fault) return std::unexpected(std::move(*fault));
  return request;
}

std::string_view action_name(const Request& request) {
  return kActions[request.index()].name;
}

}  // namespace forewarm::sqs
