#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "core/forecast/models/models.h"
#include "core/forecast/models/source_weights.h"
#include "core/forecast/quantile_set.h"
#include "core/forecast/state_bytes.h"

namespace forewarm {
namespace {

constexpr std::size_t kMeasuredMin = 8;
constexpr std::size_t kSeasonsKeptMax = 4;

/// Correlation of a step's surprise with the next one's: of values less those a season before, or less the
/// mean.
double measured_persistence(const ValueHistory& history, std::uint32_t season) {
  const std::size_t n = history.size();
  const std::size_t from = std::max<std::size_t>(season, n - std::min<std::size_t>(n, 1000));
  const double mean = history.mean(0, n);
  double product = 0, square = 0, before = 0;
  for (std::size_t t = from; t < n; ++t) {
    double surprise = 0;
    if (history.measured_at(t) && (season == 0 || history.measured_at(t - season))) {
      surprise = sqrt(history[t]) - sqrt(season == 0 ? mean : history[t - season]);
    }
    product += surprise * before;
    square += surprise * surprise;
    before = surprise;
  }
  return square > 0 ? std::clamp(product / square, 0.0, 0.95) : 0;
}

/// Quantiles of past values that resemble the future one: same phase of each season, phases around it, recent
/// ones, raw or scaled to the present level. Exact for timers and batches, where every same-phase value is
/// the same, honest about sparse counts, and never far off on anything, since it only says what has been
/// seen. It follows the analogue
/// ("climatology") baselines of Hyndman and Athanasopoulos, Forecasting: Principles and Practice, chapter 5,
/// made adaptive by weights that are learnt by pinball loss (source_weights.h). Regressors are not used.
class SeasonalQuantiles final : public Forecaster {
 public:
  ModelId id() const override { return ModelId::SeasonalQuantiles; }

  Result<void> fit(const SeriesView& history) override {
    history_.assign(history.values);
    begin_after(history);
    seasons_.clear();
    fitted_ = history_.measured() >= kMeasuredMin;
    if (!fitted_) {
      return error(ErrorCode::Invalid, "seasonal quantiles need " + std::to_string(kMeasuredMin) +
                                           " measured steps, but the history has " +
                                           std::to_string(history_.measured()));
    }
    for (const std::uint32_t season : history.seasons) {
      if (season >= 2 && season < history_.size() && seasons_.size() < kSeasonsKeptMax)
        seasons_.push_back(season);
    }
    sources_ = value_sources(seasons_);
    weights_ = learn_weights(history_, sources_);
    persistence_ = measured_persistence(history_, seasons_.empty() ? 0 : seasons_.front());
    return {};
  }

  void update(float value, std::span<const float>) override {
    history_.push(value);
    pass_step();
  }

  std::vector<LevelValues> rows(std::span<const std::size_t> leads, Columns) const override {
    std::vector<LevelValues> rows;
    const std::size_t origin = history_.size();
    const std::vector<LevelValues> recent = recent_of(history_, sources_, origin);
    std::vector<WeightedValue> sample;
    for (const std::size_t lead : leads) {
      rows.push_back(
          combined_quantiles(history_, sources_, weights_, recent, origin, origin + lead - 1, sample));
    }
    return rows;
  }

  std::string save() const override { return save_model(*this); }
  Result<void> load(std::string_view state) override { return load_model(*this, state); }

  static constexpr std::uint8_t kStateVersion = 2;
  static void fields(auto& model, auto& archive) {
    progress(model, archive);
    archive(model.persistence_);
    archive(model.seasons_);
    MixWeights::fields(model.weights_, archive);
    ValueHistory::fields(model.history_, archive);
  }
  bool settle() {
    if (step_ <= Duration(0) || !(persistence_ >= 0 && persistence_ < 1)) return false;
    if (seasons_.size() > kSeasonsKeptMax || !history_.settle()) return false;
    if (!fitted_) return true;
    if (history_.size() == 0) return false;
    for (const std::uint32_t season : seasons_) {
      if (season < 2 || season > ValueHistory::kStoredMax) return false;
    }
    sources_ = value_sources(seasons_);
    return weights_.is_sound(sources_.size());
  }

 private:
  double persistence() const override { return persistence_; }

  double persistence_ = 0;
  ValueHistory history_;
  std::vector<std::uint32_t> seasons_;
  std::vector<ValueSource> sources_;
  MixWeights weights_;
};

}  // namespace

std::unique_ptr<Forecaster> make_seasonal_quantiles() {
  return std::make_unique<SeasonalQuantiles>();
}

}  // namespace forewarm
