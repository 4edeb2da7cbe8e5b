#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "core/model/message.h"

namespace forewarm::bench {

/// What one message met.
struct Served {
  Duration due = Duration(0);  ///< from the start of the run: when it could have begun
  Duration start = Duration(-1);
  Duration end = Duration(-1);
  Duration objective = Duration(0);
  TenantId tenant;
  Priority priority = kPriorityDefault;

  bool done() const { return end >= Duration(0); }
  double wait() const { return seconds(start - due); }
  double response() const { return seconds(end - due); }
  double slowdown() const;
};

/// The level-quantile, by the nearest rank; 0 of nothing.
double quantile(std::vector<double> values, double level);

/// Jain's fairness index (Jain, Chiu, Hawe 1984): 1 where all have the same, 1 / n where one has all.
double jain(const std::vector<double>& shares);

/// What each gets of `capacity` when nobody gets more than it asks for and what is left over is shared
/// equally: max-min fairness.
std::vector<double> max_min_shares(const std::vector<double>& demands, double capacity);

}  // namespace forewarm::bench
