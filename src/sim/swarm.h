#pragma once

#include <cstdint>
#include <vector>

#include "sim/simulated_world.h"

namespace forewarm {

/// One random world: queues of all kinds, functions, clients, faults and what operators do meanwhile.
struct SwarmCase {
  SimulationOptions simulation;
  std::vector<Arrival> arrivals;
};

/// The case of a seed. Each feature and each fault is switched on or off by itself (swarm testing, Groce et
/// al. 2012): a test that always has everything never meets what only few features together can do.
SwarmCase make_swarm_case(std::uint64_t seed);

}  // namespace forewarm
