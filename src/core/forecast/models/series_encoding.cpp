#include "core/forecast/models/series_encoding.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr float kNotKnown = std::numeric_limits<float>::quiet_NaN();
constexpr float kInputMax = 5;
constexpr float kQuickShare = 0.35F;
constexpr float kSlowShare = 0.04F;
constexpr double kSoonSteps = 2;
constexpr double kLaterSteps = 12;
constexpr float kUnseasonedShare = 0.15F;
constexpr double kOffsetOfMean = 0.1;
constexpr std::size_t kBaseLeads[] = {1, 4, 12, 36};
constexpr std::size_t kBaseOriginsMax = 2000;

float bounded(float value) {
  return value == value ? std::clamp(value, -kInputMax, kInputMax) : 0;
}

void smooth(float& level, float value, float share) {
  level += share * (value - level);
}

}  // namespace

SeriesEncoding::Record SeriesEncoding::begin(const SeriesView& history) {
  const std::size_t steps = history.values.size();
  learn_scale(history.values);
  learn_regressors(history);
  choose_seasons(history);
  const std::int64_t first = history.start.time_since_epoch() / history.step;
  step_ = first;
  known_ = {.last = mean_, .quick = mean_, .slow = mean_, .unseasoned = {}};
  largest_ = 0;
  Record record;
  record.scaled.resize(steps);
  record.inputs.resize(steps * inputs());
  record.known.resize(steps);
  record.targets.resize(steps);
  unit_ = std::max(deviation_, kSmallestUnit);
  std::array<float, kRegressors> regressors{};
  for (std::size_t t = 0; t < steps; ++t) {
    for (std::size_t r = 0; r < regressors_; ++r) regressors[r] = history.regressors[r][t];
    const std::span<const float> now(regressors.data(), regressors_);
    record.scaled[t] = scaled(history.values[t]);
    record.targets[t] = target_at(step_);
    set_regressors(now, record.targets[t]);
    push(history.values[t], now, std::span(record.inputs).subspan(t * inputs(), inputs()));
    record.known[t] = known_;
  }
  choose_base(record);
  return record;
}

void SeriesEncoding::push(float value, std::span<const float> regressors, std::span<float> inputs) {
  const float now = scaled(value);
  Target target = target_at(step_);
  set_regressors(regressors, target);
  const float unit = std::max(deviation_, kSmallestUnit);
  std::size_t i = 0;
  inputs[i++] = placed(now);
  inputs[i++] = now == now ? 0 : 1;
  inputs[i++] = bounded((now - known_.last) / unit);
  for (std::size_t s = 0; s < kSeasons; ++s) {
    inputs[i++] = bounded((now - target.expected[s]) / unit);
    inputs[i++] = target.phase[2 * s];
    inputs[i++] = target.phase[2 * s + 1];
  }
  for (std::size_t r = 0; r < regressors_; ++r) inputs[i++] = target.regressors[r];
  if (now == now) {
    known_.last = now;
    smooth(known_.quick, now, kQuickShare);
    smooth(known_.slow, now, kSlowShare);
    for (std::size_t s = 0; s < kSeasons; ++s) {
      const float expected = target.expected[s] == target.expected[s] ? target.expected[s] : known_.slow;
      smooth(known_.unseasoned[s], now - expected, kUnseasonedShare);
    }
    largest_ = std::max(largest_, now);
  }
  for (PhaseProfile& profile : profiles_) profile.push(step_, now);
  ++step_;
}

SeriesEncoding::Target SeriesEncoding::target(std::size_t lead, Columns future) const {
  Target target = target_at(step_ + static_cast<std::int64_t>(lead) - 1);
  std::array<float, kRegressors> regressors;
  regressors.fill(kNotKnown);
  for (std::size_t r = 0; r < std::min<std::size_t>(regressors_, future.size()); ++r) {
    if (lead <= future[r].size()) regressors[r] = future[r][lead - 1];
  }
  set_regressors(std::span(regressors.data(), regressors_), target);
  return target;
}

SeriesEncoding::Target SeriesEncoding::seen_before(const SeriesEncoding& encoding, const Record& record,
                                                   std::size_t step, std::size_t lead) {
  Target target = record.targets[step];
  for (std::size_t s = 0; s < kSeasons; ++s) {
    const PhaseProfile& profile = encoding.profiles_[s];
    if (profile.season() == 0 || lead <= profile.lead_max()) continue;
    const std::size_t back = (lead - profile.lead_max() + profile.season() - 1) / profile.season();
    const std::size_t distance = back * profile.season();
    target.expected[s] = distance <= step ? record.targets[step - distance].expected[s] : kNotKnown;
  }
  return target;
}

