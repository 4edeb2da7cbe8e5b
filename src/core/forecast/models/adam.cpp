#include "core/forecast/models/adam.h"

#include <cmath>

namespace forewarm {
namespace {

constexpr float kMeanKept = 0.9F;
constexpr float kSquareKept =
    0.99F;  // fits are a few hundred steps: the usual 0.999 would still be warming up
constexpr float kGradientMax = 1;
constexpr float kTiny = 1e-7F;

}  // namespace

Adam::Adam(Eigen::Index parameters)
    : mean_(Eigen::ArrayXf::Zero(parameters)), square_(Eigen::ArrayXf::Zero(parameters)) {}

void Adam::step(Eigen::ArrayXf& parameters, Eigen::ArrayXf& gradient, float rate) {
  const float square = gradient.square().sum();
  if (!std::isfinite(square)) return;
  if (square > kGradientMax * kGradientMax) gradient *= kGradientMax / std::sqrt(square);
  mean_left_ *= kMeanKept;
  square_left_ *= kSquareKept;
  mean_ = kMeanKept * mean_ + (1 - kMeanKept) * gradient;
  square_ = kSquareKept * square_ + (1 - kSquareKept) * gradient.square();
  parameters -= rate / (1 - mean_left_) * mean_ / ((square_ / (1 - square_left_)).sqrt() + kTiny);
}

}  // namespace forewarm
