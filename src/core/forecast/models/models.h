#pragma once

#include <memory>
#include <vector>

#include "core/forecast/forecaster.h"

namespace forewarm {

// One model a file; each is described, with its paper, above its class.
std::unique_ptr<Forecaster> make_seasonal_quantiles();
std::unique_ptr<Forecaster> make_exponential_smoothing();
std::unique_ptr<Forecaster> make_arima();
std::unique_ptr<Forecaster> make_harmonic_regression();
std::unique_ptr<Forecaster> make_additive();
std::unique_ptr<Forecaster> make_intermittent();
std::unique_ptr<Forecaster> make_count_state();
std::unique_ptr<Forecaster> make_batches();
std::unique_ptr<Forecaster> make_local_arrivals();
std::unique_ptr<Forecaster> make_direct_regression();
std::unique_ptr<Forecaster> make_recurrent_network();

/// Makes a model.
struct ModelMaker {
  std::unique_ptr<Forecaster> (*make)();
  ModelId id;
  /// Takes part also where many queues are fitted, and a fit must take milliseconds.
  bool light = false;
};

/// All models, in the order of ModelId.
inline constexpr ModelMaker kModelMakers[] = {
    {&make_seasonal_quantiles, ModelId::SeasonalQuantiles, true},
    {&make_exponential_smoothing, ModelId::ExponentialSmoothing},
    {&make_arima, ModelId::Arima},
    {&make_harmonic_regression, ModelId::HarmonicRegression, true},
    {&make_additive, ModelId::Additive},
    {&make_intermittent, ModelId::Intermittent},
    {&make_count_state, ModelId::CountState, true},
    {&make_batches, ModelId::Batches, true},
    {&make_local_arrivals, ModelId::LocalArrivals, true},
    {&make_direct_regression, ModelId::DirectRegression, true},
    {&make_recurrent_network, ModelId::RecurrentNetwork},
};

}  // namespace forewarm
