#include "core/forecast/models/self_excitation.h"

#include <algorithm>
#include <cmath>

#include "core/forecast/models/count_fit.h"

namespace forewarm {
namespace {

constexpr int kSweeps = 60;
constexpr int kExcitationReweightings = 2;
constexpr double kExcitationRidge = 2;  // steps' worth of evidence for no excitation

constexpr std::size_t kKernels = SelfExcitation::kSteps.size();

struct NormalEquations {
  std::array<std::array<double, kKernels>, kKernels> squares{};
  std::array<double, kKernels> products{};
};

double expected_now(const SelfExcitation& excitation, double normal) {
  double sum = normal;
  for (std::size_t k = 0; k < kKernels; ++k) sum += excitation.shares[k] * excitation.above[k];
  return std::max(sum, SelfExcitation::kFloor * normal);
}

/// Sums over the history, weighted by the variance that the shares so far expect.
NormalEquations equations(const ValueHistory& history, const CountSeason& untaught,
                          const std::array<double, kKernels>& shares) {
  NormalEquations sums;
  CountSeason season = untaught;
  SelfExcitation excitation{.shares = shares};
  const std::size_t warm_up = history.size() / 10;
  const double mean = history.mean(0, history.size());
  double scale = 0, weights = 0;
  walk_counts(
      history, {}, season, [](std::size_t) {},
      [&](std::size_t t, double normal) {
        if (t >= warm_up) {
          // Between Poisson's variance and one that grows with the square: bursts must not rule the sums.
          const double expected = expected_now(excitation, normal);
          const double weight = 1 / (expected + expected * expected / (mean + 1e-9) + 0.1 * mean + 1e-9);
          for (std::size_t k = 0; k < kKernels; ++k) {
            const double weighted = weight * excitation.above[k];
            for (std::size_t j = 0; j <= k; ++j) sums.squares[k][j] += weighted * excitation.above[j];
            sums.products[k] += weighted * (history[t] - normal);
          }
          scale += weight * (history[t] - normal) * (history[t] - normal);
          weights += 1;
        }
        excitation.update(history[t], normal);
      });
  const double ridge = weights > 0 ? kExcitationRidge * scale / weights + 1e-12 : 1;
  for (std::size_t k = 0; k < kKernels; ++k) {
    for (std::size_t j = 0; j < k; ++j) sums.squares[j][k] = sums.squares[k][j];
    sums.squares[k][k] += ridge;
  }
  return sums;
}

/// Least squares with shares of at least 0, by coordinate descent.
std::array<double, kKernels> solve(const NormalEquations& sums) {
  std::array<double, kKernels> shares{};
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    for (std::size_t k = 0; k < kKernels; ++k) {
      double rest = sums.products[k];
      for (std::size_t j = 0; j < kKernels; ++j) {
        if (j != k) rest -= sums.squares[k][j] * shares[j];
      }
      shares[k] = std::clamp(rest / sums.squares[k][k], 0.0, SelfExcitation::kShareMax);
    }
  }
  double total = 0;
  for (const double share : shares) total += share;
  if (total > SelfExcitation::kShareMax) {
    for (double& share : shares) share *= SelfExcitation::kShareMax / total;
  }
  return shares;
}

}  // namespace

std::vector<double> SelfExcitation::expected(std::span<const double> normal) const {
  SelfExcitation ahead = *this;
  std::vector<double> result;
  result.reserve(normal.size());
  for (const double usual : normal) {
    const double now = expected_now(ahead, usual);
    result.push_back(now);
    ahead.update(now, usual);
  }
  return result;
}

bool SelfExcitation::is_sound() const {
  double total = 0;
  for (std::size_t k = 0; k < kKernels; ++k) {
    if (!(shares[k] >= 0 && std::abs(above[k]) <= 1e16)) return false;
    total += shares[k];
  }
  return total <= 1;
}

SelfExcitation fit_excitation(const ValueHistory& history, const CountSeason& untaught) {
  SelfExcitation excitation;
  for (int round = 0; round < kExcitationReweightings; ++round) {
    excitation.shares = solve(equations(history, untaught, excitation.shares));
  }
  return excitation;
}

}  // namespace forewarm
