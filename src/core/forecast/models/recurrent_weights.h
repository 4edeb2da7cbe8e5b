#pragma once

#include "core/forecast/models/lstm_layer.h"
#include "core/forecast/models/quantile_decoder.h"
#include "core/forecast/models/series_encoding.h"
#include "core/forecast/quantile_set.h"

namespace forewarm {

/// Sizes of the network, and where its parts are in one vector of parameters.
struct RecurrentShape {
  static constexpr Eigen::Index kHidden = 24;
  static constexpr Eigen::Index kDecoderHidden = 24;

  LstmShape encoder;
  DecoderShape decoder;

  explicit RecurrentShape(const SeriesEncoding& encoding)
      : encoder{.inputs = static_cast<Eigen::Index>(encoding.inputs()), .hidden = kHidden},
        decoder{.state = kHidden,
                .features = static_cast<Eigen::Index>(encoding.target_features()),
                .hidden = kDecoderHidden} {}

  Eigen::Index encoder_size() const { return encoder.rows() * encoder.columns(); }
  Eigen::Index lower_size() const { return decoder.hidden * decoder.lower_columns(); }
  Eigen::Index upper_size() const { return DecoderShape::kOutputs * decoder.upper_columns(); }
  Eigen::Index parameters() const { return encoder_size() + lower_size() + upper_size(); }

  WeightsView encoder_of(const float* weights) const { return {weights, encoder.rows(), encoder.columns()}; }
  WeightsSlot encoder_slot(float* weights) const { return {weights, encoder.rows(), encoder.columns()}; }
  DecoderWeights decoder_of(const float* weights) const {
    weights += encoder_size();
    return {.lower = {weights, decoder.hidden, decoder.lower_columns()},
            .upper = {weights + lower_size(), DecoderShape::kOutputs, decoder.upper_columns()}};
  }
  DecoderGradient decoder_slot(float* weights) const {
    weights += encoder_size();
    return {.lower = {weights, decoder.hidden, decoder.lower_columns()},
            .upper = {weights + lower_size(), DecoderShape::kOutputs, decoder.upper_columns()}};
  }
};

/// Weights of a network that says the same quantiles of everything: `quantiles` from the base, in its units.
Eigen::ArrayXf initial_weights(const RecurrentShape& shape, const LevelValues& quantiles);

/// Quantiles of the distances from the base over a history, in its units.
LevelValues distances_from_base(const SeriesEncoding& encoding, const SeriesEncoding::Record& record);

/// Improves `weights` by the pinball loss over a history: Adam over truncated windows of several pieces of
/// the series side by side, leads at random, until the newest part, which is held out, gets no better. Work
/// is bounded, whatever the length.
void train(const RecurrentShape& shape, const SeriesEncoding& encoding, const SeriesEncoding::Record& record,
           Eigen::ArrayXf& weights);

}  // namespace forewarm
