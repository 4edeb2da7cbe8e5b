#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "sim/comparison.h"

namespace forewarm::bench {

/// In the scored part of a queue: with fewer, its late share says little.
inline constexpr std::uint64_t kContractMessagesLeast = 1000;

/// One queue under one objective, in the scored part.
struct Outcome {
  std::string place;                         ///< trace, start model and queue, for people
  bool predictable = false;                  ///< by its forecasts in the learning part
  double bound = 0, ours = 0, baseline = 0;  ///< instance-seconds
  std::uint64_t messages = 0, ours_late = 0, baseline_late = 0;
  double lead = 0, slack = 0, late_share = 0;
  double clairvoyant = 0;                 ///< our instance-seconds with forecasts that cannot be wrong
  ContractDays days = {};                 ///< ours; none where too few messages came to say
  std::optional<double> front_late = {};  ///< our late share at the baseline's instance-seconds

  /// Knowing what comes is of use only where a start takes longer than a message may wait.
  bool can_plan() const { return predictable && lead > slack; }
  bool enough_messages() const { return messages >= kContractMessagesLeast; }
  bool keeps_objective() const {
    return ours_late <= LateContract{.late_share = late_share}.allowed(messages);
  }
  /// Later than allowed, and than the baseline: what is cheaper then is no saving.
  bool paid_in_lateness() const { return !keeps_objective() && ours_late > baseline_late; }
  /// Our cost to the baseline's, less one; never a saving that was paid for in lateness.
  double cost_change() const;
  /// Nothing is closed where the saving was paid for in lateness.
  std::optional<double> gap() const;
  /// Share of the baseline's late messages that we would not have at its cost; none outside our front, and
  /// where the baseline has none late.
  std::optional<double> fewer_late() const;
};

/// All queues of a trace with one start model and objective.
struct RunOutcome {
  std::uint64_t ours_turns = 0, hpa_turns = 0;  ///< direction changes
  std::uint64_t ours_starts = 0, clairvoyant_starts = 0;
};

/// A figure and what it should be.
struct Bar {
  std::string name;
  double value = 0;        ///< NaN where there was nothing to judge
  std::string wanted;      ///< "<= x" or ">= x"; empty: a figure only
  std::size_t of = 0;      ///< how many values it sums up
  std::string where = {};  ///< of a worst value: the outcome's place

  boost::json::value json() const;
};

/// `spoilt`: by how much we cost more than the policy without forecasts, with each kind of spoilt ones.
std::vector<Bar> bars_of(const std::vector<Outcome>& outcomes, const std::vector<RunOutcome>& runs,
                         const std::vector<double>& spoilt);

/// A number, or null where it is not finite.
boost::json::value json_number(double value);

}  // namespace forewarm::bench
