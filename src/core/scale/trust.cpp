#include "core/scale/trust.h"

#include <cmath>

namespace forewarm {
namespace {

constexpr double kGainedBelow = 0.98;  // of the last-value rule's loss
constexpr double kLostAbove = 1.05;

}  // namespace

bool Trust::update(double forecast_loss, double naive_loss) {
  const bool scored =
      std::isfinite(forecast_loss) && std::isfinite(naive_loss) && forecast_loss >= 0 && naive_loss > 0;
  earned_ = scored && forecast_loss <= naive_loss * (earned_ ? kLostAbove : kGainedBelow);
  return earned_;
}

}  // namespace forewarm
