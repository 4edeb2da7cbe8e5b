#pragma once

#include <array>
#include <cstddef>

#include "core/scale/facts.h"
#include "core/scale/outlook.h"
#include "core/scale/shadow/shadow.h"

namespace forewarm {

/// What each candidate's number of instances ahead of need is read from, in this order: nothing, head-room
/// over the present rate, the forecast. The level is the share of time in which it should be enough.
inline constexpr std::size_t kAheadWithoutForecast = 3;
inline constexpr std::array<double, kAheadCount> kAheadLevels = {0, 0.9, 0.99, 0.5, 0.8, 0.95, 0.99, 0.999};

/// The least forecast level of at least `level`, or the highest there is.
std::size_t forecast_ahead(double level);

/// Instances wanted ahead of need, and what they are for.
struct AheadOfNeed {
  AheadInstances instances{};
  std::array<double, kAheadCount> messages_per_step{};  ///< in the fullest step of the window
};

/// Reads the forecast over the lead and the step after it, because an instance asked for now helps only then,
/// and asks how many instances start that demand within the slack: once for the forecast's own spread between
/// steps (demand.h), once for random clumping within them (queueing.h). Head-room is clumping at the present
/// rate. Nothing while the service time is not known.
AheadOfNeed ahead_of_need(const ScalingFacts& facts, double arrivals_per_second, const Outlook* outlook);

}  // namespace forewarm
