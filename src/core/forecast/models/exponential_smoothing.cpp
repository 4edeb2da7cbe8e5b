#include <algorithm>
#include <cmath>
#include <string>

#include "core/forecast/models/models.h"
#include "core/forecast/models/smoothing_fit.h"
#include "core/forecast/quantile_set.h"
#include "core/forecast/state_bytes.h"

namespace forewarm {
namespace {

constexpr std::size_t kSmoothingMeasuredMin = 8;

/// Exponential smoothing in all admissible forms of the ETS family (Hyndman, Koehler, Ord and Snyder,
/// Forecasting with Exponential Smoothing, 2008), on the scale (plain or square root) that predicts better,
/// with empirical quantiles of its own errors at each lead: arrivals are neither normal nor of one width at
/// all leads, so the textbook's intervals would be wrong in both tails. Regressors are not used.
class ExponentialSmoothing final : public Forecaster {
 public:
  ModelId id() const override { return ModelId::ExponentialSmoothing; }

  Result<void> fit(const SeriesView& history) override {
    fitted_ = false;
    begin_after(history);
    const auto measured = static_cast<std::size_t>(std::count_if(history.values.begin(), history.values.end(),
                                                                 [](float v) { return std::isfinite(v); }));
    if (measured < kSmoothingMeasuredMin) {
      return error(ErrorCode::Invalid,
                   "exponential smoothing needs " + std::to_string(kSmoothingMeasuredMin) +
                       " measured steps, but the history has " + std::to_string(measured));
    }
    model_ = fit_smoothing(history.values, history.seasons);
    fitted_ = true;
    return {};
  }

  void update(float value, std::span<const float>) override {
    if (fitted_) model_.update(value);
    pass_step();
  }

  std::vector<LevelValues> rows(std::span<const std::size_t> leads, Columns) const override {
    std::vector<LevelValues> rows;
    for (const std::size_t lead : leads) rows.push_back(model_.quantiles(lead));
    return rows;
  }

  std::string save() const override { return save_model(*this); }
  Result<void> load(std::string_view state) override { return load_model(*this, state); }

  static constexpr std::uint8_t kStateVersion = 3;
  static void fields(auto& model, auto& archive) {
    progress(model, archive);
    SmoothingModel::fields(model.model_, archive);
  }
  bool settle() const { return step_ > Duration(0) && model_.is_sound(); }

 private:
  double persistence() const override { return model_.persistence; }

  SmoothingModel model_;
};

}  // namespace

std::unique_ptr<Forecaster> make_exponential_smoothing() {
  return std::make_unique<ExponentialSmoothing>();
}

}  // namespace forewarm
