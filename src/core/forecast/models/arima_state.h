#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/forecast/models/arima_fit.h"
#include "core/forecast/models/arima_process.h"
#include "core/forecast/models/lead_errors.h"

namespace forewarm {

/// An ARIMA process under way: what it expects, and how a step moves it on. The gain is the constant one
/// that the Kalman filter converges to, so a step costs O(longest lag) and carries no covariances.
class ArimaState {
 public:
  ArimaState() = default;
  /// At the end of a filter's run: `state` and `past` as ArimaInnovations has them.
  ArimaState(ArimaProcess process, std::vector<double> state, std::vector<double> past);
  /// Knowing only the values that differences need, oldest first: beyond them the mean is expected.
  ArimaState(ArimaProcess process, std::span<const double> past);

  /// From now on the mean of a process without differences follows the values by this share of the distance
  /// a step: a level that moves for good would otherwise be missed until the next fit.
  void follow_level(double share) { follow_ = past_.empty() ? share : 0; }
  /// A value that was not measured (NaN) is taken to be the expected one.
  void update(double value);
  /// Expected values of the steps at `leads` (ascending, from 1).
  void expected(std::span<const std::size_t> leads, std::span<double> values) const;

  static void fields(auto& state, auto& archive) {
    archive(state.process_.ar);
    archive(state.process_.ma);
    archive(state.process_.differences);
    archive(state.process_.mean);
    archive(state.follow_);
    archive(state.ahead_);
    archive(state.past_);
  }
  /// False when a loaded state cannot be one of ours.
  bool is_sound() const;

 private:
  double difference_part(std::span<const double> past) const;

  ArimaProcess process_;
  double follow_ = 0;
  std::vector<double> ahead_;  ///< w expected of the next steps if no surprise comes
  std::vector<double> past_;   ///< newest values, oldest first, difference_reach() of them
};

/// The share by which models let a level move on, see follow_level: half of a shift is seen in 140 steps.
inline constexpr double kArimaFollow = 0.005;

/// Runs a process over the series and collects its errors at each lead from spread origins, newer ones
/// weighing more.
LeadErrors own_errors(const ArimaSeries& series, const ArimaProcess& process);

/// Where a fitted process stands after its series: exact where that costs at most `cost_max` multiplications,
/// else by the recursion of the conditional fit; the two meet as steps go by.
ArimaState settled_state(const ArimaSeries& series, const ArimaFit& fit, double cost_max = 1e30);

}  // namespace forewarm
