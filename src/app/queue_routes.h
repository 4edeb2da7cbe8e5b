#pragma once

#include "app/queue_service.h"
#include "edge/observe/routes.h"

namespace forewarm {

/// GET /v1/queues/{name}/messages (looks without receiving) and POST /v1/queues/{name}/pause. `queues`
/// outlives the routes.
void add_queue_routes(Routes& routes, QueueService& queues);

}  // namespace forewarm
