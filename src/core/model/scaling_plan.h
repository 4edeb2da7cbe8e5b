#pragma once

#include <cstdint>

#include "base/time.h"
#include "core/model/demand.h"
#include "core/model/forecast.h"
#include "core/model/ids.h"
#include "core/model/settings.h"

namespace forewarm {

/// What decided a plan's number of instances.
enum class Constraint : std::uint8_t {
  Cost,        ///< the newsvendor level: one more would cost more idle than it saves late
  Backlog,     ///< messages already waiting need them
  Minimum,     ///< the operator's minimum
  Maximum,     ///< the operator's maximum, or the function's or machine's limit
  Budget,      ///< the operator's budget
  Baseline,    ///< under the operator's baseline threshold
  NoForecast,  ///< no usable forecast yet: reactive only
  Trust,       ///< the forecast does not pay: reactive only
  NoLead,      ///< instances start faster than the objective asks: no need to predict
  Hazard,      ///< instances that were needed of late: their next need is likely enough
  Rule,        ///< another autoscaler's rule (replay of baselines)
  Override,    ///< an override of the operator's whose window it is
  Forced,      ///< the operator said how many
  Paused,      ///< the operator paused scaling in or out
  Silence,     ///< nothing is known of the queue lately: what is there stays
};

/// Why a plan says what it says, as data: explain, dashboard, replay and tests show the same.
struct PlanReason {
  Constraint constraint = Constraint::NoForecast;
  ModelId model = ModelId::None;
  double level = 0;                   ///< of the forecast that was read; without a model, of head-room
  Duration lead = Duration(0);        ///< measured start time that was planned for
  Demand demand;                      ///< at that level, the largest over the lead and the following step
  double keep_price_seconds = 0;      ///< of idle time, that a message which finds its instance is worth
  std::uint32_t starts_per_cold = 1;  ///< instances started for a message that has none: one may be slow
  double late_share = 0;              ///< that this way of deciding would have brought so far
  double one_more_saves = 0;          ///< expected late messages one instance more would avoid in this step
  double one_more_costs_seconds = 0;  ///< expected idle seconds it would add
  double one_less_late = 0;           ///< expected late messages one instance less would add in this step
  double one_less_saves_seconds = 0;  ///< expected idle seconds it would save

  friend bool operator==(const PlanReason&, const PlanReason&) = default;
};

/// How many instances one queue wants until the next plan.
struct ScalingPlan {
  QueueId queue;
  TimePoint at;
  TimePoint until;
  std::uint32_t warm_floor = 0;      ///< kept whatever comes (cheap tier)
  std::uint32_t instances = 0;       ///< idle, busy and starting together; at least warm_floor
  Duration keep_idle = Duration(0);  ///< an instance above the plan stays this long idle before it is stopped
  PlanReason reason;

  friend bool operator==(const ScalingPlan&, const ScalingPlan&) = default;
};

}  // namespace forewarm
