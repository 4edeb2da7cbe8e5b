#pragma once

#include <vector>

#include "app/config.h"
#include "app/function_directory.h"
#include "app/queue_directory.h"
#include "edge/sqs/request.h"

namespace forewarm {

/// What is to be asked of the queue service so that all queues are there that the configuration names: of
/// [[queue]] tables, of mappings, of sources with their dead-letter queues. In the order in which it must
/// happen.
struct QueueRequests {
  std::vector<sqs::CreateQueue> create;
  std::vector<std::pair<std::string, sqs::StringMap>> change;  ///< attributes of queues that are there
};
QueueRequests configured_queues(const ServerConfig& config, const FunctionDirectory& functions,
                                const QueueDirectory& there);

}  // namespace forewarm
