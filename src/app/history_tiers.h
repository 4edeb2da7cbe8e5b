#pragma once

#include <vector>

#include "app/config.h"
#include "edge/history/history_database.h"

namespace forewarm {

/// The grids of the history that a configuration asks for, from fine to coarse; those that are no multiple of
/// the one before are left out.
std::vector<HistoryDatabase::Tier> history_tiers(const ServerConfig& config);

}  // namespace forewarm
