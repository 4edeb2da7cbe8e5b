#include "routing/figures.h"

#include <algorithm>
#include <numeric>

namespace forewarm::bench {

double Served::slowdown() const {
  const double service = seconds(end - start);
  return service <= 0 ? 1 : response() / service;
}

double quantile(std::vector<double> values, double level) {
  if (values.empty()) return 0;
  const auto rank =
      std::min(values.size() - 1, static_cast<std::size_t>(level * static_cast<double>(values.size())));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(rank));
  return values[rank];
}

double jain(const std::vector<double>& shares) {
  double sum = 0, squares = 0;
  for (const double share : shares) {
    sum += share;
    squares += share * share;
  }
  return squares <= 0 ? 1 : sum * sum / (static_cast<double>(shares.size()) * squares);
}

std::vector<double> max_min_shares(const std::vector<double>& demands, double capacity) {
  std::vector<std::size_t> order(demands.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return demands[i]; });
  std::vector<double> shares(demands.size());
  double left = capacity;
  std::size_t waiting = order.size();
  for (const std::size_t i : order) {
    shares[i] = std::min(demands[i], left / static_cast<double>(waiting--));
    left -= shares[i];
  }
  return shares;
}

}  // namespace forewarm::bench
