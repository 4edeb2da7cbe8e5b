#include "core/forecast/models/harmonic_choice.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"
#include "core/forecast/models/arima_order.h"
#include "core/forecast/models/least_squares.h"

namespace forewarm {
namespace {

constexpr Eigen::Index kBlocks = 6;
constexpr std::uint32_t kHarmonicCounts[] = {0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 25, 30};
constexpr std::uint32_t kHarmonicsMax = 30;      // of the shortest season
constexpr std::uint32_t kLongHarmonicsMax = 15;  // of the others: sidebands of the first are among them
constexpr std::uint32_t kShapeOrders = 3;        // of a day that a holiday changes
constexpr std::uint32_t kShapePeriodMin = 12;
constexpr std::size_t kStepsAFeature = 12;
constexpr std::size_t kSquaresMax = 12'000'000;  // columns squared times steps: what their products cost
constexpr double kSameSeason = 1.15;  // periods that are nearer say the same, and one says it better
constexpr std::size_t kRegressorsMax = 8;
constexpr double kRidges[] = {0.001, 0.03, 0.3};
constexpr double kCorrelationMax = 0.95;
constexpr double kWorthIt = 0.995;  // what a larger set of features has to bring the loss down to

/// First autocorrelation of what phase means of the shortest season leave.
double first_autocorrelation(std::span<const double> values, std::size_t period) {
  std::vector<double> sums(period), counts(period);
  for (std::size_t t = 0; t < values.size(); ++t) {
    if (values[t] != values[t]) continue;
    sums[t % period] += values[t];
    counts[t % period] += 1;
  }
  double before = std::numeric_limits<double>::quiet_NaN(), product = 0, square = 0;
  for (std::size_t t = 0; t < values.size(); ++t) {
    const double rest = values[t] - sums[t % period] / std::max(1.0, counts[t % period]);
    if (rest == rest) square += rest * rest;
    if (rest == rest && before == before) product += rest * before;
    before = rest;
  }
  return square > 0 ? std::clamp(product / square, 0.0, kCorrelationMax) : 0;
}

/// Sums of squares and products of all columns by block, so that any set of columns can be fitted on all
/// blocks but one and judged on that.
class BlockRegression {
 public:
  BlockRegression(const Eigen::MatrixXd& design, std::span<const double> values, double correlation) {
    const Eigen::Index steps = design.rows(), columns = design.cols();
    total_ = Eigen::MatrixXd::Zero(columns + 1, columns + 1);
    for (Eigen::Index block = 0; block < kBlocks; ++block) {
      const Eigen::Index from = std::max<Eigen::Index>(1, steps * block / kBlocks);
      const Eigen::Index count = steps * (block + 1) / kBlocks - from;
      if (count <= 0) continue;
      Eigen::MatrixXd white(count, columns + 1);  // the value last
      white.leftCols(columns) =
          design.middleRows(from, count) - correlation * design.middleRows(from - 1, count);
      for (Eigen::Index t = 0; t < count; ++t) {
        const auto at = static_cast<std::size_t>(from + t);
        white(t, columns) = values[at] - correlation * values[at - 1];
        if (white(t, columns) == white(t, columns)) continue;
        white.row(t).setZero();
      }
      blocks_.push_back(products_of_columns(white));
      total_ += blocks_.back();
    }
    steps_ = static_cast<double>(steps);
  }

  /// Squared errors out of sample of these columns; the last `shrunk` of them are shrunk by `ridge`.
  double loss(const std::vector<int>& columns, std::size_t shrunk, double ridge) const {
    double sum = 0;
    std::vector<int> whole(columns);
    whole.push_back(static_cast<int>(total_.cols()) - 1);
    const auto size = static_cast<Eigen::Index>(columns.size());
    const Eigen::MatrixXd total = total_(whole, whole);
    for (const Eigen::MatrixXd& gram : blocks_) {
      const Eigen::MatrixXd held = gram(whole, whole);
      Eigen::MatrixXd others = (total - held).topLeftCorner(size, size);
      others.diagonal() *= 1 + 1e-9;
      others.diagonal().tail(static_cast<Eigen::Index>(shrunk)).array() += ridge * steps_;
      others.diagonal().array() += 1e-12 * others.trace();
      const Eigen::VectorXd weights = others.ldlt().solve((total - held).col(size).head(size));
      sum += held(size, size) - 2 * weights.dot(held.col(size).head(size)) +
             weights.dot(held.topLeftCorner(size, size) * weights);
    }
    return std::isfinite(sum) ? sum : HUGE_VAL;
  }

