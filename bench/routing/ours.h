#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "routing/figures.h"
#include "sim/arrivals.h"
#include "sim/simulated_world.h"

namespace forewarm::bench {

/// A fixed number of instances of one function behind one queue, for the real core in the simulated world.
struct OurOptions {
  std::vector<FunctionVariant> variants = {FunctionVariant{}};
  std::uint32_t instances = 8;
  Duration objective = 500ms;
  std::function<Duration(const SimulatedWork&)> work_time = {};
  bool classes = true;  ///< false: priorities, tenants and deadlines are taken off, which leaves a FIFO
  std::uint64_t seed = 1;
};

struct OurRun {
  std::vector<Served> served;           ///< in the order of the arrivals
  double gigabyte_seconds = 0;          ///< of instances, from `from` on
  std::vector<double> variant_seconds;  ///< the same by variant, in instance-seconds
  std::uint64_t slow_stops = 0;         ///< instances replaced as slow, and as failing
  std::uint64_t runs = 0;
};

/// Plays arrivals, ascending in time, until all are done; cost counts in [from, until).
OurRun run_ours(const std::vector<Arrival>& arrivals, const OurOptions& options, Duration from,
                Duration until);

}  // namespace forewarm::bench
