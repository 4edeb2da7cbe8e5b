#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "core/forecast/models/adam.h"
#include "core/forecast/models/lstm_layer.h"
#include "core/forecast/models/quantile_decoder.h"

namespace forewarm {
namespace {

void fill_with_noise(auto&& values, Random& random, double width) {
  for (Eigen::Index row = 0; row < values.rows(); ++row) {
    for (Eigen::Index column = 0; column < values.cols(); ++column) {
      values(row, column) = static_cast<float>(width * (2 * random.uniform() - 1));
    }
  }
}

TEST(Samples, TheProductsAreThoseOfLinearAlgebra) {
  Random random(1);
  Weights weights(6, 7);
  Samples inputs(2 * kLanes, 7), outputs(2 * kLanes, 6);
  fill_with_noise(weights, random, 1);
  fill_with_noise(inputs, random, 1);
  multiply(WeightsView(weights.data(), 6, 7), inputs, outputs);
  const Eigen::MatrixXf expected = inputs.matrix().lazyProduct(weights.transpose());
  EXPECT_LT((outputs.matrix() - expected).cwiseAbs().maxCoeff(), 1e-5);
  Weights gradient = Weights::Ones(6, 7);
  add_outer(outputs, inputs, WeightsSlot(gradient.data(), 6, 7));
  const Eigen::MatrixXf outer = outputs.matrix().transpose().lazyProduct(inputs.matrix());
  EXPECT_LT((gradient - outer - Eigen::MatrixXf::Ones(6, 7)).cwiseAbs().maxCoeff(), 1e-4);
}

TEST(Samples, SquashingFollowsTheHyperbolicTangentAndTheLogisticFunction) {
  for (float x = -9; x <= 9; x += 0.01F) {
    Samples value = Samples::Constant(1, 1, x), share = value;
    squash(value);
    squash_to_share(share);
    ASSERT_NEAR(value(0), std::tanh(x), 2e-4) << x;
    ASSERT_LE(std::abs(value(0)), 1);
    ASSERT_NEAR(share(0), 1 / (1 + std::exp(-x)), 2e-4) << x;
  }
}

/// Loss of a small network of both layers, all of it linear in a fixed direction, so that only the layers
/// bend.
struct SmallNetwork {
  static constexpr Eigen::Index kSteps = 5;
  LstmShape encoder{.inputs = 4, .hidden = 6};
  DecoderShape decoder{.state = 6, .features = 3, .hidden = 3};
  Eigen::ArrayXf weights;
  Samples inputs{kSteps * kLanes, 4}, features{kSteps * kLanes, 3};
  Samples direction{kSteps * kLanes, DecoderShape::kOutputs};

