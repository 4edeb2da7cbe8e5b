#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/cloud/cloud_stamp.h"
#include "edge/cloud/metrics/azure_monitor.h"
#include "edge/cloud/metrics/cloud_monitoring.h"
#include "edge/cloud/metrics/cloudwatch.h"

using namespace forewarm;

/// What clouds say of a queue: numbers from 0 on at times that there are, or an error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto page = parse_cloudwatch_page(text)) {
    for (const CloudWatchPage::Value& value : page->values)
      check(value.value >= 0 && value.at >= TimePoint(), "a number from 0 on, after 1970");
  }
  MetricPeriods periods;
  (void)read_azure_metrics(text, periods);
  (void)read_time_series(text, &MetricPeriod::arrived, periods);
  for (const MetricPeriod& period : periods.all())
    check(period.waiting.value_or(0) >= 0 && period.arrived.value_or(0) >= 0, "numbers from 0 on");
  if (const auto at = parse_cloud_stamp(text))
    check(parse_cloud_stamp(cloud_stamp(*at)) == at, "a stamp is read as it is written");
  return 0;
}
