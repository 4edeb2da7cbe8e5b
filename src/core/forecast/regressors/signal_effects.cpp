#include "core/forecast/regressors/signal_effects.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"
#include "core/forecast/regressors/effect_search.h"

namespace forewarm {
namespace {

constexpr double kLargest = 1e15;
constexpr double kEffectMax = 2.5;  // of a logarithm: twelvefold
constexpr std::size_t kMiddle = 4;
constexpr double kNormalTenth = 1.2815515655446004;

}  // namespace

SignalEffects::SignalEffects(const SeriesView& history, Columns future) {
  *this = EffectSearch(history, {.past = history.regressors, .future = future}).found();
}

std::vector<float> SignalEffects::without_effects() const {
  std::vector<float> values;
  values.reserve(values_.size());
  for (std::size_t t = 0; t < values_.size(); ++t)
    values.push_back(static_cast<float>(taken_out(static_cast<double>(values_[t]), t)));
  return values;
}

double SignalEffects::taken_out_after(double value, std::size_t after) const {
  if (empty() || !std::isfinite(value)) return value;
  return off_scale(onto_scale(value) - ahead(values_.size(), after + 1).effect);
}

LevelValues SignalEffects::put_back_after(const LevelValues& row, std::size_t after, std::size_t lead) const {
  return empty() ? row : put_back(row, values_.size(), after + lead);
}

bool SignalEffects::is_sound() const {
  if (!(offset_ > 0 && std::isfinite(offset_)) || !std::isfinite(gain_)) return false;
  if (scale_ != EffectScale::SquareRoot && scale_ != EffectScale::Logarithm) return false;
  for (const Effect& effect : effects_) {
    if (effect.at.size() < values_.size() || effect.known_ahead > effect.at.size()) return false;
    if (!(effect.variance >= 0 && effect.doubt >= 0 && effect.persistence >= 0 && effect.persistence < 1))
      return false;
    for (const double at : effect.at) {
      if (!std::isfinite(at)) return false;
    }
  }
  return effects_.empty() == findings_.empty() && (effects_.empty() || !values_.empty());
}

void SignalEffects::put_back(Forecast& forecast) const {
  if (empty()) return;
  std::vector<float> values;
  for (std::size_t h = 0; h < forecast.horizon(); ++h) {
    LevelValues row{};
    for (std::size_t level = 0; level < kForecastLevelCount; ++level)
      row[level] = static_cast<double>(forecast.at(h, level));
    append_row(put_back(row, values_.size(), h + 1), values);
  }
  forecast.values = std::move(values);
}

double SignalEffects::onto_scale(double value) const {
  const double safe = std::clamp(value, 0.0, kLargest);
  return scale_ == EffectScale::SquareRoot ? sqrt(safe) : log(safe + offset_);
}

double SignalEffects::off_scale(double value) const {
  if (scale_ == EffectScale::Logarithm) return std::max(0.0, exp(value) - offset_);
  return value > 0 ? value * value : 0;
}

double SignalEffects::taken_out(double value, std::size_t step) const {
  if (!std::isfinite(value)) return std::numeric_limits<double>::quiet_NaN();
  double effect = 0;
  for (const Effect& one : effects_) effect += one.at[step];
  if (scale_ == EffectScale::Logarithm) effect = std::clamp(effect, -kEffectMax, kEffectMax);
  return off_scale(onto_scale(value) - effect);
}

SignalEffects::Ahead SignalEffects::ahead(std::size_t origin, std::size_t lead) const {
  Ahead sum;
  const std::size_t step = origin + lead - 1;
  for (const Effect& one : effects_) {
    const std::size_t known = origin + one.known_ahead;  // steps before this one are known
    if (step < known && step < one.at.size()) {
      const double effect = one.at[step];
      sum.effect += effect;
      sum.variance += one.doubt * effect * effect;
      continue;
    }
    const std::size_t last = std::min(known, one.at.size());
    const double left = pow(one.persistence, static_cast<double>(step - last + 1));
    sum.effect += last == 0 ? 0 : left * one.at[last - 1];
    sum.variance += one.variance * (1 - left * left);
  }
  if (scale_ == EffectScale::Logarithm) sum.effect = std::clamp(sum.effect, -kEffectMax, kEffectMax);
  return sum;
}

LevelValues SignalEffects::put_back(const LevelValues& row, std::size_t origin, std::size_t lead) const {
  const Ahead at = ahead(origin, lead);
  LevelValues result{};
  const double middle = onto_scale(row[kMiddle]);
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    double off = onto_scale(row[level]) - middle;
    if (at.variance > 0 && level != kMiddle) {
      // Independent deviations add in quadrature.
      const double z = level == 2 ? -kNormalTenth : normal_quantile(kForecastLevels[level]);
      const double wider = sqrt(off * off + z * z * at.variance);
      off = level < kMiddle ? -wider : wider;
    }
    result[level] = off_scale(middle + off + at.effect);
  }
  return result;
}

void SignalEffects::Effect::take_out_usual(std::size_t history, std::size_t period) {
  std::vector<double> sums(period), counts(period);
  for (std::size_t t = 0; t < history; ++t) sums[t % period] += at[t], counts[t % period] += 1;
  for (std::size_t t = 0; t < at.size(); ++t) at[t] -= sums[t % period] / std::max(1.0, counts[t % period]);
}

void SignalEffects::Effect::measure(std::size_t history) {
  double squares = 0, products = 0;
  for (std::size_t t = 0; t < history; ++t) {
    squares += at[t] * at[t];
    if (t > 0) products += at[t] * at[t - 1];
  }
  variance = squares / static_cast<double>(std::max<std::size_t>(1, history));
  persistence = squares > 0 ? std::clamp(products / squares, 0.0, 0.999) : 0;
}

}  // namespace forewarm
