#include "core/scale/demand.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <ranges>

namespace forewarm {
namespace {

// Sums of decimal seconds must not miss a whole number by their last bit.
constexpr double kTolerance = 1e-9;

double whole_below(double value) {
  return std::floor(value + kTolerance);
}

/// The largest need among windows with one start that end within `piece`, `elapsed` seconds and `count`
/// messages on.
///
/// Between two lengths at which a slot can start one message more the need grows with the window, so only
/// those lengths and the end matter; along them it moves one way while arrivals are even, so the first and
/// the last are enough.
double need_of_windows_ending_in(const WorkPiece& piece, double elapsed, double count,
                                 const SlackProblem& problem) {
  const double end = elapsed + piece.seconds;
  const double last = whole_below((end + problem.slack_seconds) / problem.service_seconds);
  double need = (count + piece.messages) / (last + 1);
  const double first = whole_below((elapsed + problem.slack_seconds) / problem.service_seconds) + 1;
  if (last < first) return need;
  const double rate = piece.messages / piece.seconds;  // a piece without length has no first and last
  for (const double starts : {first, last}) {
    const double length = starts * problem.service_seconds - problem.slack_seconds;
    need = std::max(need, (count + rate * (length - elapsed)) / starts);
  }
  return need;
}

/// The largest need among windows from the first of `pieces` on; `count` messages are there at its beginning.
template <class Pieces>
double need_of_windows_from(const Pieces& pieces, double count, const SlackProblem& problem) {
  double need = 0;
  double elapsed = 0;
  for (const WorkPiece& piece : pieces) {
    need = std::max(need, need_of_windows_ending_in(piece, elapsed, count, problem));
    elapsed += piece.seconds;
    count += piece.messages;
  }
  return need;
}

}  // namespace

double slots_within_slack(std::span<const WorkPiece> pieces, const SlackProblem& problem) {
  double need = slots_within_slack_from_now(pieces, problem);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    // The worst window begins or ends where a piece does: seen from its end it runs backwards.
    const auto backwards = pieces.first(pieces.size() - i) | std::views::reverse;
    need = std::max(need, need_of_windows_from(pieces.subspan(i), 0, problem));
    need = std::max(need, need_of_windows_from(backwards, 0, problem));
  }
  return std::ceil(need - kTolerance);
}

double slots_within_slack_from_now(std::span<const WorkPiece> pieces, const SlackProblem& problem) {
  const double present = problem.waiting + problem.running / 2;
  const double at_once = present / (whole_below(problem.slack_seconds / problem.service_seconds) + 1);
  const double need = std::max(at_once, need_of_windows_from(pieces, present, problem));
  return std::max(0.0, std::ceil(need - kTolerance));
}

}  // namespace forewarm
