#pragma once

#include <Eigen/Dense>

namespace forewarm {

/// Values of many samples, one a row, one column a feature: a sample is what one lane sees at one step, and
/// the lanes of a step stand next to each other, so `rows()` is steps * kLanes.
using Samples = Eigen::ArrayXXf;
using SampleBlock = Eigen::Ref<Samples, 0, Eigen::OuterStride<>>;
using ConstSampleBlock = Eigen::Ref<const Samples, 0, Eigen::OuterStride<>>;

/// Weights of a layer: one row an output, one column an input.
using Weights = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using WeightsView = Eigen::Map<const Weights>;
using WeightsSlot = Eigen::Map<Weights>;

/// How many pieces of a series are looked at side by side.
inline constexpr Eigen::Index kLanes = 16;
/// Numbers of outputs are multiples of this.
inline constexpr Eigen::Index kRowsAtOnce = 3;

// The three products of a layer. Eigen's own product asks the processor for the size of its caches and cuts
// the sums accordingly: the last bits would differ between machines, and with them what is learnt. These sum
// in one order everywhere, and keep the few sums they make at once in registers. Rows of all samples are
// multiples of kLanes.

/// outputs = inputs * weights^T.
void multiply(const WeightsView& weights, ConstSampleBlock inputs, SampleBlock outputs);

/// gradient += outputs^T * inputs, both by sample.
void add_outer(ConstSampleBlock outputs, ConstSampleBlock inputs, WeightsSlot gradient);

/// The hyperbolic tangent of each value, by Lambert's continued fraction (seven terms), below 2e-4 off and in
/// [-1, 1]. Its derivative is taken as 1 - y^2, as if it were exact.
void squash(SampleBlock values);
/// The logistic function, by the same.
void squash_to_share(SampleBlock values);

}  // namespace forewarm
