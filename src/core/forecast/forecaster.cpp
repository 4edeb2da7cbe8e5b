#include "core/forecast/forecaster.h"

namespace forewarm {

std::vector<std::unique_ptr<Forecaster>> make_all_forecasters() {
  std::vector<std::unique_ptr<Forecaster>> models;
  models.push_back(make_seasonal_quantiles());
  models.push_back(make_exponential_smoothing());
  return models;
}

}  // namespace forewarm
