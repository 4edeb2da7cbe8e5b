#include "app/demo_trace.h"

#include <algorithm>
#include <filesystem>

#include "app/replay.h"
#include "base/random.h"

namespace forewarm {
namespace {

constexpr const char* kFolder = "data/azure_functions_2019_8h";
constexpr Duration kShortestWork = 200us;

}  // namespace

Result<std::string> shipped_trace() {
  std::error_code code;
  std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", code).parent_path();
  for (int up = 0; up < 4 && !folder.empty(); ++up, folder = folder.parent_path()) {
    for (const std::filesystem::path& candidate : {folder / kFolder, folder / "share/forewarm" / kFolder}) {
      if (std::filesystem::exists(candidate / "trace.csv.gz", code)) return candidate.string();
    }
  }
  if (std::filesystem::exists(std::filesystem::path(kFolder) / "trace.csv.gz", code))
    return std::string(kFolder);
  return error(ErrorCode::NotFound, std::string(kFolder) +
                                        " is neither in this folder nor beside or above the program; run the "
                                        "demo from the source folder, or give a trace with --trace");
}

const std::vector<std::string>& demo_queues() {
  static const std::vector<std::string> kQueues = {
      "azfn19w-186", "azfn19w-118", "azfn19w-420", "azfn19w-411", "azfn19w-457", "azfn19w-156",
      "azfn19w-408", "azfn19w-054", "azfn19w-073", "azfn19w-455", "azfn19w-194", "azfn19w-087"};
  return kQueues;
}

Trace compress_time(const Trace& trace, double speed, std::uint64_t seed) {
  Trace out = trace;
  Random random(seed);
  std::vector<DurationDistribution> drawn;
  drawn.reserve(trace.queues.size());
  for (const TraceQueue& queue : trace.queues) drawn.push_back(service_times(queue));
  for (TraceArrival& arrival : out.arrivals) {
    const Duration work =
        arrival.service_time >= Duration(0) ? arrival.service_time : drawn[arrival.queue].draw(random);
    arrival.at = from_seconds(seconds(arrival.at) / speed);
    arrival.service_time = std::max(kShortestWork, from_seconds(seconds(work) / speed));
  }
  out.length = from_seconds(seconds(trace.length) / speed);
  out.bin = from_seconds(seconds(trace.bin) / speed);
  return out;
}

}  // namespace forewarm
