#include "core/forecast/regressors/effect_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"
#include "core/forecast/models/models.h"
#include "core/forecast/regressors/signal_lead.h"

namespace forewarm {
namespace {

constexpr EffectScale kScales[] = {EffectScale::SquareRoot, EffectScale::Logarithm};
constexpr std::size_t kSearchStepsMin = 120;
constexpr std::size_t kSearchStepsMax = 6000;
constexpr std::size_t kSignalsMax = 16;
constexpr std::uint32_t kDayMin = 8;  // steps that a season needs for a shape worth an interaction
constexpr std::size_t kLevelKnots = 24;
constexpr double kSeasonPenalty = 0.1;
// A week's shape is better told by what days are (working or not) where a signal says so: such a shape also
// knows holidays. So the week's own terms are held back by a share of the history.
constexpr double kLongSeasonPenaltyShare = 0.01;
constexpr double kSignalPenalty = 1;  // in days: the steps of one day err alike
constexpr double kByTimePenalty = 2;
constexpr double kShrink = 0.85;      // what was learnt from one time holds less for the next
constexpr double kDoubtBefore = 0.2;  // what is thought of an effect before there is evidence,
constexpr double kDoubtDays = 4;      // and how many days' evidence outweigh it
constexpr double kWorthAColumn = 1.001;
constexpr double kWorthASignal = 0.985;
constexpr double kDayStepsMin = 4;
constexpr std::uint32_t kOrdersOfDay = 8, kOrdersOfLong = 10;
constexpr std::uint32_t kOrdersOfIndicator = 5;  // a holiday has its own shape of day
constexpr std::uint32_t kOrdersOfValue = 2;
constexpr std::size_t kOriginsOfPart = 24;
constexpr std::size_t kTriedLeads[] = {1, 3, 8, 24, 48};
constexpr std::size_t kLeadsTried = std::size(kTriedLeads);
constexpr std::size_t kPartsTried = EffectRegression::kParts - EffectRegression::kPartsSeen;
constexpr double kOffsetShare = 0.05;

double pinball(const LevelValues& row, double value) {
  double sum = 0;
  for (std::size_t level = 0; level < kForecastLevelCount; ++level)
    sum += pinball_loss(value, row[level], kForecastLevels[level]);
  return sum;
}

/// Mean over parts and leads of loss by loss without effects; infinity when most parts did not gain.
double ratio(std::span<const double> losses, std::span<const double> without) {
  double sum = 0;
  std::size_t gaining = 0;
  for (std::size_t part = 0; part < kPartsTried; ++part) {
    double of_part = 0;
    for (std::size_t i = part * kLeadsTried; i < (part + 1) * kLeadsTried; ++i)
      of_part += without[i] > 0 ? losses[i] / without[i] : 1;
    sum += of_part;
    gaining += of_part < static_cast<double>(kLeadsTried) ? 1 : 0;
  }
  return 2 * gaining > kPartsTried ? sum / static_cast<double>(kPartsTried * kLeadsTried)
                                   : std::numeric_limits<double>::infinity();
}

/// The values that all but one in a hundred of the first `seen` keep to, at either side.
std::pair<double, double> usual_range(std::span<const double> values, std::size_t seen) {
  std::vector<double> sorted(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(seen));
  const auto low = sorted.begin() + static_cast<std::ptrdiff_t>(seen / 100);
  const auto high = sorted.begin() + static_cast<std::ptrdiff_t>(seen - 1 - seen / 100);
  std::nth_element(sorted.begin(), low, sorted.end());
  const double least = *low;
  std::nth_element(sorted.begin(), high, sorted.end());
  return {least, *high};
}

}  // namespace

EffectSearch::EffectSearch(const SeriesView& history, const SignalColumns& signals) : history_(history) {
  const std::size_t all = history.values.size(), used = std::min(all, kSearchStepsMax);
  history_.values = history.values.last(used);
  history_.start = history.start + history.step * static_cast<Duration::rep>(all - used);
  std::vector<std::span<const float>> past;
  for (const std::span<const float> column : signals.past)
    if (column.size() == all && past.size() < kSignalsMax) past.push_back(column.last(used));
  if (used < kSearchStepsMin || past.size() != signals.past.size()) return;
  for (const std::uint32_t season : history.seasons) {
    if (3 * std::size_t{season} > used) continue;
    if (day_ == 0 && season >= kDayMin) day_ = season;
    usual_ = std::max(usual_, season);
  }
  double sum = 0, count = 0;
  for (const float value : history_.values)
    if (std::isfinite(value)) sum += std::clamp(static_cast<double>(value), 0.0, 1e15), count += 1;
  offset_ = std::max(1e-3, kOffsetShare * sum / std::max(1.0, count));
  for (const std::span<const float> column : signals.future) ahead_ = std::max(ahead_, column.size());
  add_base_columns();
  const SignalColumns newest{.past = past, .future = signals.future};
  const LeadSearch search(history_.values, history_.seasons);
  for (std::uint32_t signal = 0; signal < past.size(); ++signal) {
    if (newest.known_ahead(signal) > 0) {
      add_candidates(signal, 0, newest);
    } else if (const auto lead = search.lead_of(past[signal], past.size())) {
      add_candidates(signal, static_cast<std::uint32_t>(lead->steps), newest);
    }
  }
}

void EffectSearch::add_base_columns() {
  const std::size_t steps = history_.values.size(), all = steps + ahead_;
  columns_.push_back({.values = std::vector<double>(all, 1), .penalty = 1e-6});
  const std::size_t width = std::max({steps / kLevelKnots, std::size_t{2} * day_, std::size_t{1}});
  for (std::size_t knot = 0; knot < steps + width; knot += width) {
    const auto middle = static_cast<double>(knot), reach = static_cast<double>(width);
    RegressionColumn tent{.values = std::vector<double>(all), .penalty = kSeasonPenalty};
    for (std::size_t t = 0; t < all; ++t)
      tent.values[t] = std::max(0.0, 1 - std::abs(static_cast<double>(t) - middle) / reach);
    columns_.push_back(std::move(tent));
  }
  const double held_back = kLongSeasonPenaltyShare * static_cast<double>(steps);
  for (const std::uint32_t season : history_.seasons) {
    if (season < 2 || 3 * std::size_t{season} > steps) continue;
    if (season == day_) shapes_ = columns_.size();
    add_harmonics(season, season <= day_ ? kOrdersOfDay : kOrdersOfLong,
                  season <= day_ ? kSeasonPenalty : held_back);
  }
  base_ = columns_.size();
}

void EffectSearch::add_harmonics(std::uint32_t season, std::uint32_t orders, double penalty) {
  const std::size_t all = history_.values.size() + ahead_;
  std::vector<SineCosine> turn(season);
  for (std::uint32_t i = 0; i < season; ++i) turn[i] = sine_cosine_turns(static_cast<double>(i) / season);
  for (std::uint32_t order = 1; order <= orders && 2 * order < season; ++order) {
    if (season > day_ && day_ > 0 && order * day_ % season == 0) continue;  // one of the day's
    RegressionColumn sine{.values = std::vector<double>(all), .penalty = penalty};
    RegressionColumn cosine = sine;
    for (std::size_t t = 0; t < all; ++t) {
      const SineCosine& now = turn[t * order % season];
      sine.values[t] = now.sine;
      cosine.values[t] = now.cosine;
    }
    columns_.push_back(std::move(sine));
    columns_.push_back(std::move(cosine));
  }
}

void EffectSearch::add_candidates(std::uint32_t signal, std::uint32_t lag, const SignalColumns& signals) {
  const std::size_t known = signals.known_ahead(signal) + lag, all = history_.values.size() + known;
  std::vector<float> values(all);
  for (std::size_t t = 0; t < all; ++t)
    values[t] = signals.at(signal, static_cast<std::ptrdiff_t>(t) - static_cast<std::ptrdiff_t>(lag));
  const auto past = [&] { return std::span<const float>(values).first(history_.values.size()); };
  const SignalFeatures shapes = signal_features(past());
  if (shapes.features.empty()) return;
  const double days = std::max(kDayStepsMin, static_cast<double>(day_));
  const std::size_t first = columns_.size();
  Candidate itself{.signal = signal,
                   .lag = lag,
                   .known_ahead = known,
                   .gradual = shapes.gradual,
                   .value = first,
                   .columns = {}};
  Candidate by_time = itself;
  for (const SignalFeature& feature : shapes.features) {
    RegressionColumn column{.values = {}, .penalty = kSignalPenalty * days};
    for (const float value : values) column.values.push_back(feature.of(value));
    itself.columns.push_back(columns_.size());
    columns_.push_back(std::move(column));
  }
  candidates_.push_back(std::move(itself));
  if (day_ == 0 || lag > 0) return;
  const std::uint32_t orders =
      std::min(shapes.indicator ? kOrdersOfIndicator : kOrdersOfValue, (day_ - 1) / 2);
  for (std::size_t i = shapes_; i < shapes_ + 2 * std::size_t{orders}; ++i) {
    RegressionColumn column{.values = columns_[first].values, .penalty = kByTimePenalty * days};
    for (std::size_t t = 0; t < all; ++t) column.values[t] *= columns_[i].values[t];
    by_time.columns.push_back(columns_.size());
    columns_.push_back(std::move(column));
  }
  candidates_.push_back(std::move(by_time));
}

std::vector<std::size_t> EffectSearch::columns_of(std::span<const std::size_t> candidates) const {
  std::vector<std::size_t> columns;
  for (const std::size_t i : candidates)
    columns.insert(columns.end(), candidates_[i].columns.begin(), candidates_[i].columns.end());
  return columns;
}

std::vector<std::size_t> EffectSearch::chosen(const EffectRegression& regression, std::size_t target) const {
  std::vector<std::size_t> kept(candidates_.size());
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = i;
  const auto squares = [&](std::span<const std::size_t> some) {
    return regression.unseen_squares(target, columns_of(some));
  };
  double now = squares(kept);
  for (std::size_t i = candidates_.size(); i-- > 0;) {
    std::vector<std::size_t> fewer;
    std::copy_if(kept.begin(), kept.end(), std::back_inserter(fewer), [&](std::size_t k) { return k != i; });
    const double without = squares(fewer);
    if (without > kWorthAColumn * now) continue;
    kept = std::move(fewer);
    now = without;
  }
  return kept;
}

SignalEffects EffectSearch::bare(EffectScale scale) const {
  SignalEffects effects;
  effects.scale_ = scale;
  effects.offset_ = offset_;
  effects.values_.assign(history_.values.begin(), history_.values.end());
  return effects;
}

SignalEffects EffectSearch::effects(EffectScale scale, std::span<const std::size_t> chosen,
                                    std::span<const double> beta, std::span<const double> errors,
                                    std::size_t seen) const {
  SignalEffects result = bare(scale);
  std::size_t next = 0;
  for (const std::size_t i : chosen) {
    const Candidate& candidate = candidates_[i];
    const bool same = !result.effects_.empty() && result.effects_.back().signal == candidate.signal;
    if (!same) {
      result.effects_.emplace_back();
      result.effects_.back().signal = candidate.signal;
      result.effects_.back().lag = candidate.lag;
      result.effects_.back().known_ahead = candidate.known_ahead;
      result.effects_.back().at.resize(history_.values.size() + candidate.known_ahead);
    }
    std::vector<double>& at = result.effects_.back().at;
    const std::vector<double>& values = columns_[candidate.value].values;
    // A regression on last winter knows nothing of summers: beyond what it has seen, no more effect.
    const auto [least, most] = candidate.gradual ? usual_range(values, seen) : std::pair(-1e9, 1e9);
    for (const std::size_t column : candidate.columns) {
      const bool square = candidate.gradual && column == candidate.value + 1;
      for (std::size_t t = 0; t < at.size(); ++t) {
        double entry = columns_[column].values[t];
        if (values[t] < least || values[t] > most) {
          const double held = std::clamp(values[t], least, most);
          entry = square ? held * held - 1 : entry * held / values[t];
        }
        at[t] += kShrink * beta[next] * entry;
      }
      ++next;
    }
  }
  double all = 0;
  for (SignalEffects::Effect& effect : result.effects_) {
    effect.take_out_usual(history_.values.size(), usual_);
    effect.measure(history_.values.size());
    all += effect.variance;
  }
  for (const SignalEffects::Effect& effect : result.effects_)
    result.findings_.push_back(
        {.signal = effect.signal, .lead = effect.lag, .share = all > 0 ? effect.variance / all : 0});
  doubt(result, errors);
  return result;
}

void EffectSearch::doubt(SignalEffects& effects, std::span<const double> errors) const {
  double usual = 0, count = 0;
  for (const double error : errors)
    if (std::isfinite(error)) usual += error * error, count += 1;
  usual /= std::max(1.0, count);
  for (SignalEffects::Effect& effect : effects.effects_) {
    double excess = 0, square = 0, fourth = 0;
    for (std::size_t t = 0; t < errors.size(); ++t) {
      const double size = effect.at[t] * effect.at[t];
      if (!std::isfinite(errors[t])) continue;
      excess += size * (errors[t] * errors[t] - usual);
      square += size;
      fourth += size * size;
    }
    if (!(fourth > 0)) continue;
    const double days = square * square / fourth / std::max(kDayStepsMin, static_cast<double>(day_));
    const double measured = std::clamp(excess / fourth, 0.0, 1.0);
    effect.doubt = (days * measured + kDoubtDays * kDoubtBefore) / (days + kDoubtDays);
  }
}

void EffectSearch::forecast_part(const SignalEffects& effects, std::size_t begin, std::size_t end,
                                 Losses& losses) const {
  const std::span<const float> values = history_.values;
  const std::vector<float> adjusted = effects.without_effects();
  const std::unique_ptr<Forecaster> model = make_exponential_smoothing();
  SeriesView seen = history_;
  seen.values = std::span(adjusted).first(begin);
  seen.regressors = {};
  const std::size_t base = losses.size();
  losses.resize(base + kLeadsTried);
  if (!model->fit(seen)) return;
  const std::size_t stride =
      std::max<std::size_t>(1, (end - begin) / kOriginsOfPart) | 1;  // no multiple of a day
  for (std::size_t origin = begin; origin < end; ++origin) {
    if ((origin - begin) % stride == 0) {
      const std::vector<LevelValues> rows = model->rows(kTriedLeads, {});
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::size_t at = origin + kTriedLeads[i] - 1;
        if (at >= values.size() || !std::isfinite(values[at])) continue;
        const double value = std::max(0.0, static_cast<double>(values[at]));
        losses[base + i] += pinball(effects.put_back(rows[i], origin, kTriedLeads[i]), value);
      }
    }
    model->update(adjusted[origin], {});
  }
}

