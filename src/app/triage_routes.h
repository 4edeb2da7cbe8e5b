#pragma once

#include "app/function_directory.h"
#include "app/queue_service.h"
#include "core/orchestrator.h"
#include "edge/observe/routes.h"

namespace forewarm {

/// The admin API's routes about what is in dead-letter queues: which there are, why their messages are there,
/// and sending those of one error back. All must outlive the routes.
void add_triage_routes(Routes& routes, QueueService& queues, const FunctionDirectory& functions,
                       const Orchestrator& core);

}  // namespace forewarm
