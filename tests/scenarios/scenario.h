#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sim/arrivals.h"
#include "sim/simulation.h"

namespace forewarm {

/// A bound on a figure of the result.
struct Expectation {
  std::string figure;  ///< for example late_share
  bool at_most = true;
  double bound = 0;
};

/// Another policy on the same scenario, and how much of its figures ours may be.
struct Comparison {
  std::string policy;
  std::vector<Expectation> shares;  ///< bound: a share of the other policy's figure
};

/// One file of tests/scenarios: a seeded simulation as data with what must come out.
struct Scenario {
  std::string policy = "forewarm";
  SimulationOptions simulation;
  std::vector<ArrivalPattern> patterns;
  std::vector<Expectation> expectations;
  std::vector<Comparison> comparisons;
  bool must_be_quiet = true;
};

/// Reads a file; unknown keys and wrong types are Invalid, with the place.
Result<Scenario> read_scenario(const std::string& path);

/// A figure by its name (see scenario.cpp). Invalid for another name.
Result<double> figure_of(const QueueLedger& book, const std::string& figure);

}  // namespace forewarm
