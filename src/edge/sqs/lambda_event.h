#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "edge/sqs/response.h"

namespace forewarm::sqs {

/// The event that AWS Lambda gives a function for a batch of messages of one queue, as JSON. Messages are as
/// received with all their attributes. Source: Lambda Developer Guide, "Using Lambda with Amazon SQS".
std::string lambda_event(std::span<const ReceivedMessage> messages, std::string_view queue_arn);

/// Which messages of a batch a function says it has failed on.
struct BatchOutcome {
  bool all_failed = false;
  std::vector<std::string> failed;  ///< message ids, each of which is in the batch
};
/// Reads {"batchItemFailures": [{"itemIdentifier": id}]}. As in Lambda with ReportBatchItemFailures: none
/// failed if the list is empty, null or missing; all failed if an id is empty, null, misspelt or not in the
/// batch, or if the list is anything else. A response that is not JSON fails the batch only if it tries to
/// name the list.
BatchOutcome read_batch_response(std::string_view response, std::span<const std::string> batch);

}  // namespace forewarm::sqs
