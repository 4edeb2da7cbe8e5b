#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"
#include "core/forecast/models/croston.h"
#include "core/forecast/models/intermittent_sizes.h"
#include "core/forecast/models/models.h"
#include "core/forecast/models/phase_means.h"
#include "core/forecast/state_bytes.h"

namespace forewarm {
namespace {

constexpr std::size_t kIntermittentMeasuredMin = 8;
constexpr std::size_t kDemandStepsMax = 20'160;
constexpr std::size_t kDemandSeasonsMax = 4;
constexpr std::size_t kTargetsPerKind = 96;  // of steps with a demand, and of those without
constexpr std::size_t kDemandLeads[] = {1, 24, 6, 48, 2, 12};
constexpr double kDemandAlphas[] = {0.05, 0.02, 0.1, 0.3};
constexpr double kDemandRetentions[] = {0.95, 1, 0};
constexpr double kDemandBetter = 0.98;  // a choice that is not better than this is left as it was
constexpr std::uint32_t kDemandBins = 48;
constexpr std::size_t kTrialSizesMax = 32;
constexpr std::size_t kPhaseSizesMax = 24;
constexpr std::size_t kPhaseSizesEnough = 3;

/// What is chosen by trial.
struct IntermittentChoice {
  PhaseMeans::Shape season{.period = 1, .keep = 0.98};
  bool phase_sizes = false;  ///< sizes come from the same phase of the season, not from all of it
  double retention = 1;      ///< share of the rate's distance from normal that a step leaves
};

/// A step of the past, to be foreseen from an origin before it.
struct DemandTarget {
  std::size_t origin = 0;
  std::size_t at = 0;
  double weight = 1;  ///< how many steps of the history it stands for

  std::size_t lead() const { return at + 1 - origin; }
};

/// Steps with and without demand apart: spread evenly, those of a timer would hardly be among them.
std::vector<DemandTarget> demand_targets(const ValueHistory& history) {
  std::vector<std::size_t> steps[2];
  for (std::size_t t = history.size() / 3; t < history.size(); ++t) {
    if (history.measured_at(t)) steps[history[t] > 0 ? 1 : 0].push_back(t);
  }
  std::vector<DemandTarget> targets;
  std::size_t turn = 0;
  for (const std::vector<std::size_t>& kind : steps) {
    const std::size_t count = std::min(kind.size(), kTargetsPerKind);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = kind[i * kind.size() / count];
      const std::size_t lead = kDemandLeads[turn++ % std::size(kDemandLeads)];
      if (lead + 4 > at) continue;
      targets.push_back({.origin = at + 1 - lead,
                         .at = at,
                         .weight = static_cast<double>(kind.size()) / static_cast<double>(count)});
    }
  }
  std::sort(targets.begin(), targets.end(), [](const DemandTarget& a, const DemandTarget& b) {
    return a.origin != b.origin ? a.origin < b.origin : a.at < b.at;
  });
  return targets;
}

double demand_probability(double normal, double rate, double retention, std::size_t lead) {
  const double kept = retention == 1 ? 1 : pow(retention, static_cast<double>(lead - 1));
  return std::clamp(normal * (1 + (rate - 1) * kept), 0.0, 1.0);
}

double compound_loss(const SizeSample& sizes, double probability, double value) {
  const LevelValues row = sizes.compound(probability);
  double sum = 0;
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    sum += pinball_loss(value, row[level], kForecastLevels[level]);
  }
  return sum;
}

SizeSample sizes_for(const ValueHistory& history, const RecentSizes& recent, std::uint32_t phase_period,
                     double alpha, std::size_t origin, std::size_t target, std::size_t most) {
  std::vector<WeightedValue> sample;
  std::size_t found = 0;
  if (phase_period > 1)
    found = add_phase_sizes(history, phase_period, origin, target, kPhaseSizesMax, sample);
  if (found < kPhaseSizesEnough) recent.add(1 - alpha, most, found == 0 ? 1 : 0.2, sample);
  if (sample.empty()) sample.push_back({0, 1});
  return SizeSample(std::move(sample));
}

/// The targets' sizes as they were known at their origins; by target.
std::vector<SizeSample> trial_sizes(const ValueHistory& history, const std::vector<DemandTarget>& targets,
                                    std::uint32_t phase_period) {
  std::vector<SizeSample> sizes;
  RecentSizes recent;
  std::size_t t = 0;
  for (const DemandTarget& target : targets) {
    for (; t < target.origin; ++t) {
      if (history.measured_at(t) && history[t] > 0) recent.push(history[t]);
    }
    sizes.push_back(
        sizes_for(history, recent, phase_period, kDemandAlphas[0], target.origin, target.at, kTrialSizesMax));
  }
  return sizes;
}

