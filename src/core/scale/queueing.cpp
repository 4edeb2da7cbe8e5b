#include "core/scale/queueing.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr std::uint32_t kExactSlotsMax = 128;  // the recursion costs one division a slot

/// Erlang's loss probability with one slot more, from that without it.
double next_loss(double loss, double offered, double slots) {
  return offered * loss / (slots + offered * loss);
}

double late_share_of_loss(const SteadyLoad& load, double slots, double loss) {
  const double waits = loss / (1 - load.offered / slots * (1 - loss));
  return waits * exp(-(slots - load.offered) * load.slack_in_services);
}

double late_share_in_the_limit(const SteadyLoad& load, double slots) {
  const double beta = (slots - load.offered) / sqrt(load.offered);
  const double density = exp(-beta * beta / 2) * 0.3989422804014327;  // 1 / sqrt(2 pi)
  const double waits = density / (density + beta * normal_cdf(beta));
  return waits * exp(-(slots - load.offered) * load.slack_in_services);
}

}  // namespace

double late_share(const SteadyLoad& load, std::uint32_t slots) {
  if (load.offered <= 0) return 0;
  if (load.offered >= slots) return 1;
  if (slots > kExactSlotsMax) return late_share_in_the_limit(load, slots);
  double loss = 1;
  for (std::uint32_t k = 1; k <= slots; ++k) loss = next_loss(loss, load.offered, k);
  return late_share_of_loss(load, slots, loss);
}

std::uint32_t slots_for_late_share(const SteadyLoad& load, double share, std::uint32_t limit) {
  if (load.offered <= 0) return 0;
  if (load.offered >= limit) return limit;
  double loss = 1;
  for (std::uint32_t k = 1; k <= std::min(limit, kExactSlotsMax); ++k) {
    loss = next_loss(loss, load.offered, k);
    if (k > load.offered && late_share_of_loss(load, k, loss) <= share) return k;
  }
  std::uint32_t low = std::max(std::min(limit, kExactSlotsMax), static_cast<std::uint32_t>(load.offered));
  std::uint32_t high = limit;  // low is not enough; high is, or is all there may be
  while (high - low > 1) {
    const std::uint32_t middle = low + (high - low) / 2;
    (late_share(load, middle) <= share ? high : low) = middle;
  }
  return high;
}

}  // namespace forewarm
