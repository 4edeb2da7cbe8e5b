#include "core/forecast/regressors/signal_features.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr double kSignalMax = 1e15;
constexpr double kEntryMax = 5;  // deviations: beyond, a signal says nothing more
constexpr std::size_t kKindsMax = 6;
constexpr double kKindShareMin = 0.005;
constexpr double kSkewed = 2;

struct Moments {
  double count = 0, mean = 0, deviation = 0, skewness = 0, least = 0;
};

Moments moments(std::span<const double> values) {
  Moments m;
  m.least = std::numeric_limits<double>::infinity();
  for (const double value : values) m.count += 1, m.mean += value, m.least = std::min(m.least, value);
  if (m.count == 0) return m;
  m.mean /= m.count;
  double second = 0, third = 0;
  for (const double value : values) {
    const double off = value - m.mean;
    second += off * off, third += off * off * off;
  }
  m.deviation = sqrt(second / m.count);
  if (m.deviation > 0) m.skewness = third / m.count / (m.deviation * m.deviation * m.deviation);
  return m;
}

/// Distinct values with how many there are of each, ascending; empty when there are too many kinds.
std::vector<std::pair<double, std::size_t>> kinds(std::span<const double> values) {
  std::vector<std::pair<double, std::size_t>> found;
  for (const double value : values) {
    const auto at = std::lower_bound(found.begin(), found.end(), value,
                                     [](const auto& kind, double v) { return kind.first < v; });
    if (at != found.end() && at->first == value) {
      ++at->second;
    } else if (found.size() == kKindsMax) {
      return {};
    } else {
      found.insert(at, {value, 1});
    }
  }
  return found;
}

SignalFeature standardised(SignalFeature feature, std::span<const double> values) {
  std::vector<double> shaped;
  for (const double value : values) shaped.push_back(feature.of(static_cast<float>(value)));
  const Moments m = moments(shaped);
  feature.centre = m.mean;
  feature.spread = m.deviation > 1e-12 ? m.deviation : 1;
  return feature;
}

}  // namespace

float SignalColumns::at(std::size_t signal, std::ptrdiff_t step) const {
  if (step < 0 || signal >= past.size()) return std::numeric_limits<float>::quiet_NaN();
  const auto at = static_cast<std::size_t>(step);
  if (at < past[signal].size()) return past[signal][at];
  const std::size_t ahead = at - past[signal].size();
  return ahead < known_ahead(signal) ? future[signal][ahead] : std::numeric_limits<float>::quiet_NaN();
}

double SignalFeature::of(float value) const {
  if (!std::isfinite(value)) return 0;
  const double v = std::clamp(static_cast<double>(value), -kSignalMax, kSignalMax);
  if (shape == SignalShape::Level) return ((static_cast<float>(level) == value ? 1 : 0) - centre) / spread;
  const double entry = shape == SignalShape::Logarithm ? log(1 + std::max(0.0, v / level)) : v;
  const double standard = std::clamp((entry - centre) / spread, -kEntryMax, kEntryMax);
  return shape == SignalShape::Square ? standard * standard - 1 : standard;
}

SignalFeatures signal_features(std::span<const float> past) {
  std::vector<double> values;
  for (const float value : past) {
    if (std::isfinite(value))
      values.push_back(std::clamp(static_cast<double>(value), -kSignalMax, kSignalMax));
  }
  const Moments m = moments(values);
  if (!(m.deviation > 1e-9 * std::max(1.0, std::abs(m.mean)))) return {};
  const auto few = kinds(values);
  SignalFeature plain{.centre = m.mean, .spread = m.deviation};
  // How often an indicator is set says nothing about how far to trust what it does: it keeps its own unit.
  if (few.size() == 2) plain.spread = few[1].first - few[0].first;
  if (few.empty() && m.least >= 0 && m.skewness > kSkewed)
    plain = standardised({.shape = SignalShape::Logarithm, .level = m.mean}, values);
  SignalFeatures result{.features = {plain},
                        .gradual = few.empty() && plain.shape == SignalShape::Value,
                        .indicator = few.size() == 2};
  if (result.gradual) {
    result.features.push_back(plain);
    result.features.back().shape = SignalShape::Square;
  }
  for (const auto& [value, count] : few) {
    const double share = static_cast<double>(count) / m.count;
    if (few.size() > 2 && share >= kKindShareMin && share <= 0.5)
      result.features.push_back({.shape = SignalShape::Level, .centre = share, .spread = 1, .level = value});
  }
  return result;
}

}  // namespace forewarm