float SeriesEncoding::base(const Known& known, const Target& target) const {
  if (base_ == 0) return known.quick;
  if (base_ == 1) return known.slow;
  const std::size_t season = base_ - 2U;
  const float expected = target.expected[season];
  return expected == expected ? expected + known.unseasoned[season] : known.slow;
}

void SeriesEncoding::describe(const Known& known, const Target& target, std::size_t lead,
                              std::span<float> features) const {
  const float from = base(known, target);
  // How much is left of what is so now, when it fades quickly, slowly, or by and by.
  const double steps = static_cast<double>(lead);
  const float soon = static_cast<float>(exp((1 - steps) / kSoonSteps));
  const float later = static_cast<float>(exp((1 - steps) / kLaterSteps));
  std::size_t i = 0;
  features[i++] = soon;
  features[i++] = later;
  features[i++] = std::min(static_cast<float>(0.5 * log(steps)) - 1, 2.0F);
  features[i++] = placed(from);
  const float last = bounded((known.last - from) / unit_);
  const float quick = bounded((known.quick - from) / unit_);
  features[i++] = last;
  features[i++] = last * soon;
  features[i++] = quick;
  features[i++] = quick * soon;
  features[i++] = quick * later;
  features[i++] = bounded((known.slow - from) / unit_);
  for (std::size_t s = 0; s < kSeasons; ++s) {
    features[i++] = bounded((target.expected[s] - from) / unit_);
    features[i++] = bounded(known.unseasoned[s] / unit_);
    features[i++] = target.phase[2 * s];
    features[i++] = target.phase[2 * s + 1];
  }
  if (regressors_ == 0) return;
  features[i++] = target.regressors_known ? 1 : 0;
  for (std::size_t r = 0; r < regressors_; ++r)
    features[i++] = target.regressors_known ? target.regressors[r] : 0;
}

float SeriesEncoding::worth(float scaled) const {
  return static_cast<float>(exp(std::clamp(static_cast<double>(scaled - mean_), -2.3, 2.3)));
}

double SeriesEncoding::unscaled(double scaled) const {
  const double most = static_cast<double>(largest_) + 0.7;  // no more than about twice what has been seen
  return offset_ * (exp(std::clamp(scaled, 0.0, most)) - 1);
}

bool SeriesEncoding::is_sound() const {
  if (!(offset_ > 0) || !(unit_ >= kSmallestUnit) || !(deviation_ >= 0)) return false;
  if (!(lowest_ <= highest_)) return false;
  if (!std::isfinite(mean_) || !std::isfinite(largest_) || regressors_ > kRegressors) return false;
  if (!(persistence_ >= 0 && persistence_ < 1) || base_ >= 2 + kSeasons) return false;
  return std::all_of(profiles_.begin(), profiles_.end(), [](const PhaseProfile& p) { return p.is_sound(); });
}

void SeriesEncoding::learn_scale(std::span<const float> values) {
  double sum = 0, count = 0;
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    sum += std::clamp(value, 0.0F, 1e15F);
    count += 1;
  }
  const double mean = sum / std::max(count, 1.0);
  // Counts of a few are told apart as they are, large values by their share of the mean.
  offset_ = static_cast<float>(mean > 0 ? std::max(kOffsetOfMean * mean, std::min(1.0, mean)) : 1);
  double of_scaled = 0, square = 0;
  lowest_ = std::numeric_limits<float>::infinity();
  highest_ = 0;
  for (const float value : values) {
    const float now = scaled(value);
    if (now != now) continue;
    of_scaled += now;
    lowest_ = std::min(lowest_, now);
    highest_ = std::max(highest_, now);
  }
  of_scaled /= std::max(count, 1.0);
  for (const float value : values) {
    if (const float now = scaled(value); now == now) square += (now - of_scaled) * (now - of_scaled);
  }
  mean_ = static_cast<float>(of_scaled);
  deviation_ = static_cast<float>(sqrt(square / std::max(count, 1.0)));
}

void SeriesEncoding::learn_regressors(const SeriesView& history) {
  regressors_ = static_cast<std::uint8_t>(std::min(history.regressors.size(), kRegressors));
  for (std::size_t r = 0; r < regressors_; ++r) {
    double sum = 0, square = 0, count = 0;
    for (const float value : history.regressors[r]) {
      if (!std::isfinite(value)) continue;
      sum += value;
      square += static_cast<double>(value) * value;
      count += 1;
    }
    const double mean = count > 0 ? sum / count : 0;
    const double deviation = count > 0 ? sqrt(std::max(0.0, square / count - mean * mean)) : 0;
    regressor_means_[r] = static_cast<float>(mean);
    regressor_units_[r] = static_cast<float>(deviation > 0 ? deviation : 1);
  }
}

