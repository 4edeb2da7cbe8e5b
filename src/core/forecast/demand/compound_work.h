#pragma once

#include <span>
#include <vector>

#include "core/forecast/demand/quantile_nodes.h"
#include "core/model/demand.h"

namespace forewarm {

/// The distribution of the sum of many independent draws of a measured value: a compound sum's inner part.
///
/// The sums of 1, 2, 4, 8, ... draws are made one from the other by adding every node of a sum to every node
/// and cutting the result into nodes again, which keeps skewness where a normal or gamma approximation would
/// lose it; mean and variance are kept exactly. Between powers of two the standardised nodes are read
/// linearly in the logarithm of the number.
class CompoundWork {
 public:
  /// `one`: the distribution of one draw, ascending, not empty, values finite and non-negative, weights > 0.
  explicit CompoundWork(std::span<const WeightedValue> one);

  /// The sum of `count` draws in each node, non-negative and ascending. A part of a draw is that part of one.
  NodeValues sum_of(double count) const;
  /// Its shape alone: mean 0 and standard deviation 1 (all 0 where the draws do not vary).
  NodeValues shape_of(double count) const;

 private:
  double mean_ = 0;
  double deviation_ = 0;
  std::vector<NodeValues> standard_;  ///< [k]: (sum of 2^k - mean) / standard deviation
};

/// A shape with this mean and standard deviation, cut at zero.
NodeValues spread_by(const NodeValues& shape, double mean, double deviation);

/// A weighted sample, ascending, cut into the nodes: each is the mean of the sample's part in its cell.
NodeValues cut_into_nodes(std::span<const WeightedValue> sample);

}  // namespace forewarm