  explicit SmallNetwork(std::uint64_t seed) {
    Random random(seed);
    weights.resize(upper_at() + DecoderShape::kOutputs * decoder.upper_columns());
    fill_with_noise(weights, random, 0.6);
    fill_with_noise(inputs, random, 1.5);
    fill_with_noise(features, random, 1.5);
    fill_with_noise(direction, random, 1);
  }
  Eigen::Index lower_at() const { return encoder.rows() * encoder.columns(); }
  Eigen::Index upper_at() const { return lower_at() + decoder.hidden * decoder.lower_columns(); }
  WeightsView encoder_view() const { return {weights.data(), encoder.rows(), encoder.columns()}; }
  DecoderWeights decoder_view() const {
    return {.lower = {weights.data() + lower_at(), decoder.hidden, decoder.lower_columns()},
            .upper = {weights.data() + upper_at(), DecoderShape::kOutputs, decoder.upper_columns()}};
  }
  double loss(LstmWindow& window, QuantileDecoder& layer) const {
    window.forget();
    window.inputs() = inputs;
    layer.features() = features;
    window.forward(encoder_view());
    layer.state() = window.hidden();
    layer.forward(decoder_view());
    return (layer.quantiles().cast<double>() * direction.cast<double>()).sum();
  }
  Eigen::ArrayXf gradient(LstmWindow& window, QuantileDecoder& layer) const {
    loss(window, layer);
    Eigen::ArrayXf sum = Eigen::ArrayXf::Zero(weights.size());
    Samples of_state =
        layer.backward(decoder_view(), direction,
                       {.lower = {sum.data() + lower_at(), decoder.hidden, decoder.lower_columns()},
                        .upper = {sum.data() + upper_at(), DecoderShape::kOutputs, decoder.upper_columns()}});
    window.backward(encoder_view(), of_state, {sum.data(), encoder.rows(), encoder.columns()});
    return sum;
  }
};

TEST(Network, EveryGradientIsTheLossesSlope) {
  SmallNetwork network(3);
  LstmWindow window(network.encoder, SmallNetwork::kSteps);
  QuantileDecoder decoder(network.decoder, SmallNetwork::kSteps * kLanes);
  const Eigen::ArrayXf gradient = network.gradient(window, decoder);
  const double usual = std::sqrt(gradient.square().mean());
  ASSERT_GT(usual, 0.1);
  for (Eigen::Index i = 0; i < network.weights.size(); ++i) {
    const float kept = network.weights[i];
    constexpr float kMove = 0.01F;
    network.weights[i] = kept + kMove;
    const double above = network.loss(window, decoder);
    network.weights[i] = kept - kMove;
    const double below = network.loss(window, decoder);
    network.weights[i] = kept;
    ASSERT_NEAR(gradient[i], (above - below) / (2 * kMove), 0.01 * usual) << i;
  }
}

TEST(Network, OneSeriesStepByStepSeesWhatALaneSees) {
  SmallNetwork network(4);
  LstmWindow window(network.encoder, SmallNetwork::kSteps);
  window.inputs() = network.inputs;
  window.forward(network.encoder_view());
  window.forward(network.encoder_view());  // goes on from the first
  LstmState state{.hidden = Eigen::ArrayXf::Zero(6), .cell = Eigen::ArrayXf::Zero(6)};
  constexpr Eigen::Index kLane = 5;
  for (int round = 0; round < 2; ++round) {
    for (Eigen::Index step = 0; step < SmallNetwork::kSteps; ++step) {
      state.advance(network.encoder, network.encoder_view(),
                    network.inputs.row(step * kLanes + kLane).transpose());
    }
  }
  const Eigen::ArrayXf last = window.hidden().row((SmallNetwork::kSteps - 1) * kLanes + kLane).transpose();
  EXPECT_LT((state.hidden - last).abs().maxCoeff(), 1e-5);
}

TEST(Network, ShiftedLanesGoOnWhereTheOneBeforeHasEnded) {
  SmallNetwork network(5);
  LstmWindow window(network.encoder, SmallNetwork::kSteps);
  window.inputs() = network.inputs;
  window.forward(network.encoder_view());
  window.shift_lanes();
  window.forward(network.encoder_view());
  LstmState state{.hidden = Eigen::ArrayXf::Zero(6), .cell = Eigen::ArrayXf::Zero(6)};
  for (const Eigen::Index lane : {2, 3}) {
    for (Eigen::Index step = 0; step < SmallNetwork::kSteps; ++step) {
      state.advance(network.encoder, network.encoder_view(),
                    network.inputs.row(step * kLanes + lane).transpose());
    }
  }
  const Eigen::ArrayXf last = window.hidden().row((SmallNetwork::kSteps - 1) * kLanes + 3).transpose();
  EXPECT_LT((state.hidden - last).abs().maxCoeff(), 1e-5);
}

TEST(Adam, FindsTheBottomOfABowlWhoseSidesDiffer) {
  Eigen::ArrayXf at = Eigen::ArrayXf::Constant(3, 2.0F);
  Eigen::ArrayXf steepness(3), gradient(3);
  steepness << 0.01F, 1, 100;
  Adam adam(3);
  for (int i = 0; i < 1500; ++i) {
    gradient = steepness * (at - 0.5F);
    adam.step(at, gradient, 0.01F);
  }
  EXPECT_LT((at - 0.5F).abs().maxCoeff(), 0.05);
}

TEST(Adam, AGradientThatIsNoNumberMovesNothing) {
  Eigen::ArrayXf at = Eigen::ArrayXf::Constant(2, 1.0F);
  Eigen::ArrayXf gradient = Eigen::ArrayXf::Constant(2, NAN);
  Adam adam(2);
  adam.step(at, gradient, 0.1F);
  EXPECT_TRUE((at == 1).all());
}

}  // namespace
}  // namespace forewarm
