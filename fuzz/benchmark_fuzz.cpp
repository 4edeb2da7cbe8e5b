#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/trace/benchmark.h"

using namespace forewarm;

/// Any bytes give a benchmark's series, values and regressors, or an error that names the place.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto meta = parse_benchmark_meta("fuzz", bytes); meta) {
    for (const BenchmarkSeries& one : *meta) {
      check(one.horizon > 0 && one.origins > 0 && one.series.step > Duration(0), "a series can be forecast");
    }
  } else {
    check(meta.error().message.starts_with("fuzz:"), "an error names its place");
  }
  RecordedSeries series;
  if (auto values = parse_benchmark_values("fuzz", bytes)) series.values = std::move(*values);
  if (parse_benchmark_regressors("fuzz", bytes, series)) {
    for (const auto& regressor : series.regressors)
      check(regressor.size() == series.values.size(), "a regressor is as long as its series");
  }
  return 0;
}
