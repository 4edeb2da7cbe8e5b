#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/time.h"
#include "core/model/event.h"
#include "sim/clients.h"
#include "sim/distribution.h"
#include "sim/faults.h"

namespace forewarm {

struct SimulatedQueue {
  QueueId id;
  QueueSettings settings;
  DurationDistribution service_time = DurationDistribution::log_normal(100ms, 0.5);  ///< of one message
  ClientOptions clients = {};
};

/// One message on one instance.
struct SimulatedWork {
  Duration service_time = Duration(0);  ///< as drawn or recorded
  std::uint32_t bytes = 0;
  MessageTypeId type = {};
  std::uint16_t variant = 0;
  InstanceId instance = {};
  TimePoint at = {};
};

struct SimulationOptions {
  std::uint64_t seed = 1;
  TimePoint start = time_point_us(0);
  Duration length = 1h;  ///< arrivals after it are ignored
  Duration settle = 0s;  ///< time after that in which work goes on
  Configuration configuration = {};
  std::vector<SimulatedQueue> queues = {};
  DurationDistribution start_time =
      DurationDistribution::log_normal(1s, 0.3);  ///< cold start: asked for to ready
  /// Of each queue's first instances, in the order in which they are asked for; then as drawn.
  std::vector<std::vector<Duration>> first_starts = {};
  /// From a message's sending until it is known, in the order of arrivals; then none.
  std::vector<Duration> accept_times = {};
  Duration stop_time = 50ms;
  Duration fit_latency = 200ms;
  FaultOptions faults = {};
  std::vector<TimedEvent> script =
      {};  ///< what operators do: purges, redrives, configurations; ascending in time
  /// How long a message runs where it runs; empty: its service time, wherever.
  std::function<Duration(const SimulatedWork&)> work_time = {};
  /// What memory a message needs; one that needs more than its instance's variant has ends the process.
  /// Empty: none that matters.
  std::function<std::uint64_t(const SimulatedWork&)> memory_need = {};
  bool memory_measured = true;  ///< the core is told of what runs needed
  /// Answers FitForecast; empty: a Fitter of the core.
  std::function<ForecastFitted(const FitRequest&)> fit = {};
};

/// How long the `message`-th message of a world with this seed runs, where its arrival does not say: the same
/// whatever is decided about it.
Duration drawn_service_time(std::uint64_t seed, const SimulatedQueue& queue, MessageId message);

}  // namespace forewarm
