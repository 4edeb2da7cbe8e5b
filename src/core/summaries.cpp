#include "core/summaries.h"

#include <algorithm>

namespace forewarm {
namespace {

constexpr double kRunsRestored = 256;
constexpr std::uint64_t kSummaryEvery = 16;  ///< observations between two readings of a sketch's quantiles

}  // namespace

DurationSummary summary_of(const DurationSketch& sketch, Duration guess) {
  if (sketch.observed() == 0) return {guess, guess, 0};
  return {sketch.mean(), sketch.quantile(0.95), sketch.observed()};
}

void refresh_summaries(FunctionState& function) {
  const auto due = [](const DurationSketch& sketch, const DurationSummary& last) {
    return sketch.observed() < kSummaryEvery || sketch.observed() - last.observed >= kSummaryEvery;
  };
  if (due(function.service_times, function.service_summary)) {
    function.service_summary = summary_of(function.service_times, Duration(0));
  }
  if (due(function.start_times, function.start_summary)) {
    function.start_summary = summary_of(function.start_times, function.pool.settings().start_time_guess);
  }
}

void restore_service_times(FunctionState& function, std::span<const WeightedValue> sample) {
  if (function.service_times.observed() > function.service_times_restored) return;
  double runs = 0;
  for (const WeightedValue& point : sample) runs += point.weight;
  const double kept = std::min(runs, kRunsRestored);
  double below = 0;
  double next = 0.5;
  for (const WeightedValue& point : sample) {
    below += point.weight / runs * kept;
    while (next <= below) {
      function.service_times.observe(from_seconds(point.value));
      ++function.service_times_restored;
      ++next;
    }
  }
  refresh_summaries(function);
}

}  // namespace forewarm
