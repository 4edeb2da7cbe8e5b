#include "core/forecast/models/additive_walk.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr double kMissSlow[] = {0.004, 0.02, 0.08};
constexpr double kMissFast[] = {0.15, 0.4};
constexpr double kMissFade[] = {0.6, 0.85, 0.96};
constexpr double kErrorExponents[] = {0, 0.5, 1};
constexpr std::size_t kMissWarmUp = 200;
constexpr std::size_t kWalkErrorsMax = 240;  // per lead
constexpr std::size_t kWalkLeads[] = {1, 6, 24};
constexpr double kErrorFloorShare = 0.25;
constexpr double kErrorCeilingShare = 4;  // of the mean, as the floor
constexpr double kUsualShare = 0.7;
constexpr double kShareMax = 4;
constexpr double kReaches[] = {0.25, 4};
constexpr double kValueMax = 1e15;

double measured_value(float value) {
  return std::isfinite(value) ? std::clamp(static_cast<double>(value), 0.0, kValueMax)
                              : std::numeric_limits<double>::quiet_NaN();
}

double shown_share(const AdditiveFit& fit, double effect) {
  return fit.multiplicative ? std::clamp(1 + effect, 0.0, kShareMax) : 1;
}

}  // namespace

double fading_trend(const AdditiveFit& fit, double step) {
  double trend = fit.trend(std::min(step, fit.steps));
  if (step > fit.steps) {
    const double slope = trend - fit.trend(fit.steps - 1), reach = fit.reach * fit.steps;
    trend += slope * std::min(reach * (1 - exp((fit.steps - step) / reach)), fit.steps);
  }
  return fit.multiplicative ? std::max(0.0, trend) : trend;
}

AdditiveExpectation expect_steps(const AdditiveFit& fit, std::size_t first, std::size_t end,
                                 Columns regressors) {
  AdditiveExpectation expected{.first = first, .values = {}, .shares = {}};
  const std::size_t count = end - first;
  std::vector<double> effects(count);
  for (const Harmonic& harmonic : fit.harmonics) {
    const SineCosine turn = sine_cosine_turns(harmonic.turns_per_step);
    SineCosine now = sine_cosine_turns(harmonic.turns_per_step * static_cast<double>(first));
    for (double& effect : effects) {
      effect += harmonic.sine * now.sine + harmonic.cosine * now.cosine;
      now = {now.sine * turn.cosine + now.cosine * turn.sine,
             now.cosine * turn.cosine - now.sine * turn.sine};
    }
  }
  for (std::size_t i = 0; i < fit.regressors.size() && i < regressors.size(); ++i) {
    for (std::size_t t = 0; t < count && first + t < regressors[i].size(); ++t)
      effects[t] += fit.regressors[i].of(regressors[i][first + t]);
  }
  for (std::size_t t = 0; t < count; ++t) {
    const double effect = fit.multiplicative ? effects[t] : fit.value_scale * effects[t];
    expected.values.push_back(fit.value(fading_trend(fit, static_cast<double>(first + t)), effect));
    expected.shares.push_back(shown_share(fit, effect));
  }
  return expected;
}

void MissLevels::update(double miss, double share, const MissRates& rates) {
  fast *= rates.fade;
  const double surprise = miss - share * ahead(1);
  if (!(std::abs(surprise) <= 10 * kValueMax)) return;  // nor a NaN
  const double in_trend = surprise * share / std::max(1.0, share * share);
  slow += rates.slow * in_trend;
  fast += rates.fast * in_trend;
}

double AdditiveVariant::expected(double step, std::size_t lead, std::span<const float> known) const {
  const double effect = fit.effect(step, known);
  const double faded = pow(rates.fade, static_cast<double>(lead));
  return fit.value(fading_trend(fit, step), effect) + shown_share(fit, effect) * levels.ahead(faded);
}

double AdditiveVariant::error_unit(double expected) const {
  if (error_exponent == 0) return 1;
  const double at = std::clamp(expected, error_floor, error_floor * kErrorCeilingShare / kErrorFloorShare);
  return error_exponent == 1 ? at : sqrt(at);
}

