#pragma once

#include "app/control_config.h"

namespace forewarm {

/// Whether two checked targets are one number of one resource, so that each would undo what the other sets:
/// the replicas of a workload, whoever sets them; the provisioned concurrency of an alias, by Lambda or by
/// Application Auto Scaling; a mapping's concurrency or pollers, since it has either. What a webhook or a
/// command makes of a queue's name is theirs.
bool is_same_target(const ControlTarget& one, const ControlTarget& other);

}  // namespace forewarm
