#include "sim/swarm.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "core/model/text.h"
#include "sim/simulation.h"

namespace forewarm {
namespace {

// FOREWARM_SEED runs one seed alone, FOREWARM_SWARM_SEEDS so many. With the first, FOREWARM_TRANSCRIPT names
// a file for all its events and actions.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSeeds = 40;
#else
constexpr std::uint64_t kSeeds = 300;
#endif

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

std::string repeat(std::uint64_t seed) {
  return "\nrepeat with: FOREWARM_SEED=" + std::to_string(seed) +
         " forewarm_sim_test --gtest_filter='Swarm.*'";
}

/// Keeps everything as text: what must be the same twice.
class Transcript : public Watcher {
 public:
  void observe(const TimedEvent& event, const Actions& actions) override {
    write_text(event, text_);
    for (const Action& action : actions) write_text(action, text_);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

SimulationResult run_case(std::uint64_t seed, Watcher* watcher) {
  SwarmCase made = make_swarm_case(seed);
  const auto arrivals = make_arrival_list(std::move(made.arrivals));
  RunOptions options;
  options.invariants = true;
  options.must_be_quiet = true;
  if (watcher != nullptr) options.watchers.push_back(watcher);
  return run_simulation(made.simulation, *arrivals, options);
}

TEST(Swarm, no_random_world_makes_the_core_break_a_promise) {
  const std::uint64_t only = number_from("FOREWARM_SEED", 0);
  const std::uint64_t last = only > 0 ? only : number_from("FOREWARM_SWARM_SEEDS", kSeeds);
  std::uint64_t messages = 0, started = 0, dead_lettered = 0, lost = 0;
  double frozen_seconds = 0;
  for (std::uint64_t seed = only > 0 ? only : 1; seed <= last; ++seed) {
    Transcript transcript;
    const char* file = only > 0 ? std::getenv("FOREWARM_TRANSCRIPT") : nullptr;
    const SimulationResult result = run_case(seed, file != nullptr ? &transcript : nullptr);
    if (file != nullptr) std::ofstream(file) << transcript.text();
    for (const std::string& violation : result.violations) ADD_FAILURE() << violation << repeat(seed);
    if (HasFailure()) return;
    messages += result.total.messages;
    started += result.total.started;
    dead_lettered += result.total.dead_lettered;
    lost += result.total.instances_lost;
    frozen_seconds += result.total.frozen_seconds;
  }
  if (only > 0) return;
  // A swarm in which little happens would prove little.
  EXPECT_GT(messages, last * 200);
  EXPECT_GT(started, messages / 2);
  EXPECT_GT(dead_lettered, last);
  EXPECT_GT(lost, last);
  EXPECT_GT(frozen_seconds, static_cast<double>(last) * 100);
}

TEST(Swarm, the_same_seed_twice_is_the_same_byte_for_byte) {
  const std::uint64_t only = number_from("FOREWARM_SEED", 0);
  for (std::uint64_t seed = only > 0 ? only : 1; seed <= (only > 0 ? only : 12); ++seed) {
    Transcript first, second;
    run_case(seed, &first);
    run_case(seed, &second);
    EXPECT_GT(first.text().size(), 10'000u);
    ASSERT_TRUE(first.text() == second.text()) << repeat(seed);
  }
}

}  // namespace
}  // namespace forewarm
