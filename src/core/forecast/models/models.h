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
  ModelId id;
  std::unique_ptr<Forecaster> (*make)();
  /// Takes part also where many queues are fitted, and a fit must take milliseconds.
  bool light = false;
};

/// All models, in the order of ModelId.
inline constexpr ModelMaker kModelMakers[] = {
    {ModelId::SeasonalQuantiles, &make_seasonal_quantiles, true},
    {ModelId::ExponentialSmoothing, &make_exponential_smoothing},
    {ModelId::Arima, &make_arima},
    {ModelId::HarmonicRegression, &make_harmonic_regression, true},
    {ModelId::Additive, &make_additive},
    {ModelId::Intermittent, &make_intermittent},
    {ModelId::CountState, &make_count_state, true},
    {ModelId::Batches, &make_batches, true},
    {ModelId::LocalArrivals, &make_local_arrivals, true},
    {ModelId::DirectRegression, &make_direct_regression, true},
    {ModelId::RecurrentNetwork, &make_recurrent_network},
};

}  // namespace forewarm
