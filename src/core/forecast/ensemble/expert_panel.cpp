#include "core/forecast/ensemble/expert_panel.h"

#include <algorithm>
#include <cmath>

#include "core/forecast/models/models.h"

namespace forewarm {
namespace {

Expert expert_of(const ValueSource& source) {
  using Kind = ValueSource::Kind;
  if (source.kind == Kind::Recent) {
    ExpertKind kind = 0;
    for (std::uint32_t window = 8; window < source.period && kind + 1 < kRecentKinds; window *= 4) ++kind;
    return {.kind = kind};
  }
  const int way = source.kind == Kind::Levelled ? 3 : source.reach > 0 ? 2 : source.cycles < 16 ? 1 : 0;
  return {.kind = static_cast<ExpertKind>(kRecentKinds + way), .period = source.period};
}

void make_sound(LevelValues& row) {
  double floor = 0;
  for (double& value : row) {
    if (!(value >= floor) || !std::isfinite(value)) value = floor;
    floor = value;
  }
}

}  // namespace

ExpertPanel::ExpertPanel(std::span<const ModelId> models) {
  for (const ModelMaker& maker : kModelMakers) {
    const bool wanted = std::find(models.begin(), models.end(), maker.id) != models.end();
    if (wanted && maker.id != ModelId::SeasonalQuantiles) models_.push_back(maker.make());
  }
}

std::vector<ModelId> ExpertPanel::models() const {
  std::vector<ModelId> ids;
  ids.reserve(models_.size());
  for (const std::unique_ptr<Forecaster>& model : models_) ids.push_back(model->id());
  return ids;
}

Result<void> ExpertPanel::fit(const SeriesView& history) {
  return fit_all(history, &SeasonalQuantiles::fit);
}

Result<void> ExpertPanel::fit_to_score(const SeriesView& history) {
  return fit_all(history, &SeasonalQuantiles::fit_sources);
}

Result<void> ExpertPanel::fit_all(const SeriesView& history,
                                  Result<void> (SeasonalQuantiles::*fit_seasonal)(const SeriesView&)) {
  experts_.clear();
  fitted_.assign(models_.size(), false);
  if (const Result<void> fitted = (seasonal_.*fit_seasonal)(history); !fitted) return fitted;
  usual_ = DisturbanceScale(seasonal_.history());
  for (std::size_t m = 0; m < models_.size(); ++m) fitted_[m] = models_[m]->fit(history).has_value();
  list_experts();
  return {};
}

void ExpertPanel::learn_mix(std::span<BacktestPoint> points) {
  const std::size_t sources = seasonal_.sources().size();
  std::vector<MixPoint> said;
  for (const BacktestPoint& point : points) {
    said.push_back({.said = std::vector<LevelValues>(
                        point.said.begin(), point.said.begin() + static_cast<std::ptrdiff_t>(sources)),
                    .value = point.value,
                    .lead = point.lead});
  }
  seasonal_.learn(said);
  for (std::size_t i = 0; i < points.size(); ++i)
    points[i].said[sources] = seasonal_.mix(points[i].lead, said[i].said);
}

void ExpertPanel::list_experts() {
  experts_.clear();
  for (const ValueSource& source : seasonal_.sources()) experts_.push_back(expert_of(source));
  experts_.push_back({.kind = kind_of(ModelId::SeasonalQuantiles)});
  for (std::size_t m = 0; m < models_.size(); ++m) {
    if (fitted_[m]) experts_.push_back({.kind = kind_of(models_[m]->id())});
  }
}

void ExpertPanel::update(float value) {
  seasonal_.update(value, {});
  for (std::size_t m = 0; m < models_.size(); ++m) {
    if (fitted_[m]) models_[m]->update(value, {});
  }
}

std::vector<std::vector<LevelValues>> ExpertPanel::rows(std::span<const std::size_t> leads) const {
  std::vector<std::vector<LevelValues>> rows = seasonal_.source_rows(leads);
  for (std::size_t i = 0; i < leads.size(); ++i) rows[i].push_back(seasonal_.mix(leads[i], rows[i]));
  for (std::size_t m = 0; m < models_.size(); ++m) {
    if (!fitted_[m]) continue;
    const std::vector<LevelValues> said = models_[m]->rows(leads, {});
    for (std::size_t i = 0; i < leads.size(); ++i) rows[i].push_back(said[i]);
  }
  for (std::vector<LevelValues>& row : rows) std::for_each(row.begin(), row.end(), make_sound);
  return rows;
}

std::vector<std::string> ExpertPanel::save() const {
  std::vector<std::string> states = {seasonal_.save()};
  for (std::size_t m = 0; m < models_.size(); ++m) states.push_back(fitted_[m] ? models_[m]->save() : "");
  return states;
}

Result<void> ExpertPanel::load(std::span<const std::string> states) {
  if (states.size() != models_.size() + 1)
    return error(ErrorCode::Invalid, "a state of " + std::to_string(states.size()) + " models, but " +
                                         std::to_string(models_.size() + 1) + " take part");
  if (const Result<void> loaded = seasonal_.load(states[0]); !loaded) return loaded;
  if (!usual_.is_sound()) return error(ErrorCode::Invalid, "the bytes are not those of a panel of models");
  fitted_.assign(models_.size(), false);
  for (std::size_t m = 0; m < models_.size(); ++m) {
    if (states[m + 1].empty()) continue;
    if (const Result<void> loaded = models_[m]->load(states[m + 1]); !loaded) return loaded;
    fitted_[m] = true;
  }
  list_experts();
  return {};
}

}  // namespace forewarm
