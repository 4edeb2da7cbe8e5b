#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "core/forecast/models/batch_combs.h"
#include "core/forecast/models/models.h"
#include "core/forecast/state_bytes.h"
#include "core/forecast/value_history.h"

namespace forewarm {
namespace {

constexpr std::size_t kBatchMeasuredMin = 8;
constexpr std::size_t kBatchStepsMax = 20'160;
constexpr std::size_t kBaseKept = 192;
constexpr double kBaseKeep = 0.985;
constexpr double kCameRate = 0.2;  // how fast a comb that has stopped is given up
constexpr double kDriftGain = 0.1;

/// The newest values that no comb explains, and what they say: their quantiles.
class PlainBase {
 public:
  void push(double value) {
    if (values_.size() == kBaseKept) values_.erase(values_.begin());
    values_.push_back(value);
  }
  /// A value a level, each for as many levels as it stands for; sorted.
  LevelValues quantiles() const {
    std::vector<WeightedValue> sample;
    double weight = 1;
    for (std::size_t i = values_.size(); i-- > 0; weight *= kBaseKeep) sample.push_back({values_[i], weight});
    return sample.empty() ? LevelValues{} : weighted_quantiles(sample);
  }
  double middle() const { return values_.empty() ? 0 : quantiles()[kForecastLevelCount / 2]; }

  static void fields(auto& base, auto& archive) { archive(base.values_); }
  bool is_sound() const {
    return values_.size() <= kBaseKept &&
           std::all_of(values_.begin(), values_.end(), [](double v) { return v >= 0 && v <= 1e15; });
  }

 private:
  std::vector<double> values_;
};

/// How much of a distribution each of the forecast's levels stands for: from halfway to the level below to
/// halfway to the level above.
double level_weight(std::size_t level) {
  const double below = level == 0 ? 0 : 0.5 * (kForecastLevels[level - 1] + kForecastLevels[level]);
  const double above =
      level + 1 == kForecastLevelCount ? 1 : 0.5 * (kForecastLevels[level] + kForecastLevels[level + 1]);
  return above - below;
}

/// Quantiles that are points of the sample: between a base and a burst there is nothing. Sorts it.
LevelValues points_at_levels(std::vector<WeightedValue>& sample) {
  std::sort(sample.begin(), sample.end(),
            [](const WeightedValue& a, const WeightedValue& b) { return a.value < b.value; });
  LevelValues row{};
  double reached = 0;
  std::size_t level = 0;
  for (const WeightedValue& point : sample) {
    reached += point.weight;
    while (level < kForecastLevelCount && reached >= kForecastLevels[level]) row[level++] = point.value;
  }
  for (; level < kForecastLevelCount; ++level) row[level] = sample.back().value;
  return row;
}

/// Adds a burst that comes with odds `odds`: with them, a step has one of the sizes on top.
LevelValues with_burst(const LevelValues& base, const BatchComb& comb, double odds) {
  std::vector<WeightedValue> sample;
  sample.reserve(kForecastLevelCount + comb.sizes.size());
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    sample.push_back({base[level], (1 - odds) * level_weight(level)});
  }
  double total = 0, weight = 1;
  for (std::size_t i = 0; i < comb.sizes.size(); ++i, weight *= 0.95) total += weight;
  weight = odds / total;
  // Sizes scatter far more than the base below them, as a rule: its median is enough, so that a size that is
  // always the same stays one.
  for (std::size_t i = comb.sizes.size(); i-- > 0; weight *= 0.95) {
    sample.push_back({base[kForecastLevelCount / 2] + comb.sizes[i], weight});
  }
  return points_at_levels(sample);
}

/// Scheduled batches: exact combs of bursts (batch_combs.h), and a plain base of recent values for the rest.
/// A clock's jobs are the one thing in a queue that is known to the second, also days ahead and at a phase
/// that no season of the series has. Without a comb this is the base alone. Regressors are not used.
class Batches final : public Forecaster {
 public:
  ModelId id() const override { return ModelId::Batches; }

  Result<void> fit(const SeriesView& history) override {
    begin_after(history);
    SeriesView view = history;
    const std::size_t dropped = history.values.size() - std::min(history.values.size(), kBatchStepsMax);
    view.values = history.values.subspan(dropped);
    view.start += history.step * static_cast<Duration::rep>(dropped);
    ValueHistory values;
    values.assign(view.values);
    fitted_ = values.measured() >= kBatchMeasuredMin;
    if (!fitted_) {
      return error(ErrorCode::Invalid, "the batch model needs " + std::to_string(kBatchMeasuredMin) +
                                           " measured steps, but the history has " +
                                           std::to_string(values.measured()));
    }
    std::vector<bool> of_a_comb;
    combs_ = find_combs(view, &of_a_comb);
    base_ = {};
    for (std::size_t t = values.size() - std::min(values.size(), 4 * kBaseKept); t < values.size(); ++t) {
      if (values.measured_at(t) && !of_a_comb[t]) base_.push(values[t]);
    }
    position_ = values.size();
    pending_.assign(combs_.size(), {});
    persistence_ = surprise_persistence(values, combs_.empty() ? 0 : whole_period());
    return {};
  }

