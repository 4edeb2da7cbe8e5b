#include "core/forecast/lead_band.h"

#include "base/math.h"

namespace forewarm {

BetweenBands::BetweenBands(std::size_t lead) {
  constexpr double kMiddles[kLeadBands] = {2, 9, 30};
  const double at = static_cast<double>(lead);
  while (far + 1 < kLeadBands && at > kMiddles[far]) ++far;
  near = far == 0 || at >= kMiddles[far] ? far : far - 1;
  if (near != far) share = log(at / kMiddles[near]) / log(kMiddles[far] / kMiddles[near]);
}

}  // namespace forewarm
