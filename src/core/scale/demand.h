#pragma once

#include <span>

namespace forewarm {

/// Messages that arrive evenly over a stretch of time.
struct WorkPiece {
  double seconds = 0;
  double messages = 0;
};

/// What has to be started, by when, and what waits already at the beginning.
struct SlackProblem {
  double waiting = 0;          ///< messages that may start now
  double running = 0;          ///< messages that hold a slot now; half of their service time is still to come
  double service_seconds = 1;  ///< of one message, > 0
  double slack_seconds = 0;    ///< a message must start within this after it may (D)
};

/// Deadline-slack staffing n_D: the fewest slots (messages worked on at a time) that start every message of
/// consecutive `pieces`, and those that wait, within the slack. Whole, never negative.
///
/// With equal service times s and first come, first served, message k of n slots starts at the largest of
/// arrival(k - j n) + j s, so all start in time exactly when no window of length w holds more than
/// n (floor((w + D) / s) + 1) arrivals. The answer is the largest ratio over all windows: work(w) / (w + D)
/// for work that comes evenly, and never more than zero waiting would need, because a slot starts at least
/// one message a window. O(pieces^2).
double slots_within_slack(std::span<const WorkPiece> pieces, const SlackProblem& problem);

/// The same over the windows that begin now only: what is left to ask when the need without a backlog is
/// known already. O(pieces).
double slots_within_slack_from_now(std::span<const WorkPiece> pieces, const SlackProblem& problem);

}  // namespace forewarm
