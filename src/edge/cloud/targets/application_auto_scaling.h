#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "edge/cloud/service_call.h"
#include "edge/cloud/targets/level_schedule.h"
#include "edge/cloud/targets/scale_target.h"

namespace forewarm {

/// A scalable target of Application Auto Scaling, which has to be registered there.
struct ScalableResource {
  std::string id;           ///< function:NAME:ALIAS, service/CLUSTER/NAME, ...
  std::string dimension;    ///< lambda:function:ProvisionedConcurrency, ecs:service:DesiredCount, ...
  std::string queue;        ///< of whose levels the scheduled actions are
  bool raise_most = false;  ///< MaxCapacity is raised to what is set, and put back with what was found

  /// Of the service (ServiceNamespace): the first part of the dimension.
  std::string space() const { return dimension.substr(0, dimension.find(':')); }
};
/// Whether a dimension has the form SERVICE:TYPE:PROPERTY.
bool is_scalable_dimension(std::string_view text);

/// MinCapacity of a scalable target, now and, by one-time scheduled actions, at times to come (Application
/// Auto Scaling API 2016-02-06: Describe- and RegisterScalableTarget, Describe-, Put- and
/// DeleteScheduledAction). MaxCapacity stays as it is, and is the most that can be set, or is raised where
/// more is set, and lowered by nothing but put_back(). What the resource has
/// above MinCapacity is the business of its scaling policies: to lower MinCapacity alone takes nothing away.
std::unique_ptr<ScaleTarget> make_application_auto_scaling(ServiceAccess access, ScalableResource resource);

/// What an answer of DescribeScalableTargets says of one resource.
struct ScalableTargetPage {
  struct One {
    std::string id;
    std::string dimension;
    std::uint32_t least = 0;
    std::uint32_t most = 0;
    bool suspended = false;  ///< scheduled scaling is
  };
  std::vector<One> targets;
  std::string next_token;
};
/// Corrupt, with what was expected, for what is no such answer.
Result<ScalableTargetPage> parse_scalable_targets(std::string_view text);

/// The same of DescribeScheduledActions.
struct ScheduledActionPage {
  struct One {
    std::string id;
    std::string dimension;
    ScheduledLevel level;  ///< at = 1970: it is not a single time in UTC with a MinCapacity alone
  };
  std::vector<One> actions;
  std::string next_token;
};
Result<ScheduledActionPage> parse_scheduled_actions(std::string_view text);

}  // namespace forewarm
