#pragma once

#include "app/signal_service.h"
#include "edge/observe/routes.h"

namespace forewarm {

/// The admin API's routes about signals: list, show, push. `signals` must outlive the routes.
void add_signal_routes(Routes& routes, SignalService& signals);

}  // namespace forewarm
