#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "core/forecast/forecaster.h"
#include "core/forecast/quantile_set.h"
#include "core/forecast/source_weights.h"
#include "core/forecast/state_bytes.h"

namespace forewarm {
namespace {

constexpr std::size_t kMeasuredMin = 8;
constexpr std::size_t kSeasonsKeptMax = 4;
constexpr std::uint8_t kStateVersion = 1;

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

  std::vector<LevelValues> rows(std::span<const std::size_t> leads,
                                std::span<const Regressor>) const override {
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

  std::string save() const override {
    StateWriter writer(id(), kStateVersion);
    writer(fitted_);
    writer(count_us(start_));
    writer(step_.count());
    writer(persistence_);
    writer(seasons_);
    for (std::size_t band = 0; band < MixWeights::kBands; ++band) writer(weights_.band(band));
    writer(std::vector<float>(history_.values().begin(), history_.values().end()));
    return writer.finish();
  }

  Result<void> load(std::string_view state) override {
    StateReader reader(state, id(), kStateVersion);
    SeasonalQuantiles loaded;
    std::uint8_t fitted = 0;
    std::int64_t start_us = 0, step_us = 0;
    std::vector<float> values;
    reader(fitted);
    reader(start_us);
    reader(step_us);
    reader(loaded.persistence_);
    reader(loaded.seasons_);
    for (std::size_t band = 0; band < MixWeights::kBands; ++band) reader(loaded.weights_.band(band));
    reader(values);
    if (!reader.at_end() || fitted > 1 || step_us <= 0 || !loaded.is_sound(values, fitted == 1)) {
      return error(ErrorCode::Invalid, "the bytes are not a state of seasonal quantiles, version 1");
    }
    loaded.fitted_ = fitted == 1;
    loaded.start_ = time_point_us(start_us);
    loaded.step_ = Duration(step_us);
    loaded.history_.restore(values);
    *this = std::move(loaded);
    return {};
  }

 private:
  double persistence() const override { return persistence_; }

  /// Whether what was read could have been written. Makes the sources.
  bool is_sound(const std::vector<float>& values, bool fitted) {
    if (!(persistence_ >= 0 && persistence_ < 1) || seasons_.size() > kSeasonsKeptMax) return false;
    if (!fitted) return true;
    if (values.empty() || values.size() > ValueHistory::kStoredMax) return false;
    for (const std::uint32_t season : seasons_) {
      if (season < 2 || season > ValueHistory::kStoredMax) return false;
    }
    sources_ = value_sources(seasons_);
    for (std::size_t band = 0; band < MixWeights::kBands; ++band) {
      if (weights_.band(band).size() != 2 * sources_.size()) return false;
      for (const double weight : weights_.band(band)) {
        if (!(weight >= 0 && weight <= 1.001)) return false;
      }
    }
    return true;
  }

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
