#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "app/backtest_models.h"

namespace forewarm {

/// A benchmark folder (docs/backtest.md), forecast by some models.
struct BenchmarkOptions {
  std::string folder;
  std::vector<std::string> sets = {};  ///< only these; empty: all
  std::vector<BacktestModel> models;
  bool regressors = true;  ///< use those that a series has
  /// Told the share that is done, and the series at work.
  std::function<void(double share, const std::string& series)> progress = {};
};

/// Makes every forecast that the folder asks for and writes them to a CSV file, one line a step. Says on
/// `note` where a model had no forecast and seasonal naive stood in. Errors of read_benchmark, and Io for a
/// file that cannot be written.
Result<void> forecast_benchmark(const BenchmarkOptions& options, const std::string& csv_path,
                                const std::function<void(const std::string&)>& note);

}  // namespace forewarm
