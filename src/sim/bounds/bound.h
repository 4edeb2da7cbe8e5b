#pragma once

#include <span>

namespace forewarm {

/// One message's work as only hindsight knows it.
struct Job {
  double at = 0;       ///< seconds; ascending in a list
  double service = 0;  ///< seconds, > 0
};

/// What is bounded: instance-seconds between `from` and `to`, starts included at `start_seconds` each. What
/// runs at `from` was started before it, and what happens after `to` costs nothing: so no policy that is
/// scored in this window can need less.
struct BoundProblem {
  std::span<const Job> jobs;
  double start_seconds = 1;  ///< that an instance costs while it starts
  double from = 0;
  double to = 0;
};

}  // namespace forewarm
