#include "core/forecast/models/samples.h"

#include "base/check.h"

namespace forewarm {
namespace {

using Lanes = Eigen::Array<float, kLanes, 1>;
using Four = Eigen::Array<float, 4, 1>;
using LanesView = Eigen::Map<const Lanes, Eigen::Aligned16>;
using LanesSlot = Eigen::Map<Lanes, Eigen::Aligned16>;
using FourView = Eigen::Map<const Four, Eigen::Aligned16>;

constexpr float kSquashEnd = 4.97F;  // beyond it the fraction leaves [-1, 1]

template <class Values>
auto lambert(const Values& x) {
  const auto square = x.square();
  return x * (135135.0F + square * (17325.0F + square * (378.0F + square))) /
         (135135.0F + square * (62370.0F + square * (3150.0F + square * 28.0F)));
}

}  // namespace

void multiply(const WeightsView& weights, ConstSampleBlock inputs, SampleBlock outputs) {
  check(weights.rows() % kRowsAtOnce == 0 && outputs.rows() % kLanes == 0, "a layer made of whole blocks");
  for (Eigen::Index sample = 0; sample < outputs.rows(); sample += kLanes) {
    for (Eigen::Index row = 0; row < weights.rows(); row += kRowsAtOnce) {
      const float* weight = weights.data() + row * weights.cols();
      const float* input = inputs.data() + sample;
      Lanes sums[kRowsAtOnce] = {Lanes::Zero(), Lanes::Zero(), Lanes::Zero()};
      for (Eigen::Index k = 0; k < weights.cols(); ++k, input += inputs.outerStride()) {
        const LanesView lanes(input);
        for (Eigen::Index i = 0; i < kRowsAtOnce; ++i) sums[i] += weight[i * weights.cols() + k] * lanes;
      }
      for (Eigen::Index i = 0; i < kRowsAtOnce; ++i) {
        LanesSlot(outputs.data() + sample + (row + i) * outputs.outerStride()) = sums[i];
      }
    }
  }
}

void add_outer(ConstSampleBlock outputs, ConstSampleBlock inputs, WeightsSlot gradient) {
  const auto sum_columns = [&]<int kColumns>(Eigen::Index row, Eigen::Index column) {
    Four sums[kRowsAtOnce * kColumns];
    for (Four& sum : sums) sum.setZero();
    const float* output = outputs.data() + row * outputs.outerStride();
    const float* input = inputs.data() + column * inputs.outerStride();
    for (Eigen::Index sample = 0; sample < outputs.rows(); sample += 4) {
      for (int j = 0; j < kColumns; ++j) {
        const FourView values(input + sample + j * inputs.outerStride());
        for (int i = 0; i < kRowsAtOnce; ++i) {
          sums[i * kColumns + j] += FourView(output + sample + i * outputs.outerStride()) * values;
        }
      }
    }
    for (int i = 0; i < kRowsAtOnce; ++i) {
      for (int j = 0; j < kColumns; ++j) gradient(row + i, column + j) += sums[i * kColumns + j].sum();
    }
  };
  for (Eigen::Index row = 0; row < gradient.rows(); row += kRowsAtOnce) {
    Eigen::Index column = 0;
    for (; column + 3 <= gradient.cols(); column += 3) sum_columns.operator()<3>(row, column);
    for (; column < gradient.cols(); ++column) sum_columns.operator()<1>(row, column);
  }
}

void squash(SampleBlock values) {
  for (Eigen::Index column = 0; column < values.cols(); ++column) {
    auto x = values.col(column);
    x = x.max(-kSquashEnd).min(kSquashEnd);
    x = lambert(x);
  }
}

void squash_to_share(SampleBlock values) {
  values *= 0.5F;
  squash(values);
  values = 0.5F + 0.5F * values;
}

}  // namespace forewarm
