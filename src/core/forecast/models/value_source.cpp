#include "core/forecast/models/value_source.h"

#include <algorithm>
#include <bit>

namespace forewarm {
namespace {

/// Adds the value at `at` unless it is unknown or not before `origin`.
void take(const ValueHistory& history, std::ptrdiff_t at, std::size_t origin, double factor, double weight,
          std::vector<WeightedValue>& sample) {
  if (at < 0 || at >= static_cast<std::ptrdiff_t>(origin)) return;
  const auto index = static_cast<std::size_t>(at);
  if (history.measured_at(index)) sample.push_back({history[index] * factor, weight});
}

/// Level now over level `back` steps before now. A share of the long mean on both sides keeps quiet times
/// from making wild factors.
double level_ratio(const ValueHistory& history, std::size_t period, std::size_t back, std::size_t origin) {
  const std::size_t window = std::clamp<std::size_t>(period / 8, 3, 60);
  if (back + window > origin) return 1;
  const double floor = 0.1 * history.mean(0, origin) + 1e-9;
  const double now = history.mean(origin - window, origin);
  const double then = history.mean(origin - back - window, origin - back);
  return std::clamp((now + floor) / (then + floor), 0.4, 2.5);
}

void take_phases(const ValueHistory& history, const ValueSource& source, std::size_t origin,
                 std::size_t target, std::vector<WeightedValue>& sample) {
  const std::size_t first = (target - origin) / source.period + 1;
  double weight = 1;
  for (std::size_t cycle = first; cycle < first + source.cycles && cycle * source.period <= target; ++cycle) {
    const std::size_t back = cycle * source.period;
    const auto at = static_cast<std::ptrdiff_t>(target - back);
    const double factor =
        source.kind == ValueSource::Kind::Levelled ? level_ratio(history, source.period, back, origin) : 1.0;
    take(history, at, origin, factor, weight, sample);
    if (source.reach > 0) {
      const std::ptrdiff_t reach = source.reach;
      const std::ptrdiff_t half = std::max<std::ptrdiff_t>(1, reach / 2);
      for (const std::ptrdiff_t side : {-1, 1}) {
        take(history, at + side * half, origin, factor, 0.7 * weight, sample);
        if (reach > half) take(history, at + side * reach, origin, factor, 0.4 * weight, sample);
      }
    }
    weight *= source.keep;
  }
}

}  // namespace

std::vector<ValueSource> value_sources(std::span<const std::uint32_t> seasons) {
  using Kind = ValueSource::Kind;
  std::vector<ValueSource> sources;
  for (const std::uint32_t window : {4U, 12U, 48U, 192U, 768U}) sources.push_back({.period = window});
  for (const std::uint32_t p : seasons) {
    sources.push_back({.kind = Kind::Phase, .period = p, .cycles = 32, .keep = 0.97});
    sources.push_back({.kind = Kind::Phase, .period = p, .cycles = 6, .keep = 0.7});
    if (p < 4) continue;
    sources.push_back(
        {.kind = Kind::Phase, .period = p, .reach = std::max(1U, p / 48), .cycles = 8, .keep = 0.9});
    sources.push_back(
        {.kind = Kind::Levelled, .period = p, .reach = std::max(1U, p / 96), .cycles = 6, .keep = 0.8});
  }
  return sources;
}

LevelValues source_quantiles(const ValueHistory& history, const ValueSource& source, std::size_t origin,
                             std::size_t target, const LevelValues& otherwise,
                             std::vector<WeightedValue>& sample) {
  sample.clear();
  take_phases(history, source, origin, target, sample);
  return sample.empty() ? otherwise : weighted_quantiles(sample);
}

LevelValues recent_quantiles(const ValueHistory& history, std::size_t window, std::size_t origin,
                             std::size_t points_max, std::vector<WeightedValue>& sample) {
  const std::size_t length = std::min(window, origin);
  const std::size_t stride = (length + points_max - 1) / points_max;
  // Values are not negative, so their bits ascend as they do: whole numbers sort twice as fast as pairs.
  std::vector<std::uint64_t> keys;
  keys.reserve(length);
  for (std::size_t first = 0; first < length; first += stride) {
    // Not every n-th exactly: that would see a timer always or never.
    const std::size_t age = std::min(first + first * 7919 / 16 % stride, length - 1);
    const std::size_t at = origin - 1 - age;
    if (!history.measured_at(at)) continue;
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(history[at]));
    keys.push_back(static_cast<std::uint64_t>(bits) << 32 | (length - age));
  }
  std::sort(keys.begin(), keys.end());
  sample.clear();
  for (const std::uint64_t key : keys) {
    const auto age = static_cast<double>(length - (key & 0xFFFFFFFF));
    sample.push_back({.value = std::bit_cast<float>(static_cast<std::uint32_t>(key >> 32)),
                      .weight = 1.0 - 0.8 * age / static_cast<double>(window)});
  }
  return sample.empty() ? LevelValues{} : weighted_quantiles(sample);
}

}  // namespace forewarm
