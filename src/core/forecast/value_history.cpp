#include "core/forecast/value_history.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"

namespace forewarm {

void ValueHistory::assign(std::span<const float> values) {
  if (values.size() > kLengthMax) values = values.last(kLengthMax);
  values_.clear();
  sums_.assign(1, {});
  values_.reserve(values.size());
  sums_.reserve(values.size() + 1);
  for (const float value : values) append(value);
}

bool ValueHistory::settle() {
  if (values_.size() > kStoredMax) return false;
  const std::vector<float> loaded = std::move(values_);
  values_.clear();
  sums_.assign(1, {});
  for (const float value : loaded) append(value);
  return true;
}

void ValueHistory::push(float value) {
  if (sums_.empty()) sums_.assign(1, {});
  if (values_.size() >= kStoredMax) {
    const std::vector<float> kept = values_;
    assign(kept);
  }
  append(value);
}

double ValueHistory::mean(std::size_t from, std::size_t to) const {
  const double count = sums_[to].count - sums_[from].count;
  return count > 0 ? std::max(0.0, (sums_[to].value - sums_[from].value) / count) : 0;
}

void ValueHistory::append(float value) {
  const bool known = std::isfinite(value);
  value = known ? std::clamp(value, 0.0F, 1e15F) : std::numeric_limits<float>::quiet_NaN();
  values_.push_back(value);
  Sums sums = sums_.back();
  if (known) {
    sums.value += value;
    sums.count += 1;
  }
  sums_.push_back(sums);
}

double surprise_persistence(const ValueHistory& history, std::uint32_t season) {
  const std::size_t n = history.size();
  const std::size_t from = std::max<std::size_t>(season, n - std::min<std::size_t>(n, 1000));
  const double mean = history.mean(0, n);
  double product = 0, square = 0, before = 0;
  for (std::size_t t = from; t < n; ++t) {
    double surprise = 0;
    if (history.measured_at(t) && (season == 0 || history.measured_at(t - season))) {
      surprise = sqrt(history[t]) - sqrt(season == 0 ? mean : history[t - season]);
    }
    product += surprise * before;
    square += surprise * surprise;
    before = surprise;
  }
  return square > 0 ? std::clamp(product / square, 0.0, 0.95) : 0;
}

}  // namespace forewarm
