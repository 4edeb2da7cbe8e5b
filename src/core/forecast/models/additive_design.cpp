#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "core/forecast/models/additive_fit.h"

namespace forewarm {
namespace {

constexpr double kMeasuredMax = 1e15;
constexpr double kEnteredMax = 1e6;
constexpr double kOverLargest = 2;

/// Prophet leaves indicators as they are and standardises the rest, so that one prior suits all.
RegressorEffect effect_of(std::span<const float> values) {
  double sum = 0, squares = 0, count = 0;
  bool indicator = true;
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    const double v = std::clamp(static_cast<double>(value), -kMeasuredMax, kMeasuredMax);
    indicator = indicator && (v == 0 || v == 1);
    sum += v;
    squares += v * v;
    count += 1;
  }
  if (indicator || count == 0) return {};
  const double mean = sum / count;
  const double variance = squares / count - mean * mean;
  const bool varies = variance > 1e-12 * squares / count;
  return {.centre = mean, .spread = varies ? sqrt(variance) : 1, .weight = 0};
}

/// The mean of sine and cosine over the `bin` steps of a row is the one at its centre times this (Dirichlet's
/// kernel).
double shrinkage(double turns_per_step, std::size_t bin) {
  if (bin <= 1) return 1;
  const double width = static_cast<double>(bin);
  return sine_cosine_turns(0.5 * turns_per_step * width).sine /
         (width * sine_cosine_turns(0.5 * turns_per_step).sine);
}

void fill_harmonics(AdditiveDesign& design) {
  for (std::size_t k = 0; k < design.harmonics.size(); ++k) {
    const double turns = design.harmonics[k].turns_per_step;
    const double share = shrinkage(turns, design.bin);
    const SineCosine turn = sine_cosine_turns(turns * static_cast<double>(design.bin));
    SineCosine now = sine_cosine_turns(turns * (design.at.empty() ? 0 : design.at[0]));
    for (std::size_t row = 0; row < design.at.size(); ++row) {
      double* const to = design.rows.data() + row * design.effects + 2 * k;
      to[0] = share * now.sine;
      to[1] = share * now.cosine;
      now = {now.sine * turn.cosine + now.cosine * turn.sine,
             now.cosine * turn.cosine - now.sine * turn.sine};
    }
  }
}

}  // namespace

double RegressorEffect::entered(float value) const {
  if (!std::isfinite(value)) return 0;
  const double v = std::clamp(static_cast<double>(value), -kMeasuredMax, kMeasuredMax);
  return std::clamp((v - centre) / spread, -kEnteredMax, kEnteredMax);
}

AdditiveDesign make_additive_design(std::span<const float> values, std::vector<Harmonic> harmonics,
                                    std::span<const std::span<const float>> regressors, std::size_t bin) {
  AdditiveDesign design;
  design.bin = bin;
  design.harmonics = std::move(harmonics);
  for (const std::span<const float> column : regressors) design.regressors.push_back(effect_of(column));
  design.effects = 2 * design.harmonics.size() + regressors.size();
  // The incomplete row is the oldest one and left out: the newest steps matter most.
  const std::size_t rows = values.size() / bin;
  const std::size_t first = values.size() - rows * bin;
  design.rows.resize(rows * design.effects);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t begin = first + row * bin;
    double sum = 0, count = 0;
    for (std::size_t t = begin; t < begin + bin; ++t) {
      if (!std::isfinite(values[t])) continue;
      sum += std::clamp(static_cast<double>(values[t]), 0.0, kMeasuredMax);
      count += 1;
    }
    design.at.push_back(static_cast<double>(begin) + 0.5 * static_cast<double>(bin - 1));
    design.values.push_back(count > 0 ? sum / count : 0);
    design.weights.push_back(count / static_cast<double>(bin));
    double* const to = design.rows.data() + row * design.effects + 2 * design.harmonics.size();
    for (std::size_t i = 0; i < regressors.size(); ++i) {
      double entered = 0;
      for (std::size_t t = begin; t < begin + bin; ++t) {
        entered += design.regressors[i].entered(regressors[i][t]);
      }
      to[i] = entered / static_cast<double>(bin);
    }
  }
  fill_harmonics(design);
  return design;
}

double AdditiveFit::trend(double step) const {
  const double at = step / steps;
  double sum = offset + rate * at;
  for (std::size_t j = 0; j < changepoints.size() && changepoints[j] < at; ++j) {
    sum += bends[j] * (at - changepoints[j]);
  }
  return value_scale * (growth == TrendGrowth::Logistic ? capacity / (1 + exp(-sum)) : sum);
}

double AdditiveFit::effect(double step, std::span<const float> regressor_values) const {
  double sum = 0;
  for (const Harmonic& harmonic : harmonics) {
    const SineCosine now = sine_cosine_turns(harmonic.turns_per_step * step);
    sum += harmonic.sine * now.sine + harmonic.cosine * now.cosine;
  }
  for (std::size_t i = 0; i < regressors.size() && i < regressor_values.size(); ++i) {
    sum += regressors[i].of(regressor_values[i]);
  }
  return multiplicative ? sum : value_scale * sum;
}

double AdditiveFit::value(double trend, double effect) const {
  const double most = kOverLargest * value_scale;
  return std::clamp(multiplicative ? trend * (1 + effect) : trend + effect, -most, most);
}

double AdditiveFit::bend_size() const {
  double sum = 0;
  for (const double bend : bends) sum += std::abs(bend);
  if (bends.empty()) return 0;
  // A logistic trend is at its steepest a quarter of its capacity times the rate.
  const double steepest = growth == TrendGrowth::Logistic ? 0.25 * capacity : 1;
  return steepest * value_scale * sum / (static_cast<double>(bends.size()) * steps);
}

double AdditiveFit::bends_per_step() const {
  return static_cast<double>(bends.size()) / steps;
}

bool AdditiveFit::is_sound() const {
  const auto bounded = [](double value) { return std::abs(value) < 1e30; };  // false for NaN
  if (growth > TrendGrowth::Logistic || !(value_scale > 0 && value_scale < 1e18)) return false;
  if (!(steps >= 1 && steps < 1e9) || !bounded(capacity) || !bounded(offset) || !bounded(rate)) return false;
  if (!(reach > 0 && bounded(reach)) || !(deviation >= 0 && bounded(deviation)) ||
      changepoints.size() != bends.size())
    return false;
  for (std::size_t j = 0; j < bends.size(); ++j) {
    if (!bounded(bends[j]) || !(changepoints[j] >= 0 && changepoints[j] <= 1)) return false;
  }
  for (const Harmonic& h : harmonics) {
    if (!(h.turns_per_step >= 0 && h.turns_per_step <= 0.5) || !bounded(h.sine) || !bounded(h.cosine))
      return false;
  }
  for (const RegressorEffect& r : regressors) {
    if (!bounded(r.centre) || !(r.spread > 0 && bounded(r.spread)) || !bounded(r.weight)) return false;
  }
  return true;
}

}  // namespace forewarm
