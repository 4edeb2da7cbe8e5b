#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/scale/scaler.h"
#include "sim/arrivals.h"
#include "sim/ledger.h"
#include "sim/simulated_world.h"

namespace forewarm {

struct RunOptions {
  /// Empty: forewarm's own.
  std::function<std::unique_ptr<Scaler>(const MappingSettings&)> make_scaler = {};
  bool invariants = false;     ///< let the oracle watch
  bool must_be_quiet = false;  ///< with the oracle: at the end nothing may be left waiting for long
  Duration bucket = 60s;       ///< of the time lines
  /// Since the start: only this part is in the books (Ledger::Options).
  Duration score_from = Duration(0);
  Duration score_until = Duration::max();
  BillingRules billing = {};            ///< Ledger::Options
  std::vector<Watcher*> watchers = {};  ///< more; not owned
  /// Told the share of simulated time that has passed, every few ten thousand events.
  std::function<void(double)> progress = {};
};

struct SimulationResult {
  std::vector<QueueLedger> queues;  ///< in the order of the options' queues
  QueueLedger total;
  std::vector<std::vector<TimelineBucket>> timelines;  ///< the same order
  std::vector<TimelineBucket> timeline;
  std::uint64_t events = 0;
  std::vector<std::string> violations;  ///< of invariants; empty is good
};

/// Runs the real core in a simulated world until the world ends.
SimulationResult run_simulation(const SimulationOptions& simulation, ArrivalSource& arrivals,
                                const RunOptions& options);

}  // namespace forewarm