 private:
  std::vector<Eigen::MatrixXd> blocks_;
  Eigen::MatrixXd total_;
  double steps_ = 0;
};

/// The seasons that come twice, and of some that are near each other the strongest.
std::vector<std::uint32_t> distinct_seasons(std::span<const double> values,
                                            std::span<const std::uint32_t> seasons) {
  std::vector<double> filled(values.begin(), values.end());
  double last = 0;
  for (double& value : filled) last = value = value == value ? value : last;
  std::vector<std::uint32_t> distinct;
  double strongest = 0;
  for (const std::uint32_t season : seasons) {
    if (season < 2 || 2 * std::size_t{season} > values.size()) continue;
    const double strength = seasonal_strength(filled, season);
    const bool same = !distinct.empty() && season < kSameSeason * distinct.back();
    if (same && strength <= strongest) continue;
    if (same) distinct.pop_back();
    distinct.push_back(season);
    strongest = strength;
  }
  return distinct;
}

/// Candidates: columns of the whole design by what belongs together.
struct Candidates {
  std::vector<RegressionFeature> features;
  std::vector<std::vector<std::vector<int>>> seasons;  ///< by season and order: a sine and cosine, or nothing
  std::vector<std::vector<int>> regressors;            ///< by regressor: itself and its square or shape
};

Candidates candidates_for(std::size_t steps, std::span<const std::uint32_t> seasons, Columns regressors) {
  Candidates all;
  all.features.emplace_back();
  const auto add = [&](const RegressionFeature& feature) {
    all.features.push_back(feature);
    return static_cast<int>(all.features.size()) - 1;
  };
  const auto add_wave = [&](RegressionFeature feature, std::vector<int>& columns) {
    for (const std::uint32_t cosine : {0U, 1U}) {
      feature.cosine = cosine;
      if (2 * feature.order == feature.period && cosine == 0) continue;  // its sine is zero at every step
      columns.push_back(add(feature));
    }
  };
  const std::size_t squares = kSquaresMax / std::max<std::size_t>(1, steps);
  const std::size_t columns_max =
      std::min(steps / kStepsAFeature, static_cast<std::size_t>(sqrt(static_cast<double>(squares))));
  std::vector<std::uint32_t> used;
  for (const std::uint32_t season : seasons) {
    const std::uint32_t most = std::min(used.empty() ? kHarmonicsMax : kLongHarmonicsMax, season / 2);
    // The shortest season leaves the others some room.
    const std::size_t budget = columns_max * (used.empty() && seasons.size() > 1 ? 3 : 5) / 5;
    all.seasons.emplace_back();
    for (std::uint32_t order = 1; order <= most; ++order) {
      if (all.features.size() > budget) break;
      all.seasons.back().emplace_back();
      const bool known = std::any_of(used.begin(), used.end(), [&](std::uint64_t shorter) {
        return order * shorter % season == 0;  // one of its harmonics
      });
      if (!known) add_wave({.period = season, .order = order}, all.seasons.back().back());
    }
    used.push_back(season);
  }
  const std::uint32_t shape = !used.empty() && used.front() >= kShapePeriodMin ? used.front() : 0;
  for (std::uint32_t i = 0; i < std::min(regressors.size(), kRegressorsMax); ++i) {
    std::vector<float> distinct;
    for (const float value : regressors[i]) {
      if (!std::isfinite(value) || std::find(distinct.begin(), distinct.end(), value) != distinct.end())
        continue;
      distinct.push_back(value);
      if (distinct.size() > 2) break;
    }
    all.regressors.emplace_back();
    if (distinct.size() < 2) continue;
    all.regressors.back().push_back(add({.regressor = i}));
    if (distinct.size() > 2) all.regressors.back().push_back(add({.regressor = i, .power = 2}));
    for (std::uint32_t order = 1; distinct.size() == 2 && shape > 0 && order <= kShapeOrders; ++order)
      add_wave({.regressor = i, .period = shape, .order = order}, all.regressors.back());
  }
  return all;
}

/// The best number of harmonics of one season on top of what is chosen.
std::vector<int> with_harmonics(const BlockRegression& blocks, const std::vector<int>& chosen,
                                const std::vector<std::vector<int>>& orders) {
  std::vector<int> now = chosen, best = chosen;
  double least = blocks.loss(chosen, 0, 0);
  std::size_t taken = 0;
  int worse = 0;
  for (const std::uint32_t count : kHarmonicCounts) {
    if (count == 0) continue;
    const std::size_t wanted = std::min<std::size_t>(count, orders.size());
    if (wanted == taken) break;
    for (; taken < wanted; ++taken) now.insert(now.end(), orders[taken].begin(), orders[taken].end());
    if (now.size() == best.size()) continue;
    const double loss = blocks.loss(now, 0, 0);
    if (loss < kWorthIt * least) {
      least = loss;
      best = now;
      worse = 0;
    } else if (++worse == 4) {
      break;
    }
  }
  return best;
}

struct RegressorSet {
  std::vector<int> columns;
  double ridge = 0;
};

/// All regressors or none, then without those that do not help.
RegressorSet with_regressors(const BlockRegression& blocks, const std::vector<int>& base,
                             std::vector<std::vector<int>> groups) {
  RegressorSet best;
  double least = kWorthIt * blocks.loss(base, 0, 0);
  const auto compete = [&](const std::vector<std::vector<int>>& some, double ridge) {
    std::vector<int> added, columns = base;
    for (const std::vector<int>& group : some) added.insert(added.end(), group.begin(), group.end());
    columns.insert(columns.end(), added.begin(), added.end());
    const double loss = blocks.loss(columns, added.size(), ridge);
    if (loss >= least) return false;
    least = loss;
    best = {.columns = std::move(added), .ridge = ridge};
    return true;
  };
  for (const double ridge : kRidges) compete(groups, ridge);
  if (best.columns.empty()) {
    for (const std::vector<int>& group : groups) compete({group}, kRidges[1]);
    return best;
  }
  for (std::size_t i = groups.size(); groups.size() > 1 && i-- > 0;) {
    std::vector<std::vector<int>> fewer = groups;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    if (compete(fewer, best.ridge)) groups = std::move(fewer);
  }
  return best;
}

}  // namespace

HarmonicChoice choose_harmonics(std::span<const double> values, std::span<const std::uint32_t> seasons,
                                Columns regressors, std::span<const RegressorScale> scales) {
  const Candidates all = candidates_for(values.size(), distinct_seasons(values, seasons), regressors);
  HarmonicChoice choice;
  choice.correlation = first_autocorrelation(values, all.features.size() > 1 ? all.features[1].period : 1);
  const BlockRegression blocks(design_matrix(all.features, values.size(), regressors, scales), values,
                               choice.correlation);
  std::vector<int> base = {0};
  for (const auto& orders : all.seasons) base = with_harmonics(blocks, base, orders);
  std::vector<std::vector<int>> groups;
  for (const std::vector<int>& group : all.regressors) {
    if (!group.empty()) groups.push_back(group);
  }
  for (const int column : base) choice.base.push_back(all.features[static_cast<std::size_t>(column)]);
  if (groups.empty()) return choice;
  const RegressorSet set = with_regressors(blocks, base, groups);
  choice.ridge = set.ridge;
  for (const int column : set.columns)
    choice.regressors.push_back(all.features[static_cast<std::size_t>(column)]);
  return choice;
}

}  // namespace forewarm
