#pragma once

#include <cstdint>

namespace forewarm {

/// Random arrivals at a steady rate on some slots.
struct SteadyLoad {
  double offered = 0;            ///< arrivals per second times service seconds: slots busy in the mean
  double slack_in_services = 0;  ///< the slack D in service times
};

/// Share of messages that wait longer than the slack: Erlang's C formula for M/M/n with its exponential tail
/// (Erlang 1917), exact up to 128 slots, Halfin and Whitt's limit (1981) above. 1 where the slots cannot
/// carry the load.
double late_share(const SteadyLoad& load, std::uint32_t slots);

/// The fewest slots, at most `limit`, with a late share of at most `share`. 0 without load.
std::uint32_t slots_for_late_share(const SteadyLoad& load, double share, std::uint32_t limit);

}  // namespace forewarm
