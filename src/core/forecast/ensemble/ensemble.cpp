#include "core/forecast/ensemble/ensemble.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "core/forecast/models/models.h"
#include "core/forecast/state_bytes.h"

namespace forewarm {
namespace {

constexpr std::uint8_t kEnsembleStateVersion = 1;
constexpr double kPoolPowers[] = {3, 8};  // of the inverse loss: a broad pool and a choosy one
constexpr std::size_t kPools = std::size(kPoolPowers);
static_assert(kPooledKinds + kPools == kExpertKinds);
constexpr double kMeanMin = 1e-9;
constexpr double kPoolLossFloor = 0.02;  // share of the mean, so that no expert counts alone by luck

std::vector<ModelId> models_of(EnsembleSize size) {
  std::vector<ModelId> models;
  for (const ModelMaker& maker : kModelMakers) {
    if ((size == EnsembleSize::Whole || !maker.heavy) && MixGate::knows(kind_of(maker.id)))
      models.push_back(maker.id);
  }
  return models;
}

LevelValues pooled(std::span<const LevelValues> said, const ExpertLosses& losses, double mean,
                   std::size_t lead, double power) {
  LevelValues pool{};
  double total = 0;
  for (std::size_t e = 0; e < said.size(); ++e) {
    double weight = 1;
    if (losses.known()) {
      const std::size_t band = ExpertLosses::band_of(lead);
      const double loss = (losses.at(e, band, 0) + losses.at(e, band, 1)) / mean + kPoolLossFloor;
      weight = exp(-power * log(loss));
    }
    for (std::size_t level = 0; level < kForecastLevelCount; ++level) pool[level] += weight * said[e][level];
    total += weight;
  }
  for (double& value : pool) value /= total;
  return pool;
}

}  // namespace

Ensemble::Ensemble(EnsembleSize size, std::size_t horizon) : Ensemble(models_of(size), horizon) {}

Ensemble::Ensemble(std::span<const ModelId> models, std::size_t horizon)
    : panel_(models), horizon_(std::max<std::size_t>(1, horizon)) {}

Result<void> Ensemble::fit(const SeriesView& history) {
  begin_after(history);
  effects_ = SignalEffects(history, history.future);
  since_fit_ = 0;
  const std::vector<float> without_effects = effects_.without_effects();
  SeriesView seen = history;
  seen.regressors = seen.future = {};
  if (!effects_.empty()) {
    seen.start += history.step * static_cast<Duration::rep>(history.values.size() - without_effects.size());
    seen.values = without_effects;
  }
  shape_ = SeriesShape::of(seen.values);
  calibration_ = {};
  std::vector<BacktestPoint> points = backtest(panel_, seen, horizon_);
  const std::vector<Expert> tested(panel_.experts().begin(), panel_.experts().end());
  const Result<void> fitted = panel_.fit(seen);
  fitted_ = fitted.has_value();
  if (!fitted_) return fitted;
  choose_experts(tested, std::move(points));
  return {};
}

void Ensemble::choose_experts(std::span<const Expert> tested, std::vector<BacktestPoint> points) {
  std::vector<std::size_t> as_tested;
  taking_part_.clear();
  experts_.clear();
  losses_ = {};
  for (std::uint32_t e = 0; e < panel_.experts().size(); ++e) {
    const Expert& expert = panel_.experts()[e];
    const auto found = std::find(tested.begin(), tested.end(), expert);
    if (!points.empty() && found == tested.end()) continue;
    taking_part_.push_back(e);
    as_tested.push_back(static_cast<std::size_t>(found - tested.begin()));
    experts_.push_back(expert);
  }
  for (std::size_t pool = 0; pool < kPools; ++pool)
    experts_.push_back({.kind = static_cast<ExpertKind>(kPooledKinds + pool)});
  if (points.empty()) return;
  for (BacktestPoint& point : points) {
    std::vector<LevelValues> said;
    for (const std::size_t e : as_tested) said.push_back(point.said[e]);
    point.said = std::move(said);
  }
  const ExpertLosses alone(points, taking_part_.size());
  for (BacktestPoint& point : points) add_pools(point.said, alone, point.lead);
  losses_ = ExpertLosses(points, experts_.size());
  calibrate(points);
}

void Ensemble::calibrate(std::span<const BacktestPoint> points) {
  for (const BacktestPoint& point : points)
    calibration_.observe(point.lead, mix(point.said, point.lead), point.value);
}

void Ensemble::add_pools(std::vector<LevelValues>& said, const ExpertLosses& losses, std::size_t lead) const {
  const std::vector<LevelValues> alone = said;
  for (const double power : kPoolPowers)
    said.push_back(pooled(alone, losses, std::max(shape_.mean, kMeanMin), lead, power));
}

void Ensemble::update(float value, std::span<const float>) {
  panel_.update(static_cast<float>(effects_.taken_out_after(value, since_fit_)));
  ++since_fit_;
  pass_step();
}

std::vector<std::vector<LevelValues>> Ensemble::said(std::span<const std::size_t> leads) const {
  std::vector<std::vector<LevelValues>> said;
  const std::vector<std::vector<LevelValues>> rows = panel_.rows(leads);
  for (std::size_t i = 0; i < leads.size(); ++i) {
    std::vector<LevelValues> row;
    for (const std::uint32_t e : taking_part_) row.push_back(rows[i][e]);
    add_pools(row, losses_, leads[i]);
    said.push_back(std::move(row));
  }
  return said;
}

LevelValues Ensemble::mix(std::span<const LevelValues> said, std::size_t lead) const {
  const std::vector<GateShare> by_expert =
      MixGate::shares(MixGate::features(experts_, losses_, shape_, lead, said));
  LevelValues mixed{};
  for (std::size_t e = 0; e < said.size(); ++e) {
    for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
      mixed[level] +=
          (level < ExpertLosses::kUpper ? by_expert[e].lower : by_expert[e].upper) * said[e][level];
    }
  }
  // The weights differ above the median, so the mix may step down there.
  for (std::size_t level = 1; level < kForecastLevelCount; ++level)
    mixed[level] = std::max(mixed[level], mixed[level - 1]);
  return mixed;
}

