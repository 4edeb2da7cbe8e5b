#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

/// One message of a recorded trace. Times count from the start of the trace.
struct TraceArrival {
  Duration at = Duration(0);
  std::uint32_t queue = 0;               ///< index into Trace::queues
  std::uint32_t bytes = 0;               ///< 0: not recorded
  Duration service_time = Duration(-1);  ///< negative: not recorded
};

/// A function's duration percentiles, where the data set has them (functions.csv of azure_functions_2019_8h).
struct TraceDurations {
  double p1_ms = 0, p25_ms = 0, p50_ms = 0, p75_ms = 0, p99_ms = 0, p100_ms = 0;
};

struct TraceQueue {
  std::string name;
  std::optional<TraceDurations> durations;
};

/// A whole trace in memory, arrivals ascending in time.
struct Trace {
  std::vector<TraceQueue> queues;
  std::vector<TraceArrival> arrivals;
  Duration length = Duration(0);
  Duration bin = Duration(0);  ///< width of the bins it was recorded in; 0: per message
  TimePoint start;  ///< the first time stamp: wall-clock where stamps count from the epoch or a midnight
};

struct TraceOptions {
  std::vector<std::string> queues = {};  ///< only these, and the others' rows may count anything; empty: all
  std::uint64_t seed = 1;      ///< for the arrival times inside a bin, which binned traces do not have
  Duration bin = Duration(0);  ///< width of a bin; 0: the least distance between two time stamps
  std::size_t arrivals_max = 50'000'000;
};

/// The file that read_trace would read: `path`, or the one of a folder. NotFound where there is none.
Result<std::string> trace_file(const std::string& path);

/// Reads a CSV file, plain or gzip, in the "binned" (timestamp_s,queue,count) or "per message"
/// (timestamp_s,queue,bytes,duration_ms,...) format; docs/formats/trace.md. A folder: its trace.csv[.gz] or
/// messages.csv[.gz]. A functions.csv[.gz] beside the file is linked. Invalid with file:line:column and what
/// was expected; NotFound for a file or a chosen queue that is not there; Corrupt for damaged gzip data;
/// Exhausted above `arrivals_max`. Binned arrivals are spread uniformly inside their bin by `seed`.
Result<Trace> read_trace(const std::string& path, const TraceOptions& options);

}  // namespace forewarm
