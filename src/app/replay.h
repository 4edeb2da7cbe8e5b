#pragma once

#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "edge/trace/trace.h"
#include "sim/simulation.h"

namespace forewarm {

/// What was measured of a run with real processes, to replay it with the same settings and times.
struct MeasuredWorld {
  Configuration configuration = {};  ///< queue i of the trace and its function have the id i + 1
  DurationDistribution start_time = DurationDistribution::fixed(1s);
  /// By queue, in order: a busy machine is slow for all that start then.
  std::vector<std::vector<Duration>> first_starts = {};
  std::vector<Duration> accept_times = {};  ///< of the messages, in order: from being sent to being known
  Duration stop_time = 50ms;
  Duration fit_latency = 200ms;
};

/// What-if: a recorded trace under several scaling policies, each through the real core in the simulated
/// world.
struct ReplayOptions {
  std::string trace;  ///< file or folder, docs/formats/trace.md
  std::vector<std::string> policies = {"forewarm", "keda", "keep-alive:10m", "static"};
  std::vector<std::string> queues = {};  ///< only these; empty: all
  Duration start_time = 1s;              ///< median; the spread is that of measured cold starts
  Duration objective = 500ms;            ///< a message should start within this
  double late_share_max = 0.01;
  Duration step = 10s;                ///< of forecasts and plans
  double speed = 1;                   ///< the trace's time is divided by it; service times are not
  std::uint32_t instances_max = 100;  ///< of one queue
  std::uint64_t memory_max_mb = 0;    ///< of all instances together, 128 MiB each; 0: no limit
  double scored = 1;     ///< the last part of the time that counts; before it policies only learn
  bool bound = true;     ///< also what a policy that knows all to come would need at least
  unsigned threads = 0;  ///< policies run side by side; 0: as many as there are processors
  std::uint64_t seed = 1;
  std::optional<PriceSheet> prices = {};  ///< what instances cost in money
  /// Instead of the start time, the limits, the objective and the step above, of which the first three are
  /// still what a bound is computed and a report is written with.
  std::optional<MeasuredWorld> measured = {};
  /// Told the share of all that is done, and what is being done. On any thread, one call at a time.
  std::function<void(double share, const std::string& what)> progress = {};
};

/// One policy on the trace.
struct PolicyResult {
  std::string policy;
  SimulationResult result;
  Cost cost = {};           ///< zero without a price sheet
  double took_seconds = 0;  ///< of real time; differs from run to run
};

struct ReplayReport {
  std::string trace;
  std::vector<std::string> queues;
  std::uint64_t messages = 0;
  Duration length = Duration(0);
  Duration bucket = Duration(0);  ///< of the time lines
  Duration start_time = Duration(0);
  Duration objective = Duration(0);
  double late_share_max = 0;
  double speed = 1;
  std::uint64_t seed = 0;
  std::uint64_t guessed_service_times = 0;  ///< messages for which the trace records no duration of any kind
  Duration learning = Duration(0);          ///< from the start, not in the books
  std::optional<PriceSheet> prices = {};    ///< by which the costs are
  std::vector<PolicyResult> policies;
  /// Instance-seconds by queue below which no policy keeps objective and late share; empty: not asked for.
  std::vector<double> bounds;
  std::uint64_t memory_max_mb = 0;           ///< 0: no limit
  std::optional<double> late_messages = {};  ///< below which no policy comes within that memory

  /// The time that is in the books.
  Duration scored() const { return length - learning; }
  double bound() const { return std::accumulate(bounds.begin(), bounds.end(), 0.0); }
};

/// Runs them with the same seed: the same arrivals, service times and bad luck for each, and the same results
/// on any number of threads. Errors are those of read_trace and of a policy's name. The policy `static`
/// without a number is, for each queue, the fewest instances whose capacity is exceeded in at most 1 % of the
/// minutes that have messages: an operator's sizing from the peak, with hindsight.
Result<ReplayReport> replay(const ReplayOptions& options);
/// The same for a trace that has been read.
Result<ReplayReport> replay(const Trace& trace, const ReplayOptions& options);

/// What the trace says of a queue's service times: its function's percentiles, else a LogNormal with median
/// 100 ms.
DurationDistribution service_times(const TraceQueue& queue);

/// Queues on which another policy needed no more instance time and made no more messages late, one of them
/// clearly less, than the first policy: where prediction lost. By number of messages, most first.
struct LostQueue {
  std::size_t queue = 0;   ///< index
  std::size_t policy = 0;  ///< index of the better one
};
std::vector<LostQueue> lost_queues(const ReplayReport& report);

}  // namespace forewarm
