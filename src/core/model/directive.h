#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "core/model/ids.h"
#include "core/model/scaling_plan.h"

namespace forewarm {

/// What a target that runs instances can do, as far as whoever steers it has to know.
struct ActuatorModel {
  Duration lead = Duration(0);             ///< from asking for an instance to its being ready
  Duration change_every = Duration(0);     ///< no two changes within this
  Duration minimum_billing = Duration(0);  ///< an instance costs at least so long
  std::uint32_t granularity = 1;           ///< instances come in multiples of it
  std::uint32_t change_max = 0;            ///< instances that one change may add; 0: any number
  double dead_band = 0;  ///< a change by this share of the instances, or less, is ignored by the target
  double change_cost_seconds = 0;  ///< what a change costs, in seconds of an instance's time

  friend bool operator==(const ActuatorModel&, const ActuatorModel&) = default;
};

/// What to set at a target, when, until when and why: all that an adapter has to translate.
/// docs/formats/directive.md.
struct Directive {
  QueueId queue;
  TimePoint set_at;             ///< when the target has to be told
  TimePoint from;               ///< when the instances are needed
  TimePoint until;              ///< when the next directive, or none, takes its place
  std::uint32_t instances = 0;  ///< to set
  std::uint32_t before = 0;     ///< what was set until then
  double cost_seconds = 0;  ///< instance time that it takes, beside leaving what was set; may be below zero
  double late_messages_saved = 0;  ///< expected, beside leaving what was set; may be below zero
  PlanReason reason;

  friend bool operator==(const Directive&, const Directive&) = default;
};

/// A number of instances that is to be set at a time to come.
struct PlannedLevel {
  TimePoint at;
  std::uint32_t instances = 0;

  friend bool operator==(const PlannedLevel&, const PlannedLevel&) = default;
};

/// What a second of an instance costs in each tier, in any currency.
struct TierPrices {
  double idle_second = 0;
  double busy_second = 0;
  double committed_second = 0;       ///< used or not: provisioned, always ready, reserved
  double committed_busy_second = 0;  ///< on top while it is busy

  friend bool operator==(const TierPrices&, const TierPrices&) = default;
};

/// Which of a target's instances to pay for as committed.
struct TierSplit {
  std::uint32_t committed = 0;  ///< the lowest so many levels, for all of the time
  double saves = 0;             ///< beside having all on demand, over all of the time

  friend bool operator==(const TierSplit&, const TierSplit&) = default;
};

/// What to set over a horizon.
struct DirectiveCourse {
  std::vector<Directive> directives;
  TierSplit tiers;
};

}  // namespace forewarm
