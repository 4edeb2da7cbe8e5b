#include "edge/observe/attribution.h"

#include <algorithm>

namespace forewarm {
namespace {

template <class Map>
auto* find(Map& map, std::uint64_t key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

}  // namespace

void Attribution::remember(const Event& event, const Actions& actions) {
  if (const auto* requested = std::get_if<ReceiveRequested>(&event)) {
    ask(*requested);
  } else if (const auto* cancelled = std::get_if<ReceiveCancelled>(&event)) {
    receivers_.erase(cancelled->receiver.value());
  } else if (const auto* finished = std::get_if<RunFinished>(&event)) {
    end(finished->run);
  } else if (const auto* lost = std::get_if<InstanceLost>(&event)) {
    lose(lost->instance);
  }
  for (const Action& action : actions) {
    if (const auto* deliver = std::get_if<Deliver>(&action)) {
      receivers_.erase(deliver->receiver.value());
    } else if (const auto* start = std::get_if<StartInstance>(&action)) {
      instances_[start->instance.value()] = {start->function, start->queue, {}};
    } else if (const auto* run = std::get_if<Run>(&action)) {
      begin(*run);
    }
  }
}

void Attribution::begin(const Run& run) {
  runs_[run.run.value()] = {run.queue, run.function, run.instance};
  if (auto* instance = find(instances_, run.instance.value())) instance->runs.push_back(run.run);
}

void Attribution::end(RunId run) {
  const RunOf* ended = find(runs_, run.value());
  if (!ended) return;
  if (auto* instance = find(instances_, ended->instance.value())) std::erase(instance->runs, run);
  runs_.erase(run.value());
}

void Attribution::lose(InstanceId instance) {
  const auto* lost = find(instances_, instance.value());
  if (!lost) return;
  for (const RunId run : lost->runs) runs_.erase(run.value());
  instances_.erase(instance.value());
}

const Attribution::RunOf* Attribution::run(RunId run) const {
  return find(runs_, run.value());
}

const Attribution::InstanceOf* Attribution::instance(InstanceId instance) const {
  return find(instances_, instance.value());
}

QueueId Attribution::receiver(ReceiverId receiver) const {
  const QueueId* queue = find(receivers_, receiver.value());
  return queue ? *queue : QueueId();
}

QueueId Attribution::ended_run_queue(const Event& event) const {
  if (const auto* finished = std::get_if<RunFinished>(&event)) {
    const RunOf* ended = run(finished->run);
    return ended ? ended->queue : QueueId();
  }
  if (const auto* lost = std::get_if<InstanceLost>(&event)) {
    const InstanceOf* gone = instance(lost->instance);
    if (gone && !gone->runs.empty()) {
      const RunOf* ended = run(gone->runs.front());
      return ended ? ended->queue : QueueId();
    }
  }
  return QueueId();
}

}  // namespace forewarm