std::vector<LevelValues> Ensemble::rows(std::span<const std::size_t> leads, Columns) const {
  std::vector<LevelValues> rows;
  const std::vector<std::vector<LevelValues>> by_lead = said(leads);
  for (std::size_t i = 0; i < leads.size(); ++i) {
    const LevelValues calibrated = calibration_.apply(leads[i], mix(by_lead[i], leads[i]));
    rows.push_back(effects_.put_back_after(calibrated, since_fit_, leads[i]));
  }
  return rows;
}

std::vector<std::vector<ExpertVoice>> Ensemble::voices(std::span<const std::size_t> leads) const {
  std::vector<std::vector<ExpertVoice>> voices;
  if (!fitted_) return voices;
  const std::vector<std::vector<LevelValues>> by_lead = said(leads);
  for (std::size_t i = 0; i < leads.size(); ++i) {
    const std::vector<GateFeatures> features =
        MixGate::features(experts_, losses_, shape_, leads[i], by_lead[i]);
    const std::vector<GateShare> shares = MixGate::shares(features);
    std::vector<ExpertVoice>& row = voices.emplace_back();
    for (std::size_t e = 0; e < experts_.size(); ++e) {
      row.push_back(
          {.expert = experts_[e], .share = shares[e], .said = by_lead[i][e], .features = features[e]});
    }
  }
  return voices;
}

std::string Ensemble::save() const {
  StateWriter writer(id(), kEnsembleStateVersion);
  fields(*this, writer);
  for (const std::string& state : panel_.save()) writer(std::vector<char>(state.begin(), state.end()));
  return writer.finish();
}

Result<void> Ensemble::load(std::string_view state) {
  StateReader reader(state, id(), kEnsembleStateVersion);
  Ensemble loaded(panel_.models(), horizon_);
  fields(loaded, reader);
  std::vector<std::string> states;
  for (std::size_t m = 0; m < panel_.models().size() + 1; ++m) {
    std::vector<char> bytes;
    reader(bytes);
    states.emplace_back(bytes.begin(), bytes.end());
  }
  if (!reader.at_end() || !loaded.settle(states)) {
    return error(ErrorCode::Invalid, "the bytes are not a state of this ensemble, version " +
                                         std::to_string(kEnsembleStateVersion));
  }
  *this = std::move(loaded);
  return {};
}

bool Ensemble::settle(std::span<const std::string> states) {
  if (step_ <= Duration(0) || !shape_.is_sound() || !calibration_.is_sound() || !effects_.is_sound())
    return false;
  if (!fitted_) return taking_part_.empty();
  if (!panel_.load(states)) return false;
  for (const std::uint32_t e : taking_part_) {
    if (e >= panel_.experts().size()) return false;
    experts_.push_back(panel_.experts()[e]);
  }
  for (std::size_t pool = 0; pool < kPools; ++pool)
    experts_.push_back({.kind = static_cast<ExpertKind>(kPooledKinds + pool)});
  return !taking_part_.empty() && (!losses_.known() || losses_.is_sound(experts_.size()));
}

}  // namespace forewarm
