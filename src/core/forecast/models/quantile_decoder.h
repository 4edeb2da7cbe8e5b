#pragma once

#include "core/forecast/models/samples.h"
#include "core/model/forecast.h"

namespace forewarm {

/// From the state of an encoder and what is known of a target step to the quantiles there, all levels at
/// once: the local decoder of Wen, Torkkola, Narayanaswamy and Madeka, A multi-horizon quantile recurrent
/// forecaster (2017). One hidden layer, and a straight way from the features to the quantiles beside it.
struct DecoderShape {
  Eigen::Index state = 0;     ///< a multiple of kRowsAtOnce
  Eigen::Index features = 0;  ///< of the target
  Eigen::Index hidden = 0;    ///< a multiple of kRowsAtOnce
  static constexpr Eigen::Index kOutputs = kForecastLevelCount;
  static_assert(kOutputs % kRowsAtOnce == 0);

  Eigen::Index lower_columns() const { return state + features + 1; }   ///< of `hidden` rows
  Eigen::Index upper_columns() const { return hidden + features + 1; }  ///< of kOutputs rows
};

struct DecoderWeights {
  WeightsView lower;
  WeightsView upper;
};

struct DecoderGradient {
  WeightsSlot lower;
  WeightsSlot upper;
};

/// The decoder over some samples, kept whole so that it can be gone through backwards.
class QuantileDecoder {
 public:
  QuantileDecoder(DecoderShape shape, Eigen::Index samples);

  /// Where states and features go before forward().
  auto state() { return seen_.leftCols(shape_.state); }
  auto features() { return seen_.middleCols(shape_.state, shape_.features); }
  void forward(const DecoderWeights& weights);
  /// One column a level; not ordered.
  const Samples& quantiles() const { return quantiles_; }
  /// Gradients of the weights are added; what comes back is that of state().
  const Samples& backward(const DecoderWeights& weights, const Samples& quantiles_gradient,
                          const DecoderGradient& gradient);

 private:
  DecoderShape shape_;
  Samples seen_;   ///< state, features, one
  Samples upper_;  ///< hidden layer, features, one
  Samples quantiles_;
  Samples hidden_gradient_;
  Samples state_gradient_;
};

}  // namespace forewarm
