#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "app/dead_letters.h"
#include "app/function_directory.h"
#include "app/queue_arrivals.h"
#include "app/queue_directory.h"
#include "core/model/action.h"
#include "core/model/event.h"
#include "core/orchestrator.h"
#include "edge/observe/snapshot.h"
#include "edge/store/store.h"

namespace forewarm {

/// Counts what the core does not keep, from its stream, and makes the dashboard's snapshot of it all.
class SnapshotMaker {
 public:
  SnapshotMaker(const Orchestrator& core, const QueueDirectory& queues, const DeadLetters& dead_letters,
                const FunctionDirectory& functions)
      : core_(core), queues_(queues), dead_letters_(dead_letters), functions_(functions) {}

  void observe(const TimedEvent& event, const Actions& actions);
  Snapshot make(TimePoint now);
  /// What a queue has seen; nothing when there is no such queue.
  std::optional<QueueArrivals> arrivals(std::string_view name) const;

 private:
  void count(const Action& action);
  QueueSnapshot queue(const QueueEntry& entry, TimePoint now) const;
  FunctionSnapshot function(const FunctionEntry& entry) const;

  const Orchestrator& core_;
  const QueueDirectory& queues_;
  const DeadLetters& dead_letters_;
  const FunctionDirectory& functions_;
  std::map<FunctionId, std::uint64_t> runs_;
  std::set<InstanceId> unused_planned_;  ///< instances started ahead of need that have not run anything yet
  std::uint64_t cold_starts_avoided_ = 0;
  double instance_seconds_ = 0;
  std::uint64_t instances_ = 0;
  TimePoint instances_since_;
  TimePoint started_;
};

StoreSnapshot store_snapshot(const Store::Statistics& store, bool full);

}  // namespace forewarm
