#pragma once

#include <functional>
#include <vector>

#include "app/replay.h"
#include "edge/trace/trace.h"
#include "sim/arrivals.h"
#include "sim/bounds/bound.h"
#include "sim/simulated_world.h"

namespace forewarm {

/// After a replayed trace's end work goes on for so long.
inline constexpr Duration kReplaySettle = 5min;

/// The world in which a trace is replayed: queue i of the trace has the id i + 1 and a function of its own.
SimulationOptions replay_world(const Trace& trace, const ReplayOptions& options);

/// A trace as arrivals, without a copy of it.
class TraceArrivals : public ArrivalSource {
 public:
  TraceArrivals(const Trace& trace, double speed) : trace_(trace), speed_(speed) {}
  std::optional<Arrival> next() override {
    if (next_ == trace_.arrivals.size()) return std::nullopt;
    const TraceArrival& from = trace_.arrivals[next_++];
    return Arrival{.at = from_seconds(seconds(from.at) / speed_),
                   .queue = from.queue,
                   .bytes = from.bytes,
                   .service_time = from.service_time};
  }

 private:
  const Trace& trace_;
  double speed_;
  std::size_t next_ = 0;
};

/// Every message of the world as hindsight knows it, by queue; seconds from the world's start.
std::vector<std::vector<Job>> jobs_of(const SimulationOptions& world, ArrivalSource& arrivals);

/// Does work(0) to work(count - 1) on that many threads; 0: on all processors.
void side_by_side(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& work);

}  // namespace forewarm
