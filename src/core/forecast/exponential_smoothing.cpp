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
    begin_after(history);
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
    pass_step();
  }

  std::vector<LevelValues> rows(std::span<const std::size_t> leads,
                                std::span<const Regressor>) const override {
    std::vector<LevelValues> rows;
    for (const std::size_t lead : leads) {
      const double expected = model_.state.expected(lead, damped_steps(lead, model_.parameters.damping));
      LevelValues row = model_.errors.at(lead);
      for (double& value : row) value = from_scale(expected + value, model_.scale);
      rows.push_back(row);
    }
    return rows;
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
  double persistence() const override { return model_.persistence; }

  SmoothingModel model_;
};

}  // namespace

std::unique_ptr<Forecaster> make_exponential_smoothing() {
  return std::make_unique<ExponentialSmoothing>();
}

}  // namespace forewarm
