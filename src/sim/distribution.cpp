#include "sim/distribution.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/math.h"

namespace forewarm {

DurationDistribution DurationDistribution::fixed(Duration value) {
  return log_normal(value, 0);
}

DurationDistribution DurationDistribution::log_normal(Duration median, double sigma) {
  check(median >= Duration(0) && sigma >= 0, "a duration's median and spread are not negative");
  DurationDistribution out;
  out.median_seconds_ = seconds(median);
  out.sigma_ = sigma;
  return out;
}

DurationDistribution DurationDistribution::empirical(std::vector<Percentile> percentiles) {
  check(!percentiles.empty(), "an empirical distribution has percentiles");
  check(std::ranges::is_sorted(percentiles, {}, &Percentile::level), "percentiles ascend");
  DurationDistribution out;
  out.percentiles_ = std::move(percentiles);
  return out;
}

Duration DurationDistribution::draw(Random& random) const {
  if (percentiles_.empty()) {
    return from_seconds(sigma_ == 0 ? median_seconds_ : median_seconds_ * exp(sigma_ * random.normal()));
  }
  const double level = random.uniform();
  const auto above = std::ranges::lower_bound(percentiles_, level, {}, &Percentile::level);
  if (above == percentiles_.begin()) return above->value;
  if (above == percentiles_.end()) return percentiles_.back().value;
  const Percentile& below = *(above - 1);
  const double share = (level - below.level) / (above->level - below.level);
  return below.value + from_seconds(seconds(above->value - below.value) * share);
}

Duration DurationDistribution::mean() const {
  if (percentiles_.empty()) return from_seconds(median_seconds_ * exp(sigma_ * sigma_ / 2));
  double sum = seconds(percentiles_.front().value) * percentiles_.front().level;
  for (std::size_t i = 1; i < percentiles_.size(); ++i)
    sum += (percentiles_[i].level - percentiles_[i - 1].level) *
           (seconds(percentiles_[i].value) + seconds(percentiles_[i - 1].value)) / 2;
  return from_seconds(sum + (1 - percentiles_.back().level) * seconds(percentiles_.back().value));
}

}  // namespace forewarm
