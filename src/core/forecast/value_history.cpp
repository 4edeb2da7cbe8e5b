#include "core/forecast/value_history.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"

namespace forewarm {

void ValueHistory::assign(std::span<const float> values) {
  if (values.size() > kLengthMax) values = values.last(kLengthMax);
  values_.clear();
  sums_.clear();
  // Room for what comes before the next fit, as growing by itself would take twice the memory.
  const std::size_t room = values.size() + values.size() / 8 + 64;
  values_.reserve(room);
  sums_.reserve(room / kBlock + 1);
  for (const float value : values) append(value);
}

bool ValueHistory::settle() {
  if (values_.size() > kStoredMax) return false;
  const std::vector<float> loaded = std::move(values_);
  values_.clear();
  sums_.clear();
  for (const float value : loaded) append(value);
  return true;
}

void ValueHistory::push(float value) {
  if (values_.size() >= kStoredMax) {
    const std::vector<float> kept = values_;
    assign(kept);
  }
  append(value);
}

ValueHistory::Sums ValueHistory::before(std::size_t at) const {
  if (at == 0) return {};
  const std::size_t block = std::min(at / kBlock, sums_.size() - 1);
  Sums sums = sums_[block];
  for (std::size_t t = block * kBlock; t < at; ++t) {
    if (!measured_at(t)) continue;
    sums.value += values_[t];
    sums.count += 1;
  }
  return sums;
}

double ValueHistory::mean(std::size_t from, std::size_t to) const {
  const Sums first = before(from), last = before(to);
  const double count = last.count - first.count;
  return count > 0 ? std::max(0.0, (last.value - first.value) / count) : 0;
}

void ValueHistory::append(float value) {
  if (values_.size() % kBlock == 0) sums_.push_back(before(values_.size()));
  const bool known = std::isfinite(value);
  values_.push_back(known ? std::clamp(value, 0.0F, 1e15F) : std::numeric_limits<float>::quiet_NaN());
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
