#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/forecast/forecaster.h"

namespace forewarm {

/// A model that can be put to the test by name.
struct BacktestModel {
  std::string_view name;
  std::function<std::unique_ptr<Forecaster>(std::size_t horizon)> make;
};

/// Names separated by commas; `all` is the engine (`ensemble`) and every model by itself. Invalid, with the
/// nearest name, for one that does not exist.
Result<std::vector<BacktestModel>> backtest_models(std::string_view names);

/// CPU seconds that the calling thread has used.
double thread_cpu_seconds();

}  // namespace forewarm
