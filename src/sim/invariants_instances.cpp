// The oracle's account of instances: one run at a time, limits, never none under a backlog.
#include "sim/invariants.h"

#include <algorithm>

namespace forewarm {
void Invariants::on(const InstanceReady& event) {
  const auto found = instances_.find(event.instance);
  if (found == instances_.end() || found->second.state != InstanceState::Starting) return;
  found->second.state = InstanceState::Idle;
  found->second.idle_since = now_;
}

void Invariants::on(const InstanceLost& event) {
  const auto found = instances_.find(event.instance);
  if (found == instances_.end()) return;
  const RunId run = found->second.run;
  if (run) end_run(run, event.reason == LossReason::Stopped ? ErrorClass::Capacity : ErrorClass::Crash, {});
  instances_.erase(event.instance);
}

void Invariants::on(const StartInstance& action) {
  Instance started{action.function, action.version, InstanceState::Starting, {}, now_};
  const auto function = std::ranges::find(configuration_.functions, action.function, &FunctionSettings::id);
  if (function != configuration_.functions.end())
    started.memory_bytes = function->variants.at(action.variant).memory_bytes;
  if (!instances_.emplace(action.instance, started).second)
    fail("I8", name("instance", action.instance) + " is started twice");
  check_limits(action.function);
  check_memory();
  check_start_rate();
}

/// I13: looked at when one is started, since nothing is stopped because the budget was made smaller.
void Invariants::check_memory() {
  if (configuration_.memory_max_bytes == 0) return;
  std::uint64_t bytes = 0;
  for (const auto& [id, instance] : instances_) bytes += instance.memory_bytes;
  if (bytes > configuration_.memory_max_bytes)
    fail("I13", "instances declare " + std::to_string(bytes) + " bytes, " +
                    std::to_string(configuration_.memory_max_bytes) + " allowed");
}

/// I13: a bucket of its own, in floating point.
void Invariants::check_start_rate() {
  if (!(configuration_.starts_per_second > 0)) return;
  const double earned = seconds_between(start_tokens_at_, now_) * configuration_.starts_per_second;
  start_tokens_ = std::min<double>(configuration_.starts_burst, start_tokens_ + earned) - 1;
  start_tokens_at_ = now_;
  if (start_tokens_ < -0.001) fail("I13", "more instances are started at a time than the rate allows");
}

void Invariants::check_limits(FunctionId function_id) {
  std::uint32_t of_function = 0, all = 0;
  for (const auto& [id, instance] : instances_) {
    ++all;
    if (instance.function == function_id && instance.state != InstanceState::Stopping &&
        instance.state != InstanceState::Broken) {
      ++of_function;
    }
  }
  if (all > configuration_.instances_max)
    fail("I10",
         std::to_string(all) + " instances, " + std::to_string(configuration_.instances_max) + " allowed");
  const auto function = std::ranges::find(configuration_.functions, function_id, &FunctionSettings::id);
  if (function == configuration_.functions.end()) {
    fail("I10", name("function", function_id) + " is not configured and gets an instance");
    return;
  }
  std::uint32_t allowed = 0;
  for (const MappingSettings& mapping : configuration_.mappings) {
    if (mapping.function == function_id) allowed += mapping.scaling.instances_max;
  }
  allowed = std::min(allowed, function->concurrency_max);
  if (of_function > allowed)
    fail("I10", name("function", function_id) + " has " + std::to_string(of_function) + " instances, " +
                    std::to_string(allowed) + " allowed");
}

void Invariants::on(const StopInstance& action) {
  const auto found = instances_.find(action.instance);
  if (found == instances_.end()) {
    fail("I8", name("instance", action.instance) + " is stopped and does not exist");
    return;
  }
  if (found->second.state == InstanceState::Busy)
    fail("I8", name("instance", action.instance) + " is stopped while it is busy");
  if (found->second.state == InstanceState::Frozen)
    fail("I8", name("instance", action.instance) + " is stopped while it is frozen");
  found->second.state = InstanceState::Stopping;
}

void Invariants::on(const FreezeInstance& action) {
  const auto found = instances_.find(action.instance);
  if (found == instances_.end() || found->second.state != InstanceState::Idle) {
    fail("I8", name("instance", action.instance) + " is frozen and not idle");
    return;
  }
  Instance& instance = found->second;
  const auto function = std::ranges::find(configuration_.functions, instance.function, &FunctionSettings::id);
  if (function == configuration_.functions.end() || !function->freeze_after ||
      saturating_add(instance.idle_since, *function->freeze_after) > now_)
    fail("I8", name("instance", action.instance) + " is frozen before its time");
  instance.state = InstanceState::Frozen;
}

void Invariants::on(const ThawInstance& action) {
  const auto found = instances_.find(action.instance);
  if (found == instances_.end() || found->second.state != InstanceState::Frozen) {
    fail("I8", name("instance", action.instance) + " is thawed and not frozen");
    return;
  }
  found->second.state = InstanceState::Idle;
}

void Invariants::check_instance_choice(const Run& action) {
  for (const Lease& given : action.leases) {
    const auto message = messages_.find(given.message);
    if (message == messages_.end() || message->second.failed_on != action.instance) continue;
    const auto function = std::ranges::find(configuration_.functions, action.function, &FunctionSettings::id);
    for (const auto& [id, instance] : instances_) {
      if (id == action.instance || instance.function != action.function) continue;
      if (function == configuration_.functions.end() || instance.version != function->version) continue;
      if (instance.state == InstanceState::Idle || instance.state == InstanceState::Frozen)
        fail("I9", name("message", given.message) + " goes back to " + name("instance", action.instance) +
                       " that failed it while " + name("instance", id) + " is free");
    }
  }
}

void Invariants::on(const PublishPlan& action) {
  const ScalingPlan& plan = action.plan;
  const auto mapping = std::ranges::find(configuration_.mappings, plan.queue, &MappingSettings::queue);
  if (mapping == configuration_.mappings.end()) {
    fail("I10", name("queue", plan.queue) + " has a plan and no function");
    return;
  }
  if (plan.instances > mapping->scaling.instances_max)
    fail("I10", name("queue", plan.queue) + " plans " + std::to_string(plan.instances) + " instances");
}

/// A function whose queues hold waiting messages is not without any instance for long.
void Invariants::check_staffing() {
  // When the clock leaps, the core could do nothing meanwhile: only a minute of it counts.
  const Duration since_last = std::min<Duration>(now_ - checked_, 1min);
  checked_ = now_;
  for (const FunctionSettings& function : configuration_.functions) {
    bool backlog = false;
    for (const MappingSettings& mapping : configuration_.mappings) {
      if (mapping.function != function.id || mapping.scaling.instances_max == 0) continue;
      const auto waiting = waiting_.find(mapping.queue);
      backlog =
          backlog || (waiting != waiting_.end() && waiting->second > mapping.scaling.baseline_threshold);
    }
    const bool staffed = std::ranges::any_of(instances_, [&](const auto& entry) {
      return entry.second.function == function.id && entry.second.state != InstanceState::Stopping;
    });
    if (!backlog || staffed || function.concurrency_max == 0) {
      without_instance_.erase(function.id);
      continue;
    }
    Duration& without = without_instance_[function.id];
    without += since_last;
    if (without <= options_.no_instance_max) continue;
    // Delayed messages and retries that wait are no backlog; looked at only now, because it is slow.
    const bool due = std::ranges::any_of(messages_, [&](const auto& entry) {
      const auto mapping =
          std::ranges::find(configuration_.mappings, entry.second.queue, &MappingSettings::queue);
      return mapping != configuration_.mappings.end() && mapping->function == function.id &&
             entry.second.place == Place::Waiting &&
             now_ - entry.second.visible_at > options_.no_instance_max;
    });
    if (due) fail("I10", name("function", function.id) + " has a backlog and no instance for too long");
    without = Duration(0);
  }
}

}  // namespace forewarm
