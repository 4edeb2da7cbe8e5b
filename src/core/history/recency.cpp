#include "core/history/recency.h"

#include <algorithm>

namespace forewarm {
namespace {

constexpr std::array kGains{0.3, 0.1, 0.03, 0.01};
constexpr std::int32_t kRowMax = 1'000'000;

}  // namespace

void Recency::add(TimePoint at, bool failed) {
  // The first ones are averaged, so that what was assumed before them is soon forgotten.
  const double share_of_one = 1 / (static_cast<double>(count) + 2);
  for (std::size_t i = 0; i < shares.size(); ++i)
    shares[i] += std::max(kGains[i], share_of_one) * ((failed ? 1 : 0) - shares[i]);
  if (count < UINT32_MAX) ++count;
  row = failed ? std::max(std::min(row, 0) - 1, -kRowMax) : std::min(std::max(row, 0) + 1, kRowMax);
  seen_at = at;
  if (!failed) succeeded_at = at;
}

}  // namespace forewarm
