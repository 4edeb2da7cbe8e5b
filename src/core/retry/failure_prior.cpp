#include "core/retry/failure_prior.h"

#include <algorithm>
#include <array>

#include "core/retry/breaker_view.h"
#include "core/retry/log_odds.h"

namespace forewarm {
namespace {

constexpr std::size_t kKnots = 16;
constexpr double kKnotsFrom = -8;  // log odds; the last knot is at +8
constexpr double kShareMin = 0.005;
constexpr double kLevelsWorth = 20;   // outcomes of a function before the newest say more than the levels
constexpr double kTenantWorth = 0.2;  // failures: tenants differ much
constexpr double kErrorWorth = 0.5;   // an error mostly either passes or stays

using Knots = std::array<double, kKnots>;
constexpr Knots kFirstCurve = {0,     0.49,  1.22,  0.18,  -0.12, -0.20, 0.25, 0.13,
                               -0.13, -0.79, -0.60, -1.15, -0.38, -0.18, 0,    0};
constexpr Knots kRetryCurve = {0.19,  0.95, 1.71, 0.75, -0.32, -0.75, 0.17,  0.04,
                               -0.34, 0.13, 1.10, 0.79, 0.78,  -0.23, -0.06, -0.14};

double of_share(double share) {
  return log_odds(std::max(kShareMin, share));
}

double log_of_count(double count) {
  return log(1 + std::clamp(count, 0.0, 1e12));
}

double log_of_seconds(Duration duration) {
  return log_of_count(seconds(duration));
}

double of_tenant(const TenantFailures& tenant) {
  return log((tenant.seen + kTenantWorth) / (tenant.expected + kTenantWorth));
}

bool is(const AttemptFeatures& attempt, BreakerState state) {
  return attempt.breaker == static_cast<std::uint8_t>(state);
}

double bent(double log_odds_before, const Knots& curve) {
  const double inside = std::clamp(log_odds_before, kKnotsFrom, -kKnotsFrom);
  const double place = (inside - kKnotsFrom) / (-2 * kKnotsFrom) * (kKnots - 1);
  const auto low = std::min<std::size_t>(static_cast<std::size_t>(place), kKnots - 2);
  const double part = place - static_cast<double>(low);
  return inside + (1 - part) * curve[low] + part * curve[low + 1];
}

/// While a breaker is open only canaries run: they fail until one has succeeded, and the longer nothing has
/// been heard the likelier it is over.
double of_first(const AttemptFeatures& attempt, const NewestOutcomes& newest) {
  const auto& [of_3, of_10, of_30, of_100] = newest.first.shares;
  const double failed_row = log_of_count(-newest.first.row);
  const double well_row = log_of_count(newest.first.row);
  double sum = -0.258 + 0.105 * log_odds(attempt.prior) + 0.167 * of_share(of_3) + 0.118 * of_share(of_10) +
               0.258 * of_share(of_30) + 0.440 * of_share(of_100) + 0.338 * failed_row + 0.267 * well_row +
               0.600 * of_tenant(newest.tenant);
  if (is(attempt, BreakerState::Open))
    sum += 1.371 - 1.856 * well_row - 0.189 * log_of_seconds(newest.since_outcome);
  if (is(attempt, BreakerState::HalfOpen)) sum += -0.180 - 0.572 * well_row;
  return bent(sum, kFirstCurve);
}

/// What others met that had failed alike tells most, and whether one of them has come through since.
double of_retry(const AttemptFeatures& attempt, const NewestOutcomes& newest) {
  const auto& shares = newest.first.shares;
  const double after = log((std::max(0.0, newest.after_error.failed) + kErrorWorth) /
                           (std::max(0.0, newest.after_error.succeeded) + kErrorWorth));
  const double well_row = log_of_count(newest.after.row);
  const double waited = log_of_seconds(attempt.since_failure);
  double sum = 1.149 + 0.371 * log_odds(attempt.prior) + 0.401 * of_share(shares[1]) -
               0.196 * of_share(shares[2]) + 0.917 * after - 0.037 * log_of_count(-newest.after.row) -
               0.316 * well_row - 0.368 * waited + 0.147 * log_of_count(-newest.first.row) +
               0.248 * log_of_count(newest.first.row) + 0.337 * of_tenant(newest.tenant);
  if (newest.passed) sum += -0.051 - 0.194 * well_row;
  if (attempt.failures >= 2) sum += attempt.failures == 2 ? 0.256 : 0.562;
  if (attempt.error == ErrorClass::Timeout) sum -= 0.901;
  if (is(attempt, BreakerState::Open)) sum += -0.542 + 0.395 * waited;
  if (is(attempt, BreakerState::HalfOpen)) sum += 0.021;
  if (is(attempt, BreakerState::Permanent)) sum += 3.027;
  return bent(sum, kRetryCurve);
}

}  // namespace

double prior_log_odds(const AttemptFeatures& attempt) {
  const double by_levels = log_odds(attempt.prior);
  if (!attempt.newest) return by_levels;
  const double by_newest =
      attempt.failures == 0 ? of_first(attempt, *attempt.newest) : of_retry(attempt, *attempt.newest);
  const auto known = static_cast<double>(attempt.newest->first.count);
  return by_levels + known / (known + kLevelsWorth) * (by_newest - by_levels);
}

}  // namespace forewarm
