#include "core/forecast/ensemble/ensemble.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "core/forecast/models/batch_combs.h"
#include "core/forecast/models/models.h"
#include "core/forecast/state_bytes.h"

namespace forewarm {
namespace {

constexpr std::uint8_t kEnsembleStateVersion = 3;
constexpr double kPoolPowers[] = {3, 8};  // of the inverse loss: a broad pool and a choosy one
constexpr std::size_t kPools = std::size(kPoolPowers);
static_assert(kPooledKinds + kPools == kExpertKinds);
constexpr double kMeanMin = 1e-9;
constexpr double kPoolLossFloor = 0.02;  // share of the mean, so that no expert counts alone by luck

std::vector<ModelId> models_of(EnsembleSize size) {
  std::vector<ModelId> models;
  for (const ModelMaker& maker : kModelMakers) {
    if ((size == EnsembleSize::Whole || maker.light) && MixGate::knows(kind_of(maker.id)))
      models.push_back(maker.id);
  }
  return models;
}

LevelValues mixed(std::span<const LevelValues> said, std::span<const GateShare> shares) {
  LevelValues mix{};
  for (std::size_t e = 0; e < said.size(); ++e) {
    for (std::size_t level = 0; level < kForecastLevelCount; ++level)
      mix[level] += (level < ExpertLosses::kUpper ? shares[e].lower : shares[e].upper) * said[e][level];
  }
  // The weights differ above the median, so the mix may step down there.
  for (std::size_t level = 1; level < kForecastLevelCount; ++level)
    mix[level] = std::max(mix[level], mix[level - 1]);
  return mix;
}

ForecastReason reason_of(const Expert& expert) {
  if (expert.kind < kRecentKinds) return {.kind = ForecastReason::Kind::Newest};
  if (expert.kind < kSourceKinds)
    return {.kind = ForecastReason::Kind::Season, .steps = static_cast<double>(expert.period)};
  return {.kind = ForecastReason::Kind::Model, .model = static_cast<ModelId>(expert.kind - kSourceKinds + 1)};
}

}  // namespace

Ensemble::Ensemble(EnsembleSize size, std::size_t horizon) : Ensemble(models_of(size), horizon) {}

Ensemble::Ensemble(std::span<const ModelId> models, std::size_t horizon)
    : panel_(models), horizon_(std::max<std::size_t>(1, horizon)) {}

Result<void> Ensemble::fit(const SeriesView& history) {
  begin_after(history);
  effects_ = SignalEffects(history, history.future);
  signals_ = static_cast<std::uint32_t>(history.regressors.size());
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
  if (points.empty()) {
    const Result<void> fitted = panel_.fit(seen);
    fitted_ = fitted.has_value();
    if (!fitted_) return fitted;
  }
  // The panel has come to the end of the history, with parameters from before the backtest. Another fit, to
  // all of it, would cost as much again and does not forecast better (docs/decisions/0009).
  fitted_ = true;
  take_part(std::move(points));
  return {};
}

void Ensemble::take_part(std::vector<BacktestPoint> points) {
  list_experts();
  losses_ = ExpertLosses(points, panel_.experts().size());
  weigh_pools();
  for (BacktestPoint& point : points) add_pools(point.said, point.lead);
  losses_ = ExpertLosses(points, experts_.size());
  gate_ = MixGate(experts_, losses_, shape_);
  for (const BacktestPoint& point : points) {
    const std::vector<GateShare> shares = gate_.shares(point.lead, point.said, point.disturbance);
    calibration_.observe(point.lead, mixed(point.said, shares), point.value);
  }
}

void Ensemble::list_experts() {
  experts_.assign(panel_.experts().begin(), panel_.experts().end());
  for (std::size_t pool = 0; pool < kPools; ++pool)
    experts_.push_back({.kind = static_cast<ExpertKind>(kPooledKinds + pool)});
}

void Ensemble::weigh_pools() {
  const double mean = std::max(shape_.mean, kMeanMin);
  pools_.clear();
  for (const double power : kPoolPowers) {
    for (std::size_t band = 0; band < kLeadBands; ++band) {
      std::vector<double>& weights = pools_.emplace_back(panel_.experts().size(), 1.0);
      double total = 0;
      for (std::size_t e = 0; e < weights.size(); ++e) {
        if (losses_.known()) {
          const double loss = (losses_.at(e, band, 0) + losses_.at(e, band, 1)) / mean + kPoolLossFloor;
          weights[e] = exp(-power * log(loss));
        }
        total += weights[e];
      }
      for (double& weight : weights) weight /= total;
    }
  }
}

void Ensemble::add_pools(std::vector<LevelValues>& said, std::size_t lead) const {
  const BetweenBands between(lead);
  for (std::size_t pool = 0; pool < kPools; ++pool) {
    LevelValues pooled{};
    for (std::size_t e = 0; e < panel_.experts().size(); ++e) {
      const double weight = pool_weight(pool, between, e);
      for (std::size_t level = 0; level < kForecastLevelCount; ++level)
        pooled[level] += weight * said[e][level];
    }
    said.push_back(pooled);
  }
}

void Ensemble::update(float value, std::span<const float>) {
  panel_.update(static_cast<float>(effects_.taken_out_after(value, since_fit_)));
  ++since_fit_;
  pass_step();
}

std::vector<std::vector<LevelValues>> Ensemble::said(std::span<const std::size_t> leads) const {
  std::vector<std::vector<LevelValues>> rows = panel_.rows(leads);
  for (std::size_t i = 0; i < leads.size(); ++i) add_pools(rows[i], leads[i]);
  return rows;
}

std::vector<LevelValues> Ensemble::rows(std::span<const std::size_t> leads, Columns) const {
  std::vector<LevelValues> rows;
  const std::vector<std::vector<LevelValues>> by_lead = said(leads);
  const Disturbance now = panel_.disturbance();
  for (std::size_t i = 0; i < leads.size(); ++i) {
    const LevelValues mix = mixed(by_lead[i], gate_.shares(leads[i], by_lead[i], now));
    const LevelValues calibrated = calibration_.apply(leads[i], mix);
    rows.push_back(effects_.put_back_after(calibrated, since_fit_, leads[i]));
  }
  return rows;
}

Forecast Ensemble::predict_seasonal(std::size_t horizon) const {
  Forecast forecast = panel_.seasonal().predict(horizon, {});
  if (effects_.empty()) return forecast;
  std::vector<float> values;
  for (std::size_t h = 0; h < forecast.horizon(); ++h) {
    LevelValues row{};
    for (std::size_t level = 0; level < kForecastLevelCount; ++level) row[level] = forecast.at(h, level);
    append_row(effects_.put_back_after(row, since_fit_, h + 1), values);
  }
  forecast.values = std::move(values);
  return forecast;
}

std::vector<std::vector<ExpertVoice>> Ensemble::voices(std::span<const std::size_t> leads) const {
  std::vector<std::vector<ExpertVoice>> voices;
  if (!fitted_) return voices;
  const std::vector<std::vector<LevelValues>> by_lead = said(leads);
  const Disturbance now = panel_.disturbance();
  for (std::size_t i = 0; i < leads.size(); ++i) {
    const std::vector<GateFeatures> features = gate_.features(leads[i], by_lead[i], now);
    const std::vector<GateShare> shares = gate_.shares(leads[i], by_lead[i], now);
    std::vector<ExpertVoice>& row = voices.emplace_back();
    for (std::size_t e = 0; e < experts_.size(); ++e) {
      row.push_back(
          {.expert = experts_[e], .share = shares[e], .said = by_lead[i][e], .features = features[e]});
    }
  }
  return voices;
}

std::vector<ForecastReason> Ensemble::carriers(std::span<const std::size_t> leads) const {
  std::vector<ForecastReason> carriers;
  const auto add = [&](const Expert& expert, double share) {
    const ForecastReason found = reason_of(expert);
    for (ForecastReason& carrier : carriers) {
      if (carrier.kind != found.kind || carrier.model != found.model || carrier.steps != found.steps)
        continue;
      carrier.share += share;
      return;
    }
    carriers.push_back(found);
    carriers.back().share = share;
  };
  const std::vector<std::vector<ExpertVoice>> by_lead = voices(leads);
  for (std::size_t i = 0; i < by_lead.size(); ++i) {
    for (std::size_t e = 0; e < by_lead[i].size(); ++e) {
      const GateShare& of = by_lead[i][e].share;
      constexpr auto kLower = static_cast<double>(ExpertLosses::kUpper);
      constexpr auto kLevels = static_cast<double>(kForecastLevelCount);
      const double share =
          (kLower * of.lower + (kLevels - kLower) * of.upper) / kLevels / static_cast<double>(by_lead.size());
      const std::size_t alone = panel_.experts().size();
      if (e < alone) {
        add(experts_[e], share);
        continue;
      }
      for (std::size_t pooled = 0; pooled < alone; ++pooled)
        add(experts_[pooled], share * pool_weight(e - alone, BetweenBands(leads[i]), pooled));
    }
  }
  std::stable_sort(carriers.begin(), carriers.end(),
                   [](const ForecastReason& a, const ForecastReason& b) { return a.share > b.share; });
  return carriers;
}

std::vector<ForecastReason> Ensemble::signals() const {
  std::vector<ForecastReason> signals;
  for (std::uint32_t i = 0; fitted_ && i < signals_; ++i) {
    ForecastReason& signal = signals.emplace_back();
    signal = {.kind = ForecastReason::Kind::Signal, .signal = i};
    for (const SignalFinding& finding : effects_.findings()) {
      if (finding.signal != i) continue;
      signal.share += finding.share;
      signal.steps = static_cast<double>(finding.lead);
      signal.gain = effects_.gain();
    }
  }
  return signals;
}

std::vector<ForecastReason> Ensemble::reasons(std::span<const std::size_t> leads) const {
  std::vector<ForecastReason> reasons = carriers(leads);
  if (!fitted_) return reasons;
  for (const ForecastReason& signal : signals()) {
    if (signal.share > 0) reasons.push_back(signal);
  }
  const std::span<const float> known = panel_.seasonal().history().values();
  const SeriesView series{.start = start_ - step_ * static_cast<Duration::rep>(known.size()),
                          .step = step_,
                          .values = known,
                          .regressors = {},
                          .seasons = {}};
  for (const BatchComb& comb : find_combs(series)) {
    reasons.push_back({.kind = ForecastReason::Kind::Batch,
                       .share = comb.share,
                       .steps = comb.period,
                       .size = comb.typical_size(),
                       .next = std::max(0.0, comb.next - static_cast<double>(known.size()))});
  }
  return reasons;
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
  if (!fitted_) return true;
  if (!panel_.load(states)) return false;
  list_experts();
  if (!losses_.is_sound(experts_.size())) return false;
  weigh_pools();
  gate_ = MixGate(experts_, losses_, shape_);
  return true;
}

}  // namespace forewarm