/// The seasons whose profile is nearest to what comes, of those that fit into the history at least twice.
void SeriesEncoding::choose_seasons(const SeriesView& history) {
  struct Candidate {
    std::uint32_t season;
    double error;
  };
  std::vector<Candidate> candidates;
  const std::int64_t first = history.start.time_since_epoch() / history.step;
  for (const std::uint32_t season : history.seasons) {
    if (season < 2 || season > history.values.size() / 2) continue;
    PhaseProfile profile(season);
    double error = 0, count = 0;
    for (std::size_t t = 0; t < history.values.size(); ++t) {
      const std::int64_t step = first + static_cast<std::int64_t>(t);
      const float now = scaled(history.values[t]);
      const float expected = profile.at(step);
      if (now == now && expected == expected) {
        error += std::abs(now - expected);
        count += 1;
      }
      profile.push(step, now);
    }
    if (count > 0) candidates.push_back({season, error / count});
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.error < b.error; });
  candidates.resize(std::min(candidates.size(), kSeasons));
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.season < b.season; });
  profiles_ = {};
  for (std::size_t s = 0; s < candidates.size(); ++s) profiles_[s] = PhaseProfile(candidates[s].season);
}

/// That with the least absolute error over the newest half; its mean error is the unit.
void SeriesEncoding::choose_base(const Record& record) {
  const std::size_t steps = record.scaled.size();
  const std::size_t from = steps / 2;
  const std::size_t stride = std::max<std::size_t>(1, (steps - from) / kBaseOriginsMax);
  const std::uint8_t chosen_from[] = {0, 1, 2, 3, 4};
  double best = std::numeric_limits<double>::infinity();
  std::uint8_t best_base = 0;
  for (const std::uint8_t candidate : chosen_from) {
    if (candidate >= 2 && profiles_[candidate - 2U].season() == 0) continue;
    base_ = candidate;
    double error = 0, count = 0, product = 0, squares = 0;
    for (std::size_t t = from; t < steps; t += stride) {
      for (const std::size_t lead : kBaseLeads) {
        if (t < lead) continue;
        const auto error_at = [&](std::size_t step, std::size_t ahead) {
          return record.scaled[step] -
                 base(record.known[step - ahead], seen_before(*this, record, step, ahead));
        };
        const float now = error_at(t, lead);
        if (now != now) continue;
        error += std::abs(now) * worth(record.scaled[t]);
        count += 1;
        if (lead < 4 || t + 1 == steps) continue;
        const float next = error_at(t + 1, lead + 1);
        if (next != next) continue;
        product += now * next;
        squares += 0.5 * (now * now + next * next);
      }
    }
    const double mean = count > 0 ? error / count : 0;
    if (mean < best) {
      best = mean;
      best_base = candidate;
      unit_ = std::max(static_cast<float>(1.25 * mean), kSmallestUnit);
      persistence_ = squares > 0 ? std::clamp(product / squares, 0.0, 0.98) : 0;
    }
  }
  base_ = best_base;
}

float SeriesEncoding::scaled(float value) const {
  if (!std::isfinite(value)) return kNotKnown;
  return static_cast<float>(log(1 + std::clamp(value, 0.0F, 1e15F) / static_cast<double>(offset_)));
}

/// Where a level is within those of the history. Outside of them nothing has been learnt, least of all to
/// fall back to where the history was: the further outside, the more it looks like the middle, where the base
/// says it all.
float SeriesEncoding::placed(float scaled) const {
  const float inside = std::clamp(scaled, lowest_, highest_);
  const float reach = std::abs(inside - mean_);
  const float left = std::max(0.0F, reach - std::abs(scaled - inside));
  return bounded((inside < mean_ ? -left : left) / std::max(deviation_, kSmallestUnit));
}

SeriesEncoding::Target SeriesEncoding::target_at(std::int64_t step) const {
  Target target;
  for (std::size_t s = 0; s < kSeasons; ++s) {
    target.expected[s] = profiles_[s].at(step);
    if (profiles_[s].season() == 0) continue;
    const SineCosine turn = sine_cosine_turns(static_cast<double>(step % profiles_[s].season()) /
                                              static_cast<double>(profiles_[s].season()));
    target.phase[2 * s] = static_cast<float>(turn.sine);
    target.phase[2 * s + 1] = static_cast<float>(turn.cosine);
  }
  return target;
}

void SeriesEncoding::set_regressors(std::span<const float> values, Target& target) const {
  target.regressors_known = regressors_ > 0;
  for (std::size_t r = 0; r < regressors_; ++r) {
    const float value = r < values.size() ? values[r] : kNotKnown;
    target.regressors_known = target.regressors_known && std::isfinite(value);
    target.regressors[r] =
        std::isfinite(value) ? bounded((value - regressor_means_[r]) / regressor_units_[r]) : 0;
  }
}

}  // namespace forewarm