/// Walks a season's profile and some rates through the history; `at_target(target, profile)` is called for
/// each target when all before its origin has been seen.
void walk_demands(const ValueHistory& history, const std::vector<DemandTarget>& targets, PhaseMeans& profile,
                  std::span<IntermittentRate> rates, const auto& at_target) {
  std::size_t next = 0;
  for (std::size_t t = 0; t <= history.size(); ++t) {
    for (; next < targets.size() && targets[next].origin == t; ++next) at_target(next);
    if (t == history.size() || !history.measured_at(t)) continue;
    const double exposure = profile.at(t);
    for (IntermittentRate& rate : rates) rate.update(history[t], exposure);
    profile.update(t, history[t] > 0 ? 1 : 0, 1);
  }
}

struct FittedDemand {
  IntermittentChoice choice;
  PhaseMeans profile;
  IntermittentRate rate;
};

/// Season and kind of sizes by the loss of quantiles that a plain rate gives.
IntermittentChoice best_demand_season(const ValueHistory& history, const std::vector<DemandTarget>& targets,
                                      std::span<const std::uint32_t> seasons) {
  IntermittentChoice best;
  double best_loss = std::numeric_limits<double>::infinity();
  const std::vector<SizeSample> all = trial_sizes(history, targets, 1);
  const auto attempt = [&](const PhaseMeans::Shape& shape, const std::vector<SizeSample>* same_phase) {
    PhaseMeans profile(shape);
    IntermittentRate rate;
    double loss[2] = {0, 0};
    walk_demands(history, targets, profile, {&rate, 1}, [&](std::size_t i) {
      const DemandTarget& target = targets[i];
      const double probability = demand_probability(profile.at(target.at), rate.rate(), 0.95, target.lead());
      const double value = history[target.at];
      loss[0] += target.weight * compound_loss(all[i], probability, value);
      if (same_phase) loss[1] += target.weight * compound_loss((*same_phase)[i], probability, value);
    });
    for (const bool phase_sizes : {false, true}) {
      if (phase_sizes && !same_phase) continue;
      if (!(loss[phase_sizes ? 1 : 0] < kDemandBetter * best_loss)) continue;
      best_loss = loss[phase_sizes ? 1 : 0];
      best = {.season = shape, .phase_sizes = phase_sizes};
    }
  };
  attempt(best.season, nullptr);
  for (const std::uint32_t period : seasons) {
    const std::vector<SizeSample> same_phase = trial_sizes(history, targets, period);
    PhaseMeans::Shape shape = {.period = period, .keep = 0.98};
    attempt(shape, &same_phase);
    if (period < 2 * kDemandBins) continue;
    shape.width = period / kDemandBins;
    attempt(shape, &same_phase);
  }
  return best;
}

/// Method, smoothing and retention by the same loss.
FittedDemand best_demand_rate(const ValueHistory& history, const std::vector<DemandTarget>& targets,
                              const IntermittentChoice& choice) {
  using Method = IntermittentMethod;
  constexpr Method kMethods[] = {Method::Tsb, Method::Croston, Method::Sba};
  const std::vector<SizeSample> sizes =
      trial_sizes(history, targets, choice.phase_sizes ? choice.season.period : 1);
  FittedDemand fitted{.choice = choice, .profile = PhaseMeans(choice.season), .rate = {}};
  std::vector<IntermittentRate> rates;
  for (const double alpha : kDemandAlphas) rates.push_back({.alpha = alpha});
  double losses[std::size(kMethods)][std::size(kDemandAlphas)][std::size(kDemandRetentions)] = {};
  walk_demands(history, targets, fitted.profile, rates, [&](std::size_t i) {
    const DemandTarget& target = targets[i];
    const double normal = fitted.profile.at(target.at);
    for (std::size_t m = 0; m < std::size(kMethods); ++m) {
      for (std::size_t a = 0; a < std::size(kDemandAlphas); ++a) {
        rates[a].method = kMethods[m];
        const double rate = rates[a].rate();
        for (std::size_t r = 0; r < std::size(kDemandRetentions); ++r) {
          const double probability = demand_probability(normal, rate, kDemandRetentions[r], target.lead());
          losses[m][a][r] += target.weight * compound_loss(sizes[i], probability, history[target.at]);
        }
      }
    }
  });
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t m = 0; m < std::size(kMethods); ++m) {
    for (std::size_t a = 0; a < std::size(kDemandAlphas); ++a) {
      for (std::size_t r = 0; r < std::size(kDemandRetentions); ++r) {
        if (!(losses[m][a][r] < kDemandBetter * best)) continue;
        best = losses[m][a][r];
        fitted.rate = rates[a];
        fitted.rate.method = kMethods[m];
        fitted.choice.retention = kDemandRetentions[r];
      }
    }
  }
  return fitted;
}

