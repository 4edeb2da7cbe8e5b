#include "core/forecast/models/batch_comb.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr std::size_t kBlock = 60;
constexpr double kDay = seconds(86400s);

}  // namespace

double median_of(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double BatchComb::typical_size() const {
  std::vector<double> sorted = sizes;
  return sorted.empty() ? 0 : median_of(sorted);
}

double BatchComb::due_near(double step) const {
  return next + period * std::floor((step - next) / period + 0.5);
}

bool BatchComb::is_due(double step, int day) const {
  return on_day(day) && std::abs(step - std::floor(due_near(step) + 0.5)) <= 1;
}

double BatchComb::odds_at(double step, int day) const {
  if (!is_due(step, day)) return 0;
  const double offset = step - std::floor(due_near(step) + 0.5);
  const double all = offsets[0] + offsets[1] + offsets[2];
  return came * (offsets[static_cast<std::size_t>(offset + 1)] + 0.05) / (all + 0.15);
}

bool BatchComb::is_sound() const {
  const auto amount = [](double value) { return value >= 0 && value <= 1e15; };  // false for NaN
  return period >= 1.5 && period <= 1e5 && next >= 0 && next < 9e15 && came >= 0 && came <= 1 &&
         std::all_of(offsets.begin(), offsets.end(), amount) && !sizes.empty() &&
         sizes.size() <= kSizesKept && std::all_of(sizes.begin(), sizes.end(), amount);
}

int weekday_of(TimePoint start, Duration step, double at) {
  const double since = seconds(start.time_since_epoch()) + at * seconds(step);
  const double day = std::floor(since / kDay) + 4;  // the epoch was a Thursday
  return static_cast<int>(day - 7 * std::floor(day / 7));
}

BatchBase batch_base(std::span<const float> values) {
  BatchBase result{.base = std::vector<double>(values.size()), .limit = std::vector<double>(values.size())};
  std::vector<double> block;
  for (std::size_t begin = 0; begin < values.size(); begin += kBlock) {
    const std::size_t end = values.size() - begin < 2 * kBlock ? values.size() : begin + kBlock;
    block.clear();
    for (std::size_t t = begin; t < end; ++t) {
      if (std::isfinite(values[t])) block.push_back(std::clamp<double>(values[t], 0, 1e15));
    }
    double middle = 0, scatter = 0;
    if (!block.empty()) {
      middle = median_of(block);
      for (double& value : block) value = std::abs(value - middle);
      scatter = std::max(kBatchScatter * median_of(block), 4 * sqrt(middle));
    }
    std::fill(result.base.begin() + static_cast<std::ptrdiff_t>(begin),
              result.base.begin() + static_cast<std::ptrdiff_t>(end), middle);
    std::fill(result.limit.begin() + static_cast<std::ptrdiff_t>(begin),
              result.limit.begin() + static_cast<std::ptrdiff_t>(end), scatter);
    if (end == values.size()) break;
  }
  return result;
}

}  // namespace forewarm
