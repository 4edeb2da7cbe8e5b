#include "core/forecast/demand/compound_work.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/math.h"

namespace forewarm {
namespace {

constexpr std::size_t kDoublings = 12;  // the sum of 4,096 draws is as normal as it will be told apart

struct Moments {
  double mean = 0;
  double deviation = 0;
};

Moments moments_of(std::span<const WeightedValue> sample) {
  double weight = 0, sum = 0, squares = 0;
  for (const WeightedValue& point : sample) {
    weight += point.weight;
    sum += point.weight * point.value;
  }
  const double mean = sum / weight;
  for (const WeightedValue& point : sample)
    squares += point.weight * (point.value - mean) * (point.value - mean);
  return {mean, sqrt(squares / weight)};
}

Moments moments_of(const NodeValues& nodes) {
  std::array<WeightedValue, kQuantileNodes.size()> sample{};
  for (std::size_t i = 0; i < nodes.size(); ++i) sample[i] = {nodes[i], kQuantileNodes[i].weight};
  return moments_of(sample);
}

/// Cutting loses the variance within the cells.
void standardise(NodeValues& nodes) {
  const Moments moments = moments_of(nodes);
  for (double& node : nodes) node = moments.deviation > 0 ? (node - moments.mean) / moments.deviation : 0;
}

NodeValues sum_of_two(const NodeValues& nodes) {
  std::vector<WeightedValue> sums;
  sums.reserve(nodes.size() * nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (std::size_t j = 0; j < nodes.size(); ++j)
      sums.push_back({nodes[i] + nodes[j], kQuantileNodes[i].weight * kQuantileNodes[j].weight});
  }
  std::ranges::stable_sort(sums, {}, &WeightedValue::value);
  return cut_into_nodes(sums);
}

}  // namespace

NodeValues cut_into_nodes(std::span<const WeightedValue> sample) {
  check(!sample.empty(), "a sample to cut");
  double total = 0;
  for (const WeightedValue& point : sample) total += point.weight;
  NodeValues nodes{};
  std::size_t at = 0;
  double left = sample[0].weight;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const double wanted = kQuantileNodes[i].weight * total;
    double missing = wanted, sum = 0;
    while (missing > 0) {
      const bool last = at + 1 == sample.size();
      const double taken = last ? missing : std::min(left, missing);
      sum += taken * sample[at].value;
      missing -= taken;
      left -= taken;
      if (!last && left <= 0) left = sample[++at].weight;
    }
    nodes[i] = sum / wanted;
  }
  return nodes;
}

CompoundWork::CompoundWork(std::span<const WeightedValue> one) {
  const Moments moments = moments_of(one);
  mean_ = moments.mean;
  deviation_ = moments.deviation;
  NodeValues nodes = cut_into_nodes(one);
  for (std::size_t k = 0; k <= kDoublings; ++k) {
    standardise(nodes);
    standard_.push_back(nodes);
    nodes = sum_of_two(nodes);
  }
}

NodeValues CompoundWork::shape_of(double count) const {
  const double power = std::min(log(std::max(count, 1.0)) / log(2), static_cast<double>(kDoublings));
  const std::size_t k = std::min(static_cast<std::size_t>(power), kDoublings - 1);
  const double between = power - static_cast<double>(k);
  NodeValues shape{};
  for (std::size_t i = 0; i < shape.size(); ++i)
    shape[i] = standard_[k][i] + between * (standard_[k + 1][i] - standard_[k][i]);
  return shape;
}

NodeValues CompoundWork::sum_of(double count) const {
  if (!(count > 0)) return {};
  const double whole = std::max(count, 1.0);
  return spread_by(shape_of(whole), count * mean_, count / whole * sqrt(whole) * deviation_);
}

NodeValues spread_by(const NodeValues& shape, double mean, double deviation) {
  NodeValues values{};
  double below = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    below = std::max(below, mean + deviation * shape[i]);
    values[i] = below;
  }
  return values;
}

}  // namespace forewarm
