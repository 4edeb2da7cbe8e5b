#pragma once

#include <Eigen/Dense>

namespace forewarm {

/// Adam: Kingma and Ba, A method for stochastic optimization (2015), with the gradient's length bounded
/// (Pascanu, Mikolov and Bengio 2013).
class Adam {
 public:
  explicit Adam(Eigen::Index parameters);

  /// Moves `parameters` against `gradient`, which it may shorten.
  void step(Eigen::ArrayXf& parameters, Eigen::ArrayXf& gradient, float rate);

 private:
  Eigen::ArrayXf mean_;
  Eigen::ArrayXf square_;
  float mean_left_ = 1;  ///< share of the moments that is still their start at zero
  float square_left_ = 1;
};

}  // namespace forewarm
