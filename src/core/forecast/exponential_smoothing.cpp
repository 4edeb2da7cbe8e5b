#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"
#include "core/forecast/forecaster.h"
#include "core/forecast/quantile_set.h"
#include "core/forecast/smoothing_fit.h"
#include "core/forecast/state_bytes.h"

namespace forewarm {
namespace {

constexpr std::size_t kMeasuredMin = 8;
constexpr std::uint8_t kStateVersion = 1;

/// Exponential smoothing with empirical quantiles of its own errors at each lead: arrivals are neither normal
/// nor of one width at all leads, so the textbook's Gaussian intervals would be wrong in both tails. Level,
/// trend, season and parameters live on the scale (plain or square root) that predicts better. Regressors are
/// not used.
class ExponentialSmoothing final : public Forecaster {
 public:
  ModelId id() const override { return ModelId::ExponentialSmoothing; }

  Result<void> fit(const SeriesView& history) override {
    fitted_ = false;
    start_ = history.start + history.step * static_cast<Duration::rep>(history.values.size());
    step_ = history.step;
    const auto measured = static_cast<std::size_t>(std::count_if(history.values.begin(), history.values.end(),
                                                                 [](float v) { return std::isfinite(v); }));
    if (measured < kMeasuredMin) {
      return error(ErrorCode::Invalid, "exponential smoothing needs " + std::to_string(kMeasuredMin) +
                                           " measured steps, but the history has " +
                                           std::to_string(measured));
    }
    model_ = fit_smoothing(history.values, history.seasons);
    fitted_ = true;
    return {};
  }

  void update(float value, std::span<const float>) override {
    if (fitted_) model_.state.update(to_scale(value, model_.scale), model_.parameters);
    start_ = saturating_add(start_, step_);
  }

  Forecast predict(std::size_t horizon, std::span<const Regressor>) const override {
    Forecast forecast{.start = start_, .step = step_, .values = {}};
    if (!fitted_) return forecast;
    forecast.values.reserve(horizon * kForecastLevelCount);
    for (std::size_t lead = 1; lead <= horizon; ++lead) {
      const double expected = model_.state.expected(lead, damped_steps(lead, model_.parameters.damping));
      LevelValues row = model_.errors.at(lead);
      for (double& value : row) value = from_scale(expected + value, model_.scale);
      append_row(row, forecast.values);
    }
    return forecast;
  }

  std::vector<float> sample_paths(std::size_t horizon, std::size_t count, std::span<const Regressor> future,
                                  Random& random) const override {
    return draw_paths(predict(horizon, future), model_.persistence, count, random);
  }

  std::string save() const override {
    StateWriter writer(id(), kStateVersion);
    SmoothingModel model = model_;
    writer(fitted_);
    writer(count_us(start_));
    writer(step_.count());
    model.fields(writer);
    return writer.finish();
  }

  Result<void> load(std::string_view state) override {
    StateReader reader(state, id(), kStateVersion);
    SmoothingModel model;
    std::uint8_t fitted = 0;
    std::int64_t start_us = 0, step_us = 0;
    reader(fitted);
    reader(start_us);
    reader(step_us);
    model.fields(reader);
    if (!reader.at_end() || fitted > 1 || step_us <= 0 || !model.is_sound()) {
      return error(ErrorCode::Invalid, "the bytes are not a state of exponential smoothing, version 1");
    }
    model_ = std::move(model);
    fitted_ = fitted == 1;
    start_ = time_point_us(start_us);
    step_ = Duration(step_us);
    return {};
  }

 private:
  bool fitted_ = false;
  TimePoint start_;
  Duration step_ = 10s;
  SmoothingModel model_;
};

}  // namespace

std::unique_ptr<Forecaster> make_exponential_smoothing() {
  return std::make_unique<ExponentialSmoothing>();
}

}  // namespace forewarm
