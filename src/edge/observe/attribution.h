#pragma once

#include <unordered_map>
#include <vector>

#include "core/model/action.h"
#include "core/model/event.h"

namespace forewarm {

/// Remembers which queue and function the core's runs, instances and receivers belong to, because most events
/// and actions name only the run, instance or receiver. Holds what is under way and nothing that has ended.
class Attribution {
 public:
  struct RunOf {
    QueueId queue;
    FunctionId function;
    InstanceId instance;
  };
  struct InstanceOf {
    FunctionId function;
    QueueId queue;  ///< for which it was started
    std::vector<RunId> runs;
  };

  /// Before the lookups for an event that asks: it may be answered in the same step.
  void ask(const ReceiveRequested& request) { receivers_[request.receiver.value()] = request.queue; }
  /// First all lookups for an event and its actions, then this.
  void remember(const Event& event, const Actions& actions);

  const RunOf* run(RunId run) const;
  const InstanceOf* instance(InstanceId instance) const;
  /// The queue that a pending ReceiveMessage call asks; none when unknown.
  QueueId receiver(ReceiverId receiver) const;
  /// The queue whose run the event ends; none for other events.
  QueueId ended_run_queue(const Event& event) const;

 private:
  void begin(const Run& run);
  void end(RunId run);
  void lose(InstanceId instance);

  std::unordered_map<std::uint64_t, RunOf> runs_;
  std::unordered_map<std::uint64_t, InstanceOf> instances_;
  std::unordered_map<std::uint64_t, QueueId> receivers_;
};

}  // namespace forewarm
