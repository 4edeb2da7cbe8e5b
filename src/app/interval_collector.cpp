#include "app/interval_collector.h"

#include <algorithm>
#include <utility>

namespace forewarm {
namespace {

constexpr int kZeroIntervalsMax = 8;

TimePoint aligned(TimePoint at, Duration step) {
  return at - at.time_since_epoch() % step;
}

}  // namespace

IntervalCollector::IntervalCollector(TimePoint now, Duration step, NameOf name_of)
    : step_(step),
      name_of_(std::move(name_of)),
      open_start_(aligned(now, step)),
      whole_(open_start_ == now) {}

void IntervalCollector::know(QueueId queue) {
  queues_.try_emplace(queue);
}

void IntervalCollector::observe(const TimedEvent& timed, const Actions& actions) {
  advance(timed.time);
  if (const auto* arrived = std::get_if<MessageArrived>(&timed.event)) {
    if (arrived->origin == Origin::Sent) {
      QueueMeasures& queue = queues_[arrived->message.queue];
      queue.arrivals += 1;
      queue.bytes += arrived->message.bytes;
      queue.by_priority[std::min(arrived->message.priority, kPriorityMax)] += 1;
    }
  } else if (const auto* finished = std::get_if<RunFinished>(&timed.event)) {
    finish(*finished);
  } else if (const auto* lost = std::get_if<InstanceLost>(&timed.event)) {
    if (const auto run = run_on_.find(lost->instance.value()); run != run_on_.end()) {
      runs_.erase(run->second);
      run_on_.erase(run);
    }
  } else if (const auto* removed = std::get_if<QueueRemoved>(&timed.event)) {
    queues_.erase(removed->queue);
  }
  for (const Action& action : actions) {
    if (const auto* run = std::get_if<Run>(&action)) {
      runs_[run->run.value()] = {run->queue, run->instance, std::max<std::size_t>(1, run->leases.size())};
      run_on_[run->instance.value()] = run->run.value();
    }
  }
}

void IntervalCollector::finish(const RunFinished& finished) {
  const auto found = runs_.find(finished.run.value());
  if (found == runs_.end()) return;
  QueueMeasures& queue = queues_[found->second.queue];
  queue.runs += 1;
  queue.service_seconds += seconds(finished.service_time);
  if (finished.error != ErrorClass::Capacity) {
    queue.service_times.observe(finished.service_time / static_cast<std::int64_t>(found->second.messages));
  }
  run_on_.erase(found->second.instance.value());
  runs_.erase(found);
}

void IntervalCollector::observe(TimePoint now, const std::vector<InstanceUsage>& usage) {
  advance(now);
  std::map<std::string, FunctionMeasures> at_once;
  std::map<InstanceId, double> cpu_seconds;
  for (const InstanceUsage& one : usage) {
    FunctionMeasures& function = at_once[one.function];
    const auto before = cpu_seconds_.find(one.instance);
    // A process that ends before it is waited for takes its share with it for a moment.
    const double used = one.cpu_seconds - (before != cpu_seconds_.end() ? before->second : 0);
    function.cpu_seconds += std::max(0.0, used);
    function.memory_bytes += static_cast<double>(one.memory_bytes);
    function.instances += 1;
    cpu_seconds[one.instance] = one.cpu_seconds;
  }
  cpu_seconds_ = std::move(cpu_seconds);
  for (const auto& [name, measures] : at_once) functions_.try_emplace(name);
  for (auto& [name, samples] : functions_) {
    const FunctionMeasures& now_used = at_once[name];
    samples.count += 1;
    samples.sum.cpu_seconds += now_used.cpu_seconds;
    samples.sum.memory_bytes += now_used.memory_bytes;
    samples.sum.memory_bytes_max = std::max(samples.sum.memory_bytes_max, now_used.memory_bytes);
    samples.sum.instances += now_used.instances;
  }
}

HistoryBatch IntervalCollector::close() {
  HistoryBatch batch{.start = open_start_, .step = step_};
  for (auto& [id, measures] : queues_) {
    std::string name = name_of_(id);
    if (!name.empty()) batch.queues.push_back({std::move(name), std::exchange(measures, {})});
  }
  for (auto& [name, kept] : functions_) {
    Samples samples = std::exchange(kept, {});
    if (samples.count == 0) continue;
    samples.sum.memory_bytes /= samples.count;
    samples.sum.instances /= samples.count;
    batch.functions.push_back({name, samples.sum});
  }
  return batch;
}

void IntervalCollector::advance(TimePoint now) {
  for (int zeros = 0; now >= open_start_ + step_; ++zeros) {
    HistoryBatch batch = close();
    if (whole_ && (!batch.queues.empty() || !batch.functions.empty())) closed_.push_back(std::move(batch));
    open_start_ += step_;
    whole_ = true;
    if (zeros == kZeroIntervalsMax && now >= open_start_ + step_) {
      open_start_ = aligned(now, step_);
      whole_ = false;
    }
  }
}

std::vector<HistoryBatch> IntervalCollector::take(TimePoint now) {
  advance(now);
  return std::exchange(closed_, {});
}

}  // namespace forewarm
