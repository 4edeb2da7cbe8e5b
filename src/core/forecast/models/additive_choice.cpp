#include "core/forecast/models/additive_choice.h"

#include <algorithm>
#include <cmath>

namespace forewarm {
namespace {

constexpr std::size_t kAdditiveRowsMax = 2048;  // more change no parameter by much
constexpr std::size_t kRowsPerSeasonMin = 16;
constexpr std::size_t kAdditiveSeasonsMax = 3;
constexpr double kAdditiveCyclesMin = 3;
constexpr std::size_t kOrderFew = 4;      // Prophet's for a day
constexpr std::size_t kOrderMany = 12;    // for shapes with edges
constexpr std::size_t kOrderOfLong = 20;  // a week of hours: its days differ in shape
constexpr std::size_t kRowsPerChangepoint = 12;
constexpr double kTrainShare = 2.0 / 3;
constexpr double kBetter = 0.99;  // what a larger model has to gain
constexpr double kCapacityOverPeak = 1.15;
constexpr std::size_t kSettlingSteps = 400;

/// The part of a history that is used, and the harmonics of its seasons.
struct AdditivePlan {
  std::size_t used = 0;  ///< steps, the newest
  std::size_t bin = 1;
  std::vector<Harmonic> harmonics;  ///< low orders first
  std::size_t few = 0;              ///< how many are of low order
};

AdditivePlan plan_for(std::size_t steps, std::span<const std::uint32_t> given) {
  AdditivePlan plan;
  std::vector<std::uint32_t> seasons;
  const auto fits = [](std::uint32_t season, std::size_t within) {
    return season >= 2 && kAdditiveCyclesMin * season <= static_cast<double>(within);
  };
  for (const std::uint32_t season : given) {
    if (fits(season, steps) && seasons.size() < kAdditiveSeasonsMax) seasons.push_back(season);
  }
  plan.bin = std::max<std::size_t>(1, steps / kAdditiveRowsMax);
  if (!seasons.empty()) plan.bin = std::clamp<std::size_t>(seasons.front() / kRowsPerSeasonMin, 1, plan.bin);
  plan.used = std::min(steps, kAdditiveRowsMax * plan.bin);
  for (std::size_t order = 1; order <= kOrderOfLong; ++order) {
    for (std::size_t i = 0; i < seasons.size(); ++i) {
      const bool in_reach = order <= (i == 0 ? kOrderMany : kOrderOfLong);
      if (!in_reach || 2 * order * plan.bin > seasons[i] || !fits(seasons[i], plan.used)) continue;
      const double turns = static_cast<double>(order) / seasons[i];
      const bool known = std::any_of(plan.harmonics.begin(), plan.harmonics.end(), [&](const Harmonic& h) {
        return std::abs(h.turns_per_step - turns) * static_cast<double>(plan.used) < 0.5;
      });
      if (!known) plan.harmonics.push_back({.turns_per_step = turns});
    }
    if (order == kOrderFew) plan.few = plan.harmonics.size();
  }
  return plan;
}

/// So many rows that a third of what was measured is left.
std::size_t training_rows(const AdditiveDesign& design) {
  double all = 0, sum = 0;
  for (const double weight : design.weights) all += weight;
  std::size_t row = 0;
  while (row + 1 < design.weights.size() && sum < kTrainShare * all) sum += design.weights[row++];
  return row;
}

/// Goes from Prophet's default to what predicts better, one choice at a time.
class AdditiveSearch {
 public:
  AdditiveSearch(const AdditiveDesign& design, const AdditivePlan& plan, const AdditiveWalk& walk,
                 std::size_t train)
      : design_(design), plan_(plan), walk_(walk) {
    subset_ = {.rows = train, .harmonics = plan.few, .regressors = false};
    shape_.changepoints = std::min(shape_.changepoints, train / kRowsPerChangepoint);
    best_ = walk_.tried(fit_additive(design_, subset_, shape_));
  }

  void choose_growth() {
    const double linear = best_.loss;
    AdditiveShape flat = shape_;
    flat.growth = TrendGrowth::Flat;
    if (consider(flat, subset_, 1 / kBetter) || linear <= 0) return;
    AdditiveShape logistic = shape_;
    logistic.growth = TrendGrowth::Logistic;
    double peak = 0;
    for (std::size_t row = 0; row < subset_.rows; ++row)
      peak = std::max(peak, best_.fit.trend(design_.at[row]));
    logistic.capacity = kCapacityOverPeak * peak;
    if (peak > 0) consider(logistic, subset_, kBetter);
  }

  void choose_seasons() {
    if (plan_.harmonics.empty()) return;
    AdditiveSubset many = subset_;
    many.harmonics = plan_.harmonics.size();
    if (many.harmonics > subset_.harmonics) consider(shape_, many, kBetter);
    AdditiveShape shares = shape_;
    shares.multiplicative = true;
    consider(shares, subset_, kBetter);
  }

  bool choose_regressors() {
    AdditiveSubset more = subset_;
    more.regressors = true;
    return consider(shape_, more, kBetter);
  }

  /// Errors as they were where the fit had not seen, parameters from the whole history, levels as at its end.
  AdditiveVariant finished(std::span<const float> values, Columns regressors) const {
    AdditiveVariant variant = best_;
    walk_.measure_errors(variant);
    AdditiveSubset whole = subset_;
    whole.rows = design_.at.size();
    variant.fit = fit_additive(design_, whole, shape_);
    variant.fit.reach = best_.fit.reach;
    const std::size_t first = values.size() - std::min(values.size(), kSettlingSteps);
    variant.settle_on(values, expect_steps(variant.fit, first, values.size(), regressors));
    return variant;
  }

 private:
  bool consider(const AdditiveShape& shape, const AdditiveSubset& subset, double share) {
    AdditiveVariant candidate = walk_.tried(fit_additive(design_, subset, shape));
    if (!(candidate.loss < share * best_.loss)) return false;
    best_ = std::move(candidate);
    shape_ = shape;
    subset_ = subset;
    return true;
  }

  const AdditiveDesign& design_;
  const AdditivePlan& plan_;
  const AdditiveWalk& walk_;
  AdditiveShape shape_;
  AdditiveSubset subset_;
  AdditiveVariant best_;
};

}  // namespace

AdditiveChoice choose_additive(const SeriesView& history) {
  const AdditivePlan plan = plan_for(history.values.size(), history.seasons);
  const std::size_t skipped = history.values.size() - plan.used;
  const std::span<const float> values = history.values.subspan(skipped);
  std::vector<std::span<const float>> regressors;
  for (const std::span<const float> column : history.regressors) {
    if (column.size() == history.values.size()) regressors.push_back(column.subspan(skipped));
  }
  if (regressors.size() < history.regressors.size()) regressors.clear();
  const AdditiveDesign design = make_additive_design(values, plan.harmonics, regressors, plan.bin);
  const std::size_t train = training_rows(design);
  const AdditiveWalk walk(values, regressors, values.size() - (design.at.size() - train) * plan.bin);
  AdditiveSearch search(design, plan, walk, train);
  search.choose_growth();
  search.choose_seasons();
  AdditiveChoice choice{.steps = plan.used, .plain = search.finished(values, {}), .driven = {}};
  if (!regressors.empty() && search.choose_regressors()) choice.driven = search.finished(values, regressors);
  return choice;
}

}  // namespace forewarm
