#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "routing/figures.h"
#include "sim/arrivals.h"
#include "sim/simulated_world.h"

namespace forewarm::bench {

/// How others spread messages over a fixed pool of instances that work on one at a time.
enum class PeerPolicy : std::uint8_t {
  Fifo,         ///< one queue for all; whoever is free takes its first
  RoundRobin,   ///< each instance has a queue of its own, in turn (nginx's and Envoy's default)
  LeastLoaded,  ///< the instance with the fewest messages, the first of equals by chance (least connections)
};

struct PeerOptions {
  PeerPolicy policy = PeerPolicy::Fifo;
  std::vector<std::uint16_t> variants;  ///< of each instance; its number counts from 1
  std::function<Duration(const SimulatedWork&)> work_time;
  std::uint64_t seed = 1;
};

/// Plays arrivals, ascending in time, until all are done; what each met, in their order.
std::vector<Served> run_peer(const std::vector<Arrival>& arrivals, const PeerOptions& options);

}  // namespace forewarm::bench
