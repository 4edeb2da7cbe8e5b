// Which idle instances stand still: frozen after a while, thawed before anything is asked of them.

#include "core/orchestrator_state.h"

namespace forewarm {

/// One that is idle now is frozen when it has been so for as long as its function says.
void Orchestrator::State::freeze_later(FunctionState& function, InstanceId id) {
  const std::optional<Duration>& after = function.pool.settings().freeze_after;
  const Pool::Instance* instance = function.pool.find(id);
  if (!after || instance == nullptr || instance->state != InstanceState::Idle) return;
  timers_.set(*instances_.find(id), saturating_add(instance->since, *after));
}

void Orchestrator::State::freeze(const InstanceRecord& record) {
  find_function(record.function)->pool.freeze(record.id);
  actions_->push_back(FreezeInstance{record.id});
}

/// Before an instance gets a run or is told to end: a stopped process could do neither.
void Orchestrator::State::thaw(FunctionState& function, InstanceId id) {
  timers_.cancel(*instances_.find(id));
  if (function.pool.find(id)->state != InstanceState::Frozen) return;
  function.pool.thaw(id);
  actions_->push_back(ThawInstance{id});
}

/// After a change of the configuration: what a new time would have left idle is idle again.
void Orchestrator::State::refresh_freezing(FunctionState& function) {
  const std::optional<Duration>& after = function.pool.settings().freeze_after;
  for (const Pool::Instance& instance : function.pool.instances()) {
    const bool due = after && saturating_add(instance.since, *after) <= now_;
    if (instance.state == InstanceState::Frozen && due) continue;
    thaw(function, instance.id);
    freeze_later(function, instance.id);
  }
}

}  // namespace forewarm
