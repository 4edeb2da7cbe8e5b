#pragma once

#include <string>

#include "app/replay.h"

namespace forewarm {

/// Two pictures of how queues differ, as SVG with a heading: for each policy the share of the queues with at
/// most some late share, and with at most some instance-seconds. A sum over queues is that of the largest;
/// this shows the others. Queues without a message are left out; empty where less than four are left.
std::string replay_cdfs(const ReplayReport& report);

}  // namespace forewarm
