#pragma once

#include <array>
#include <cstddef>

namespace forewarm {

/// One cell of the levels (0, 1): its middle stands for it.
struct QuantileNode {
  double level = 0;
  double weight = 0;
};

namespace internal {

// Narrow at both ends, so that what is read at 1 % and 99 % lies between nodes.
inline constexpr double kNodeEdges[] = {0,   0.002, 0.005, 0.01, 0.02, 0.04, 0.07, 0.11, 0.16,
                                        .22, 0.3,   0.4,   0.5,  0.6,  0.7,  0.78, 0.84, 0.89,
                                        .93, 0.96,  0.98,  0.99, .995, .998, 1};
inline constexpr std::size_t kNodes = sizeof(kNodeEdges) / sizeof(double) - 1;

constexpr std::array<QuantileNode, kNodes> make_nodes() {
  std::array<QuantileNode, kNodes> nodes{};
  for (std::size_t i = 0; i < kNodes; ++i)
    nodes[i] = {(kNodeEdges[i] + kNodeEdges[i + 1]) / 2, kNodeEdges[i + 1] - kNodeEdges[i]};
  return nodes;
}

}  // namespace internal

/// The cells in which distributions are added and mixed here. Ascending; the weights sum to 1.
inline constexpr std::array kQuantileNodes = internal::make_nodes();

/// A distribution by its value in each of these cells.
using NodeValues = std::array<double, kQuantileNodes.size()>;

}  // namespace forewarm