LevelValues AdditiveVariant::row(double step, std::size_t lead, std::span<const float> known) const {
  const double expect = expected(step, lead, known);
  LevelValues row = errors.at(lead);
  double wider = 1;
  const std::size_t measured = errors.leads.empty() ? 0 : errors.leads.back();
  const double unit = error_unit(expect);
  if (lead > measured) {
    // Beyond the leads whose errors were seen: bends of the trend that are still to come.
    const double size = fit.bend_size(), far = static_cast<double>(lead),
                 near = static_cast<double>(measured);
    const double more = fit.bends_per_step() * 2 * size * size * (far * far * far - near * near * near) / 3;
    const double spread = unit * (row[6] - row[2]) / 2.563;  // 10 to 90 %, of a normal
    if (spread > 0) wider = std::min(3.0, sqrt(1 + more / (spread * spread)));
  }
  const double middle = row[4];
  for (double& value : row) value = expect + unit * (middle + wider * (value - middle));
  return row;
}

void AdditiveVariant::update(double step, float value, std::span<const float> known) {
  const double effect = fit.effect(step, known);
  levels.update(measured_value(value) - fit.value(fading_trend(fit, step), effect), shown_share(fit, effect),
                rates);
}

void AdditiveVariant::settle_on(std::span<const float> values, const AdditiveExpectation& expected) {
  levels = {};
  for (std::size_t i = 0; i < expected.values.size(); ++i)
    levels.update(measured_value(values[expected.first + i]) - expected.values[i], expected.shares[i], rates);
}

bool AdditiveVariant::is_sound() const {
  const auto share = [](double value) { return value >= 0 && value <= 1; };
  const auto bounded = [](double value) { return std::abs(value) < 1e30; };
  return fit.is_sound() && errors.is_sound() && share(rates.slow) && share(rates.fast) && share(rates.fade) &&
         bounded(levels.slow) && bounded(levels.fast) && share(error_exponent) && error_floor > 0 &&
         bounded(error_floor) && persistence >= 0 && persistence < 1;
}

AdditiveWalk::AdditiveWalk(std::span<const float> values, Columns regressors, std::size_t first)
    : values_(values), regressors_(regressors), first_(first), warm_up_(std::min(first, kMissWarmUp)) {
  for (const std::size_t lead : kWalkLeads) {
    if (lead == 1 || 4 * lead <= values.size() - first) leads_.push_back(lead);
  }
}

AdditiveExpectation AdditiveWalk::expectation(const AdditiveFit& fit) const {
  return expect_steps(fit, first_ - warm_up_, values_.size(), regressors_);
}

double AdditiveWalk::loss(const AdditiveExpectation& expected, const MissRates& rates) const {
  MissLevels levels;
  double sum = 0, count = 0;
  std::array<double, std::size(kWalkLeads)> faded{};
  for (std::size_t i = 0; i < leads_.size(); ++i) faded[i] = pow(rates.fade, static_cast<double>(leads_[i]));
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    const std::size_t t = expected.first + i;
    if (t >= first_) {
      for (std::size_t j = 0; j < leads_.size() && t + leads_[j] <= values_.size(); ++j) {
        const std::size_t at = i + leads_[j] - 1;
        const double value = measured_value(values_[expected.first + at]);
        const double forecast = expected.values[at] + expected.shares[at] * levels.ahead(faded[j]);
        if (value != value) continue;
        sum += std::abs(value - std::max(0.0, forecast));
        count += 1;
      }
    }
    levels.update(measured_value(values_[t]) - expected.values[i], expected.shares[i], rates);
  }
  return count > 0 ? sum / count : 0;
}

