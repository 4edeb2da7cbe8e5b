#pragma once

#include <string>
#include <string_view>

#include "edge/sqs/request.h"
#include "edge/sqs/sqs_error.h"

namespace forewarm {

/// AddPermission: the Policy (empty: none yet) with one more statement, which has the label as its Sid.
/// Source: SQS API reference, AddPermission; Developer Guide, "Access policy examples".
sqs::SqsResult<std::string> add_permission(std::string_view policy, std::string_view queue_arn,
                                           const sqs::AddPermission& request);
/// RemovePermission: the Policy without the statement of that label; empty if none is left.
sqs::SqsResult<std::string> remove_permission(std::string_view policy, const sqs::RemovePermission& request);

}  // namespace forewarm
