#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/history/measures.h"
#include "edge/history/remote_series.h"

using namespace forewarm;

/// What other systems answer gives finite points or an error, whatever it is; stored service times read back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto all = parse_prometheus_range(bytes)) {
    for (const PrometheusSeries& series : *all) {
      for (const RemotePoint& point : series.points) check(std::isfinite(point.value), "points are finite");
    }
  }
  if (const auto answer = parse_metric_data(bytes)) {
    for (const MetricDataResult& result : answer->results) {
      for (const RemotePoint& point : result.points) check(std::isfinite(point.value), "points are finite");
    }
  }
  if (const auto times = ServiceTimes::parse(bytes)) {
    const auto again = ServiceTimes::parse(times->text());
    check(again && *again == *times, "service times read back as they were");
  }
  return 0;
}