/// Sparse arrivals: whether some come, and how many if so, are foreseen apart. The odds that some come are
/// smoothed by the method of the Croston family that does best on this series, and follow the season's
/// profile of occurrence if there is one. The sizes are those that have been seen, lately or at the same
/// phase. A step's quantiles are those of the compound: zero up to the odds of nothing, sizes above
/// (Willemain, Smart and Schwarz 2004 argue for empirical sizes). Regressors are not used.
class Intermittent final : public Forecaster {
 public:
  ModelId id() const override { return ModelId::Intermittent; }

  Result<void> fit(const SeriesView& history) override {
    history_.assign(history.values.last(std::min(history.values.size(), kDemandStepsMax)));
    begin_after(history);
    fitted_ = history_.measured() >= kIntermittentMeasuredMin;
    if (!fitted_) {
      return error(ErrorCode::Invalid,
                   "the intermittent model needs " + std::to_string(kIntermittentMeasuredMin) +
                       " measured steps, but the history has " + std::to_string(history_.measured()));
    }
    const std::vector<std::uint32_t> seasons =
        learnable_seasons(history.seasons, history_.size(), kDemandSeasonsMax);
    const std::vector<DemandTarget> targets = demand_targets(history_);
    FittedDemand fitted = best_demand_rate(history_, targets, best_demand_season(history_, targets, seasons));
    choice_ = fitted.choice;
    profile_ = std::move(fitted.profile);
    rate_ = fitted.rate;
    recent_ = {};
    for (std::size_t t = 0; t < history_.size(); ++t) {
      if (history_.measured_at(t) && history_[t] > 0) recent_.push(history_[t]);
    }
    position_ = history_.size();
    persistence_ = surprise_persistence(history_, choice_.season.period > 1 ? choice_.season.period : 0);
    return {};
  }

  void update(float given, std::span<const float>) override {
    pass_step();
    history_.push(given);
    const std::size_t at = history_.size() - 1;
    if (history_.measured_at(at)) {
      const double value = history_[at];
      rate_.update(value, profile_.at(position_));
      profile_.update(position_, value > 0 ? 1 : 0, 1);
      if (value > 0) recent_.push(value);
    }
    ++position_;
  }

  std::vector<LevelValues> rows(std::span<const std::size_t> leads, Columns) const override {
    std::vector<LevelValues> rows;
    const std::size_t origin = history_.size();
    const std::uint32_t phase_period = choice_.phase_sizes ? choice_.season.period : 1;
    for (const std::size_t lead : leads) {
      const SizeSample sizes = sizes_for(history_, recent_, phase_period, rate_.alpha, origin,
                                         origin + lead - 1, RecentSizes::kKept);
      rows.push_back(sizes.compound(
          demand_probability(profile_.at(position_ + lead - 1), rate_.rate(), choice_.retention, lead)));
    }
    return rows;
  }

  std::string save() const override { return save_model(*this); }
  Result<void> load(std::string_view state) override { return load_model(*this, state); }

  static constexpr std::uint8_t kStateVersion = 1;
  static void fields(auto& model, auto& archive) {
    progress(model, archive);
    archive(model.persistence_);
    archive(model.position_);
    archive(model.choice_.phase_sizes);
    archive(model.choice_.retention);
    archive(model.rate_.method);
    archive(model.rate_.alpha);
    archive(model.rate_.size);
    archive(model.rate_.interval);
    archive(model.rate_.since);
    archive(model.rate_.demands);
    archive(model.rate_.exposures);
    archive(model.rate_.begun);
    PhaseMeans::fields(model.profile_, archive);
    RecentSizes::fields(model.recent_, archive);
    ValueHistory::fields(model.history_, archive);
  }
  bool settle() {
    if (step_ <= Duration(0) || !(persistence_ >= 0 && persistence_ < 1)) return false;
    if (!(choice_.retention >= 0 && choice_.retention <= 1)) return false;
    if (!rate_.is_sound() || !recent_.is_sound() || !profile_.settle()) return false;
    choice_.season = profile_.shape();
    return history_.settle();
  }

 private:
  double persistence() const override { return persistence_; }

  double persistence_ = 0;
  std::uint64_t position_ = 0;  ///< steps since the first of the fitted history
  IntermittentChoice choice_;
  PhaseMeans profile_;
  IntermittentRate rate_;
  RecentSizes recent_;
  ValueHistory history_;
};

}  // namespace

std::unique_ptr<Forecaster> make_intermittent() {
  return std::make_unique<Intermittent>();
}

}  // namespace forewarm
