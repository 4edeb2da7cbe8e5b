#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/controlled.h"
#include "edge/cloud/targets/keda.h"

namespace forewarm {

/// What KEDA is told of the queue of this name now, by whichever door it asks. `file` has the queues. `idle`:
/// why this copy tells nobody anything; empty: it does.
KedaNumber keda_number(const ControlFile& file, const std::vector<std::unique_ptr<Controlled>>& queues,
                       std::string_view name, const std::string& idle, TimePoint now);

}  // namespace forewarm
