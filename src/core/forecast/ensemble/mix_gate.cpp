#include "core/forecast/ensemble/mix_gate.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "core/forecast/ensemble/mix_gate_weights.h"

namespace forewarm {
namespace {

constexpr double kLossFloor = 0.004;  // share of the mean below which losses are all the same
constexpr double kLogLossMax = 3;
constexpr double kGateMeanMin = 1e-9;
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

/// The hidden units' activation: near enough to a hyperbolic tangent, without an exponential.
double softsign(double x) {
  return x / (1 + std::abs(x));
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

MixGate::MixGate(std::span<const Expert> experts, const ExpertLosses& losses, const SeriesShape& shape)
    : experts_(experts.begin(), experts.end()), mean_(std::max(shape.mean, kGateMeanMin)) {
  const std::size_t count = experts.size();
  for (std::size_t band = 0; band < kLeadBands; ++band) {
    std::vector<std::array<float, kGateFixed>> rows(count, std::array<float, kGateFixed>{});
    float least = 0;
    std::vector<double> both(count);
    for (std::size_t half = 0; half < 2 && losses.known(); ++half) {
      std::vector<double> here(count), anywhere(count);
      for (std::size_t e = 0; e < count; ++e) {
        here[e] = losses.at(e, band, half);
        anywhere[e] = losses.over_all(e, half);
        both[e] += anywhere[e];
      }
      here = behind_best(here, mean_);
      anywhere = behind_best(anywhere, mean_);
      for (std::size_t e = 0; e < count; ++e) {
        rows[e][kExpertKinds + half] = static_cast<float>(here[e]);
        rows[e][kExpertKinds + 2 + half] = static_cast<float>(anywhere[e]);
      }
      least = static_cast<float>(log(*std::min_element(both.begin(), both.end()) / mean_ + 0.01) / 2);
    }
    for (std::size_t e = 0; e < count; ++e) {
      rows[e][experts[e].kind] = 1;
      float* x = rows[e].data() + kExpertKinds + 4;
      const double period = experts[e].period;
      *x++ = period > 0 ? static_cast<float>(std::min(log(shape.steps / period) / 3, 2.0)) : 0;
      *x++ = static_cast<float>(shape.zero_share);
      *x++ = clamped_log(shape.deviation / mean_ + 0.01, -4, 3) / 2;
      *x++ = static_cast<float>(shape.autocorrelation);
      *x++ = clamped_log(mean_ + 0.01, -4, 8) / 6;
      *x++ = static_cast<float>(log(std::max(shape.steps, 1.0)) / 10);
      *x++ = least;
      std::vector<double>& sums = sums_.emplace_back(kGateHidden + 2);
      for (std::size_t h = 0; h < kGateHidden; ++h) {
        sums[h] = kGateBias[h];
        for (std::size_t i = 0; i < kGateFixed; ++i) sums[h] += rows[e][i] * kGateIn[i][h];
      }
      for (std::size_t half = 0; half < 2; ++half) {
        for (std::size_t i = 0; i < kGateFixed; ++i)
          sums[kGateHidden + half] += rows[e][i] * kGateDirect[i][half];
      }
      fixed_.push_back(rows[e]);
    }
  }
}

std::vector<MixGate::Moving> MixGate::moving(std::size_t lead, std::span<const LevelValues> said,
                                             const Disturbance& now) const {
  const std::size_t count = experts_.size();
  std::vector<double> medians;
  for (const LevelValues& row : said) medians.push_back(row[kMedianLevel]);
  double average = 0, square = 0;
  for (const double m : medians) average += m / static_cast<double>(count);
  for (const double m : medians) square += (m - average) * (m - average) / static_cast<double>(count);
  const double middle_median = middle(std::move(medians));
  const double steps_ahead = static_cast<double>(lead);
  Moving same{};
  same[0] = static_cast<float>(log(steps_ahead) / 4);
  same[4] = clamped_log(sqrt(square) / mean_ + 0.01, -5, 3) / 2;
  same[5] = static_cast<float>(now.level);
  same[6] = static_cast<float>(now.highest / 2);
  same[7] = static_cast<float>(now.lowest / 2);
  same[8] = static_cast<float>(now.rare_level);
  same[9] = static_cast<float>(now.rare_extremes);
  std::vector<Moving> rows(count, same);
  for (std::size_t e = 0; e < count; ++e) {
    const double period = experts_[e].period;
    rows[e][1] = period > 0 ? static_cast<float>(log(period / steps_ahead) / 6) : 0;
    rows[e][2] = clamped_log((said[e][kHighLevel] - said[e][kLowLevel]) / mean_ + 0.01, -5, 3) / 2;
    rows[e][3] = static_cast<float>(std::clamp((said[e][kMedianLevel] - middle_median) / mean_, -3.0, 3.0));
  }
  return rows;
}

std::vector<GateFeatures> MixGate::features(std::size_t lead, std::span<const LevelValues> said,
                                            const Disturbance& now) const {
  std::vector<GateFeatures> features(experts_.size());
  const BetweenBands between(lead);
  const std::vector<Moving> moves = moving(lead, said, now);
  for (std::size_t e = 0; e < experts_.size(); ++e) {
    const auto& near = fixed_[row(between.near, e)];
    const auto& far = fixed_[row(between.far, e)];
    for (std::size_t i = 0; i < kGateFixed; ++i)
      features[e][i] =
          static_cast<float>(between.of(static_cast<double>(near[i]), static_cast<double>(far[i])));
    std::copy(moves[e].begin(), moves[e].end(), features[e].begin() + kGateFixed);
  }
  return features;
}

std::vector<GateShare> MixGate::shares(std::size_t lead, std::span<const LevelValues> said,
                                       const Disturbance& now) const {
  std::vector<GateShare> shares;
  const BetweenBands between(lead);
  GateShare most{-1e30, -1e30};
  const std::vector<Moving> moves = moving(lead, said, now);
  for (std::size_t e = 0; e < experts_.size(); ++e) {
    const std::vector<double>& near = sums_[row(between.near, e)];
    const std::vector<double>& far = sums_[row(between.far, e)];
    double sums[kGateHidden];
    for (std::size_t h = 0; h < kGateHidden; ++h) sums[h] = between.of(near[h], far[h]);
    GateShare score{between.of(near[kGateHidden], far[kGateHidden]),
                    between.of(near[kGateHidden + 1], far[kGateHidden + 1])};
    for (std::size_t i = 0; i < kGateMoving; ++i) {
      const double x = moves[e][i];
      for (std::size_t h = 0; h < kGateHidden; ++h) sums[h] += x * kGateIn[kGateFixed + i][h];
      score.lower += x * kGateDirect[kGateFixed + i][0];
      score.upper += x * kGateDirect[kGateFixed + i][1];
    }
    for (std::size_t h = 0; h < kGateHidden; ++h) {
      const double out = softsign(sums[h]);
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
