#include "core/forecast/models/seasonal_quantiles.h"

#include <algorithm>

#include "core/forecast/models/models.h"
#include "core/forecast/models/source_weights.h"
#include "core/forecast/quantile_set.h"
#include "core/forecast/state_bytes.h"

namespace forewarm {
namespace {

constexpr std::size_t kMeasuredMin = 8;
constexpr std::size_t kSeasonsKeptMax = 4;

}  // namespace

Result<void> SeasonalQuantiles::fit(const SeriesView& history) {
  const Result<void> fitted = fit_sources(history);
  if (fitted) weights_ = learn_weights(history_, sources_);
  return fitted;
}

Result<void> SeasonalQuantiles::fit_sources(const SeriesView& history) {
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
  weights_ = MixWeights::learn({}, sources_.size());
  persistence_ = surprise_persistence(history_, seasons_.empty() ? 0 : seasons_.front());
  return {};
}

void SeasonalQuantiles::learn(std::span<const MixPoint> points) {
  weights_ = MixWeights::learn(points, sources_.size());
}

void SeasonalQuantiles::update(float value, std::span<const float>) {
  history_.push(value);
  pass_step();
}

std::vector<LevelValues> SeasonalQuantiles::rows(std::span<const std::size_t> leads, Columns) const {
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

std::vector<std::vector<LevelValues>> SeasonalQuantiles::source_rows(
    std::span<const std::size_t> leads) const {
  std::vector<std::vector<LevelValues>> rows;
  const std::size_t origin = history_.size();
  const std::vector<LevelValues> recent = recent_of(history_, sources_, origin);
  std::vector<WeightedValue> sample;
  for (const std::size_t lead : leads)
    rows.push_back(all_quantiles(history_, sources_, recent, origin, origin + lead - 1, sample));
  return rows;
}

LevelValues SeasonalQuantiles::mix(std::size_t lead, std::span<const LevelValues> said) const {
  LevelValues mixed{};
  const BetweenBands between(lead);
  for (std::size_t s = 0; s < said.size(); ++s) weights_.add(between, s, said[s], mixed);
  return mixed;
}

std::string SeasonalQuantiles::save() const {
  return save_model(*this);
}

Result<void> SeasonalQuantiles::load(std::string_view state) {
  return load_model(*this, state);
}

bool SeasonalQuantiles::settle() {
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

std::unique_ptr<Forecaster> make_seasonal_quantiles() {
  return std::make_unique<SeasonalQuantiles>();
}

}  // namespace forewarm