  void update(float given, std::span<const float>) override {
    const int day = weekday_of(start_, step_, 0);
    pass_step();
    const auto step = static_cast<double>(position_++);
    if (!std::isfinite(given)) return;
    const double value = std::clamp(static_cast<double>(given), 0.0, 1e15);
    double left = value;
    for (std::size_t i = 0; i < combs_.size(); ++i) {
      if (combs_[i].is_due(step, day))
        left -= follow_comb(combs_[i], pending_[i], step, left - base_.middle());
    }
    if (left == value) base_.push(value);
  }

  std::vector<LevelValues> rows(std::span<const std::size_t> leads, Columns) const override {
    const LevelValues base = base_.quantiles();
    std::vector<LevelValues> rows;
    for (const std::size_t lead : leads) {
      LevelValues row = base;
      const double step = static_cast<double>(position_ + lead - 1);
      const int day = weekday_of(start_, step_, static_cast<double>(lead - 1));
      for (const BatchComb& comb : combs_) {
        const double odds = comb.odds_at(step, day);
        if (odds > 0.002) row = with_burst(row, comb, odds);
      }
      rows.push_back(row);
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
    PlainBase::fields(model.base_, archive);
    archive(model.pending_);
    // The combs are as many as what is pending of them.
    if constexpr (!std::is_const_v<std::remove_reference_t<decltype(model)>>) {
      model.combs_.resize(std::min<std::size_t>(model.pending_.size(), kCombsMax));
    }
    for (auto& comb : model.combs_) BatchComb::fields(comb, archive);
  }
  bool settle() const {
    if (step_ <= Duration(0) || !(persistence_ >= 0 && persistence_ < 1)) return false;
    if (position_ > 1'000'000'000'000'000 || pending_.size() != combs_.size()) return false;
    for (const Pending& pending : pending_) {
      if (!(pending.size >= 0 && pending.size <= 1e15 && std::abs(pending.offset) <= 1)) return false;
    }
    return base_.is_sound() &&
           std::all_of(combs_.begin(), combs_.end(), [](const BatchComb& comb) { return comb.is_sound(); });
  }

 private:
  static constexpr std::size_t kCombsMax = 8;

  /// The largest burst so far in the steps around the one that is due; size 0 for none.
  struct Pending {
    double size = 0;
    double offset = 0;
  };

  double persistence() const override { return persistence_; }
  std::uint32_t whole_period() const {
    return static_cast<std::uint32_t>(std::max(1.0, std::floor(combs_.front().period + 0.5)));
  }

  /// What of `above`, the value less the base, is the comb's burst; learns from it when its time is over.
  static double follow_comb(BatchComb& comb, Pending& pending, double step, double above) {
    const double due = comb.due_near(step);
    const double offset = step - std::floor(due + 0.5);
    double taken = 0;
    if (above > 0.3 * comb.typical_size() && above > 1.5 * pending.size) {
      pending = {.size = above, .offset = offset};
      taken = above;
    }
    // With a period of two or less the step after is another burst's.
    if (offset < 1 && comb.period >= 3) return taken;
    const bool came = pending.size > 0;
    comb.came += kCameRate * ((came ? 1.0 : 0.0) - comb.came);
    if (came) {
      if (comb.sizes.size() == BatchComb::kSizesKept) comb.sizes.erase(comb.sizes.begin());
      comb.sizes.push_back(pending.size);
      for (double& count : comb.offsets) count *= 0.97;
      comb.offsets[static_cast<std::size_t>(pending.offset + 1)] += 1;
      comb.next = due + comb.period + (is_whole(comb.period) ? 0 : kDriftGain * pending.offset);
    }
    pending = {};
    return taken;
  }
  static bool is_whole(double period) { return period == std::floor(period); }

  double persistence_ = 0;
  std::uint64_t position_ = 0;  ///< steps since the first of the fitted history
  PlainBase base_;
  std::vector<Pending> pending_;  ///< by comb
  std::vector<BatchComb> combs_;
};

}  // namespace

std::unique_ptr<Forecaster> make_batches() {
  return std::make_unique<Batches>();
}

}  // namespace forewarm
