#include "sim/simulation.h"

#include <optional>

#include "core/orchestrator.h"
#include "sim/invariants.h"

namespace forewarm {
namespace {

constexpr std::uint64_t kProgressEvery = 20'000;
constexpr Duration kStuckAfter = 30min;

class Progress : public Watcher {
 public:
  Progress(const SimulatedWorld& world, const std::function<void(double)>& tell)
      : world_(world), tell_(tell) {}
  void observe(const TimedEvent&, const Actions&) override {
    if (++events_ % kProgressEvery == 0) tell_(world_.progress());
  }

 private:
  const SimulatedWorld& world_;
  const std::function<void(double)>& tell_;
  std::uint64_t events_ = 0;
};

}  // namespace

SimulationResult run_simulation(const SimulationOptions& simulation, ArrivalSource& arrivals,
                                const RunOptions& options) {
  Orchestrator core({.seed = simulation.seed, .make_scaler = options.make_scaler});
  SimulatedWorld world(simulation, arrivals);
  Ledger::Options books{.start = simulation.start,
                        .bucket = options.bucket,
                        .queues = {},
                        .configuration = simulation.configuration,
                        .score_from = simulation.start + options.score_from,
                        .score_until = saturating_add(simulation.start, options.score_until),
                        .billing = options.billing};
  for (const SimulatedQueue& queue : simulation.queues) books.queues.push_back(queue.id);
  Ledger ledger(books);
  world.add_watcher(ledger);
  std::optional<Invariants> invariants;
  if (options.invariants) world.add_watcher(invariants.emplace(Invariants::Options{}));
  for (Watcher* watcher : options.watchers) world.add_watcher(*watcher);
  Progress progress(world, options.progress);
  if (options.progress) world.add_watcher(progress);

  drive(core, world);

  ledger.finish(world.end());
  SimulationResult result;
  result.queues = ledger.queues();
  result.total = ledger.total();
  result.timeline = ledger.timeline();
  for (std::size_t i = 0; i < books.queues.size(); ++i) result.timelines.push_back(ledger.timeline(i));
  result.events = ledger.events();
  if (invariants) {
    invariants->check_balance(core);
    if (options.must_be_quiet) invariants->check_nothing_stuck(world.end(), kStuckAfter);
    result.violations = invariants->violations();
  }
  return result;
}

}  // namespace forewarm
