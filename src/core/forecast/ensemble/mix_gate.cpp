#include "core/forecast/ensemble/mix_gate.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "core/forecast/ensemble/mix_gate_weights.h"

namespace forewarm {
namespace {

constexpr double kLossFloor = 0.004;  // share of the mean below which losses are all the same
constexpr double kLogLossMax = 3;
constexpr std::size_t kMedianLevel = 4;
constexpr std::size_t kLowLevel = 2;
constexpr std::size_t kHighLevel = 6;

float clamped_log(double value, double low, double high) {
  return static_cast<float>(std::clamp(log(value), low, high));
}

double middle(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

/// How much worse than the best expert each is: logarithms of loss ratios.
std::vector<double> behind_best(std::vector<double> losses, double mean) {
  for (double& loss : losses) loss = log(loss / mean + kLossFloor);
  const double best = *std::min_element(losses.begin(), losses.end());
  for (double& loss : losses) loss = std::min(loss - best, kLogLossMax);
  return losses;
}

double tanh_of(double x) {
  if (x > 18) return 1;
  if (x < -18) return -1;
  const double e = exp(2 * x);
  return (e - 1) / (e + 1);
}

}  // namespace

SeriesShape SeriesShape::of(std::span<const float> values) {
  SeriesShape shape{.steps = static_cast<double>(values.size())};
  double count = 0, sum = 0, squares = 0, zeros = 0;
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    const double v = std::clamp<double>(value, 0, 1e15);
    count += 1;
    sum += v;
    squares += v * v;
    zeros += v == 0 ? 1 : 0;
  }
  if (count == 0) return shape;
  shape.mean = sum / count;
  const double variance = std::max(0.0, squares / count - shape.mean * shape.mean);
  shape.deviation = sqrt(variance);
  shape.zero_share = zeros / count;
  double products = 0;
  for (std::size_t t = 1; t < values.size(); ++t) {
    if (!std::isfinite(values[t]) || !std::isfinite(values[t - 1])) continue;
    products += (std::clamp<double>(values[t], 0, 1e15) - shape.mean) *
                (std::clamp<double>(values[t - 1], 0, 1e15) - shape.mean);
  }
  if (variance > 0) shape.autocorrelation = products / (variance * count);
  return shape;
}

bool SeriesShape::is_sound() const {
  for (const double part : {mean, deviation, zero_share, steps}) {
    if (!(part >= 0 && std::isfinite(part))) return false;
  }
  return std::isfinite(autocorrelation);
}

std::vector<GateFeatures> MixGate::features(std::span<const Expert> experts, const ExpertLosses& losses,
                                            const SeriesShape& shape, std::size_t lead,
                                            std::span<const LevelValues> said) {
  const std::size_t count = experts.size();
  const double mean = std::max(shape.mean, 1e-9);
  std::vector<GateFeatures> features(count, GateFeatures{});
  std::vector<double> medians, best_of_all(count);
  for (const LevelValues& row : said) medians.push_back(row[kMedianLevel]);
  const double middle_median = middle(medians);
  double average = 0, square = 0;
  for (const double m : medians) average += m / static_cast<double>(count);
  for (const double m : medians) square += (m - average) * (m - average) / static_cast<double>(count);
  const float disagreement = clamped_log(sqrt(square) / mean + 0.01, -5, 3) / 2;
  float least = 0;
  if (losses.known()) {
    const std::size_t band = ExpertLosses::band_of(lead);
    for (std::size_t half = 0; half < 2; ++half) {
      std::vector<double> here(count), anywhere(count);
      for (std::size_t e = 0; e < count; ++e) {
        here[e] = losses.at(e, band, half);
        anywhere[e] = losses.over_all(e, half);
        best_of_all[e] += anywhere[e];
      }
      here = behind_best(here, mean);
      anywhere = behind_best(anywhere, mean);
      for (std::size_t e = 0; e < count; ++e) {
        features[e][kExpertKinds + half] = static_cast<float>(here[e]);
        features[e][kExpertKinds + 2 + half] = static_cast<float>(anywhere[e]);
      }
    }
    least =
        static_cast<float>(log(*std::min_element(best_of_all.begin(), best_of_all.end()) / mean + 0.01) / 2);
  }
  const double steps_ahead = static_cast<double>(lead);
  for (std::size_t e = 0; e < count; ++e) {
    GateFeatures& f = features[e];
    f[experts[e].kind] = 1;
    float* x = f.data() + kExpertKinds + 4;
    *x++ = static_cast<float>(log(steps_ahead) / 4);
    const double period = experts[e].period;
    *x++ = period > 0 ? static_cast<float>(log(period / steps_ahead) / 6) : 0;
    *x++ = period > 0 ? static_cast<float>(std::min(log(shape.steps / period) / 3, 2.0)) : 0;
    *x++ = static_cast<float>(shape.zero_share);
    *x++ = clamped_log(shape.deviation / mean + 0.01, -4, 3) / 2;
    *x++ = static_cast<float>(shape.autocorrelation);
    *x++ = clamped_log(mean + 0.01, -4, 8) / 6;
    *x++ = static_cast<float>(log(std::max(shape.steps, 1.0)) / 10);
    *x++ = clamped_log((said[e][kHighLevel] - said[e][kLowLevel]) / mean + 0.01, -5, 3) / 2;
    *x++ = static_cast<float>(std::clamp((said[e][kMedianLevel] - middle_median) / mean, -3.0, 3.0));
    *x++ = disagreement;
    *x++ = least;
  }
  return features;
}

std::vector<GateShare> MixGate::shares(std::span<const GateFeatures> features) {
  std::vector<GateShare> shares;
  GateShare most{-1e30, -1e30};
  for (const GateFeatures& f : features) {
    GateShare score;
    for (std::size_t i = 0; i < kGateFeatures; ++i) {
      score.lower += f[i] * kGateDirect[i][0];
      score.upper += f[i] * kGateDirect[i][1];
    }
    for (std::size_t h = 0; h < kGateHidden; ++h) {
      double sum = kGateBias[h];
      for (std::size_t i = 0; i < kGateFeatures; ++i) sum += f[i] * kGateIn[i][h];
      const double out = tanh_of(sum);
      score.lower += out * kGateOut[h][0];
      score.upper += out * kGateOut[h][1];
    }
    most = {std::max(most.lower, score.lower), std::max(most.upper, score.upper)};
    shares.push_back(score);
  }
  GateShare total;
  for (GateShare& share : shares) {
    share = {exp(share.lower - most.lower), exp(share.upper - most.upper)};
    total = {total.lower + share.lower, total.upper + share.upper};
  }
  for (GateShare& share : shares) share = {share.lower / total.lower, share.upper / total.upper};
  return shares;
}

bool MixGate::knows(ExpertKind kind) {
  return kGateKnows[kind];
}

}  // namespace forewarm
