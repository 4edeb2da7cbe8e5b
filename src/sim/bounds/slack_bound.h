#pragma once

#include <cstddef>
#include <optional>

#include "sim/bounds/bound.h"

namespace forewarm {

struct SlackOptions {
  double slack_seconds = 0;  ///< D: a message starts in time within this of its arrival
  double late_share = 0;     ///< of the window's messages that need not
  std::size_t slots = 1500;  ///< at most, into which the window is cut; more is tighter and slower
};

/// Instance-seconds below which no policy starts all but the allowed share of messages within the slack: the
/// value of a linear programme, solved by Clp's dual simplex.
///
/// Per slot it has the mean number of instances n, its rise u, the work done x, and work excused from its
/// deadline w. At least n for x, u for the rise of n; cumulated x at most what could have been done (each job
/// from its arrival on) and at least what must have been (each job from its latest start on) less what is
/// excused. A bound, because it lets instances be parts, work be interrupted and spread over instances, and
/// an excused message cost nothing. None if the solver gives up.
std::optional<double> slack_bound(const BoundProblem& problem, const SlackOptions& options);

}  // namespace forewarm
