#include "core/forecast/models/quantile_decoder.h"

namespace forewarm {

QuantileDecoder::QuantileDecoder(DecoderShape shape, Eigen::Index samples)
    : shape_(shape),
      seen_(Samples::Zero(samples, shape.lower_columns())),
      upper_(Samples::Zero(samples, shape.upper_columns())),
      quantiles_(samples, DecoderShape::kOutputs),
      hidden_gradient_(samples, shape.hidden),
      state_gradient_(samples, shape.state) {
  seen_.rightCols(1).setOnes();
  upper_.rightCols(1).setOnes();
}

void QuantileDecoder::forward(const DecoderWeights& weights) {
  auto hidden = upper_.leftCols(shape_.hidden);
  multiply(weights.lower, seen_, hidden);
  squash(hidden);
  upper_.middleCols(shape_.hidden, shape_.features) = features();
  multiply(weights.upper, upper_, quantiles_);
}

const Samples& QuantileDecoder::backward(const DecoderWeights& weights, const Samples& quantiles_gradient,
                                         const DecoderGradient& gradient) {
  const auto through = [](const WeightsView& layer, Eigen::Index columns, const Samples& from, Samples& to) {
    const Weights back = layer.leftCols(columns).transpose();
    multiply(WeightsView(back.data(), back.rows(), back.cols()), from, to);
  };
  add_outer(quantiles_gradient, upper_, gradient.upper);
  through(weights.upper, shape_.hidden, quantiles_gradient, hidden_gradient_);
  hidden_gradient_ *= 1 - upper_.leftCols(shape_.hidden).square();
  add_outer(hidden_gradient_, seen_, gradient.lower);
  through(weights.lower, shape_.state, hidden_gradient_, state_gradient_);
  return state_gradient_;
}

}  // namespace forewarm