SignalEffects EffectSearch::found() const {
  if (candidates_.empty()) return {};
  std::vector<std::vector<double>> targets;
  for (const EffectScale scale : kScales) {
    const SignalEffects onto = bare(scale);
    targets.emplace_back();
    for (const float value : history_.values)
      targets.back().push_back(std::isfinite(value) ? onto.onto_scale(static_cast<double>(value)) : NAN);
  }
  const EffectRegression regression(columns_, base_, targets);
  const auto over_parts = [&](const auto& effects_from) {
    Losses losses;
    for (std::size_t part = EffectRegression::kPartsSeen; part < EffectRegression::kParts; ++part)
      forecast_part(effects_from(part), regression.begin_of(part), regression.begin_of(part + 1), losses);
    return losses;
  };
  const Losses without = over_parts([&](std::size_t) { return bare(EffectScale::SquareRoot); });
  double best = kWorthASignal;
  SignalEffects found;
  for (const EffectScale scale : kScales) {
    const auto target = static_cast<std::size_t>(scale);
    const std::vector<std::size_t> some = chosen(regression, target), columns = columns_of(some);
    if (some.empty()) continue;
    const std::vector<double> errors = regression.unseen_errors(target, columns);
    const auto from = [&](std::size_t parts) {
      return effects(scale, some, regression.coefficients(target, columns, parts), errors,
                     regression.begin_of(parts));
    };
    const double now = ratio(over_parts(from), without);
    if (!(now < best)) continue;
    best = now;
    found = from(EffectRegression::kParts);
    found.gain_ = 1 - now;
  }
  return found;
}

}  // namespace forewarm
