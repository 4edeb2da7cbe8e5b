#include "core/scale/ahead.h"

#include <algorithm>
#include <cmath>

#include "core/scale/queueing.h"

namespace forewarm {
namespace {

constexpr double kClumpingLevel = 0.5;  // the rate itself; its spread is in the other reading
constexpr double kRateMax = 1e6;

/// Instances for a steady random stream of `rate` messages a second.
std::uint32_t clumping_need(const ScalingFacts& facts, double rate, double late_share_allowed) {
  const SteadyLoad load{.offered = rate * facts.service_seconds,
                        .slack_in_services = facts.slack_seconds / facts.service_seconds};
  const double slots_max =
      std::min(4e9, (facts.instances_max + 1.0) * facts.capacity);  // one above shows in the reason
  return facts.instances_of(
      slots_for_late_share(load, late_share_allowed, static_cast<std::uint32_t>(slots_max)));
}

}  // namespace

std::size_t forecast_ahead(double level) {
  std::size_t ahead = kAheadWithoutForecast;
  while (ahead + 1 < kAheadCount && kAheadLevels[ahead] < level) ++ahead;
  return ahead;
}

AheadOfNeed ahead_of_need(const ScalingFacts& facts, double arrivals_per_second, const Outlook* outlook) {
  AheadOfNeed ahead;
  if (!facts.service_known) return ahead;
  const double present =
      std::isfinite(arrivals_per_second) ? std::clamp(arrivals_per_second, 0.0, kRateMax) : 0;
  for (std::size_t a = 1; a < kAheadWithoutForecast; ++a) {
    ahead.messages_per_step[a] = present * facts.step_seconds;
    ahead.instances[a] = clumping_need(facts, present, 1 - kAheadLevels[a]);
  }
  if (outlook == nullptr) return ahead;
  const double span = facts.lead_seconds + facts.step_seconds;
  const SlackProblem coming{.service_seconds = facts.service_seconds, .slack_seconds = facts.slack_seconds};
  const double rate = outlook->window(span, kClumpingLevel).peak_rate();
  for (std::size_t a = kAheadWithoutForecast; a < kAheadCount; ++a) {
    const ForecastPieces window = outlook->window(span, kAheadLevels[a]);
    const std::uint32_t spread = facts.instances_of(slots_within_slack(window.pieces(), coming));
    ahead.messages_per_step[a] = window.peak_rate() * facts.step_seconds;
    ahead.instances[a] = std::max(spread, clumping_need(facts, rate, 1 - kAheadLevels[a]));
  }
  return ahead;
}

}  // namespace forewarm
