#pragma once

#include "app/queue_service.h"
#include "core/orchestrator.h"
#include "edge/observe/routes.h"

namespace forewarm {

/// GET /v1/queues/{name}/directives: what to set at a target over the forecast's horizon
/// (docs/formats/directive.md). All of these outlive the routes.
void add_directive_routes(Routes& routes, const QueueService& queues, const Orchestrator& core);

}  // namespace forewarm
