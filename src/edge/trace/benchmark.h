#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/trace/recorded_series.h"

namespace forewarm {

/// One series of a forecasting benchmark, and where it is to be forecast.
struct BenchmarkSeries {
  std::string set;
  RecordedSeries series;
  std::uint32_t season = 1;       ///< shorter seasonal period, in steps
  std::uint32_t long_season = 1;  ///< the longer one
  std::size_t horizon = 0;
  std::size_t window = 0;   ///< steps before an origin that may be used
  std::size_t origins = 0;  ///< the last is `horizon` before the end, the others each `stride` earlier
  std::size_t stride = 0;
  std::string regressors_file;  ///< beside meta.csv; empty: none
};

/// Reads a folder of a benchmark (docs/backtest.md): meta.csv, and one file of values a series. NotFound for
/// a file that is not there, Invalid with file:line:column for one that cannot be understood. `sets`: only
/// these; empty: all.
Result<std::vector<BenchmarkSeries>> read_benchmark(const std::string& folder,
                                                    const std::vector<std::string>& sets);

// Its parts, each a pure function of bytes; `name` is for messages.

/// meta.csv: the series without their values.
Result<std::vector<BenchmarkSeries>> parse_benchmark_meta(const std::string& name, std::string_view bytes);
/// A header `y`, then one value a line; an empty line is a step that was not measured.
Result<std::vector<float>> parse_benchmark_values(const std::string& name, std::string_view bytes);
/// A header of names, then one row a step; an empty field is unknown.
Result<void> parse_benchmark_regressors(const std::string& name, std::string_view bytes,
                                        RecordedSeries& into);

}  // namespace forewarm