AdditiveVariant AdditiveWalk::tried(AdditiveFit fit) const {
  AdditiveVariant best;
  best.fit = std::move(fit);
  best.loss = std::numeric_limits<double>::infinity();
  AdditiveExpectation expected;
  const auto consider = [&](const AdditiveExpectation& by, const MissRates& rates) {
    const double now = loss(by, rates);
    if (!(now < best.loss)) return false;
    best.rates = rates;
    best.loss = now;
    return true;
  };
  for (const double reach : kReaches) {
    AdditiveFit fading = best.fit;
    fading.reach = reach;
    AdditiveExpectation by = expectation(fading);
    bool better = false;
    for (const double slow : kMissSlow) better = consider(by, {.slow = slow}) || better;
    if (!better) continue;
    best.fit.reach = reach;
    expected = std::move(by);
    if (fading.growth == TrendGrowth::Flat) break;
  }
  const double slow = best.rates.slow;
  for (const double fast : kMissFast) {
    for (const double fade : kMissFade) consider(expected, {.slow = slow, .fast = fast, .fade = fade});
  }
  return best;
}

std::vector<AdditiveWalk::Miss> AdditiveWalk::misses(AdditiveVariant& variant,
                                                     std::span<const std::uint32_t> leads) const {
  const AdditiveExpectation expected = expectation(variant.fit);
  const std::size_t stride = std::max<std::size_t>(1, (values_.size() - first_) / kWalkErrorsMax);
  std::vector<double> faded;
  for (const std::uint32_t lead : leads) faded.push_back(pow(variant.rates.fade, lead));
  std::vector<Miss> seen;
  MissLevels levels;
  double product = 0, square = 0;
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    const std::size_t t = expected.first + i;
    const auto miss = [&](std::size_t lead, double fade) {
      const std::size_t at = i + lead - 1;
      const double forecast = expected.values[at] + expected.shares[at] * levels.ahead(fade);
      return Miss{.lead = 0, .expected = forecast, .error = measured_value(values_[t + lead - 1]) - forecast};
    };
    if (t >= first_ && (values_.size() - t) % stride == 0) {
      for (std::size_t j = 0; j < leads.size() && t + leads[j] <= values_.size(); ++j) {
        Miss now = miss(leads[j], faded[j]);
        now.lead = j;
        if (now.error == now.error) seen.push_back(now);
      }
      if (t + 3 <= values_.size()) {
        const double fade = variant.rates.fade * variant.rates.fade;
        const double second = miss(2, fade).error, third = miss(3, fade * variant.rates.fade).error;
        if (second == second && third == third) {
          product += second * third;
          square += 0.5 * (second * second + third * third);
        }
      }
    }
    levels.update(measured_value(values_[t]) - expected.values[i], expected.shares[i], variant.rates);
  }
  variant.persistence = square > 0 ? std::clamp(product / square, 0.0, 0.95) : 0;
  return seen;
}

void AdditiveWalk::measure_errors(AdditiveVariant& variant) const {
  const LeadErrorSample none(values_.size() - first_);
  const std::span<const std::uint32_t> leads = none.leads();
  const std::vector<Miss> seen = misses(variant, leads);
  double total = 0, usual = 0;
  for (const Miss& one : seen) total += std::max(0.0, one.expected + one.error);
  variant.error_floor =
      std::max(1e-3, kErrorFloorShare * total / std::max<double>(1, static_cast<double>(seen.size())));
  for (const Miss& one : seen) usual += one.expected > variant.error_floor ? 1 : 0;
  // Errors in shares of next to nothing say nothing.
  const bool in_shares = usual > kUsualShare * static_cast<double>(seen.size());
  AdditiveVariant best = variant;
  double least = std::numeric_limits<double>::infinity();
  for (const double exponent : kErrorExponents) {
    if (exponent > 0 && !in_shares) break;
    variant.error_exponent = exponent;
    LeadErrorSample sample = none;
    for (const Miss& one : seen) sample.add(one.lead, one.error / variant.error_unit(one.expected), 1);
    variant.errors = sample.quantiles();
    double pinball = 0;
    for (const Miss& one : seen) {
      const LevelValues row = variant.errors.at(leads[one.lead]);
      const double unit = variant.error_unit(one.expected);
      for (std::size_t level = 0; level < kForecastLevelCount; ++level)
        pinball += pinball_loss(one.error, unit * row[level], kForecastLevels[level]);
    }
    if (pinball < least) least = pinball, best = variant;
  }
  variant = std::move(best);
}

}  // namespace forewarm
