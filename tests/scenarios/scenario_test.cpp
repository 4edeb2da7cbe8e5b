#include "scenario.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "sim/policies.h"

namespace forewarm {
namespace {

std::vector<std::string> files() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(FOREWARM_SOURCE_DIR "/tests/scenarios")) {
    if (entry.path().extension() == ".toml") out.push_back(entry.path().string());
  }
  std::ranges::sort(out);
  return out;
}

SimulationResult run(const Scenario& scenario, const std::string& policy_name) {
  Result<Policy> policy = parse_policy(policy_name);
  EXPECT_TRUE(policy) << policy_name;
  const auto arrivals = make_arrival_list(
      generate_arrivals(scenario.patterns, scenario.simulation.length, scenario.simulation.seed));
  RunOptions options;
  if (policy) options.make_scaler = policy->make_scaler;
  options.invariants = true;
  options.must_be_quiet = scenario.must_be_quiet;
  return run_simulation(scenario.simulation, *arrivals, options);
}

void compare(const Expectation& expected, double value, double bound, const std::string& with) {
  std::printf("  %s %.5g (%s %.5g%s)\n", expected.figure.c_str(), value,
              expected.at_most ? "at most" : "at least", bound, with.c_str());
  if (expected.at_most) {
    EXPECT_LE(value, bound) << expected.figure << with;
  } else {
    EXPECT_GE(value, bound) << expected.figure << with;
  }
}

class ScenarioFile : public ::testing::TestWithParam<std::string> {};

TEST_P(ScenarioFile, keeps_its_promises) {
  const Result<Scenario> scenario = read_scenario(GetParam());
  ASSERT_TRUE(scenario) << scenario.error().message;
  const SimulationResult result = run(*scenario, scenario->policy);
  for (const std::string& violation : result.violations) ADD_FAILURE() << violation;
  for (const Expectation& expected : scenario->expectations) {
    compare(expected, *figure_of(result.total, expected.figure), expected.bound, "");
  }
  for (const Comparison& comparison : scenario->comparisons) {
    const SimulationResult other = run(*scenario, comparison.policy);
    for (const Expectation& expected : comparison.shares) {
      const double theirs = *figure_of(other.total, expected.figure);
      compare(expected, *figure_of(result.total, expected.figure), expected.bound * theirs,
              ", from " + comparison.policy);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Scenarios, ScenarioFile, ::testing::ValuesIn(files()),
                         [](const auto& file) { return std::filesystem::path(file.param).stem().string(); });

}  // namespace
}  // namespace forewarm
