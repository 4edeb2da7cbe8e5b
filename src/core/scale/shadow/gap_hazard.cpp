#include "core/scale/shadow/gap_hazard.h"

#include <algorithm>
#include <bit>

namespace forewarm {
namespace {

constexpr double kFirstBinSeconds = 0.01;
constexpr double kBelievedSeconds = 600;
constexpr std::array<double, 4> kQuarters = {1, 1.189207115002721, 1.4142135623730951, 1.681792830507429};

constexpr double begins(std::size_t bin) {
  return bin == 0
             ? 0
             : kFirstBinSeconds * static_cast<double>(std::uint64_t{1} << (bin / 4)) * kQuarters[bin % 4];
}

// What is believed before anything was seen: a tenth of a gap, whose hazard after t seconds is 1 / t. Where
// nothing is known it makes the instance stay as long as costs its price: the rule of the ski rental, never
// more than twice what foresight would pay (Karlin et al. 1988). Not above ten minutes: who is kept longer
// has been needed after longer.
constexpr double kPriorGaps = 0.1;
constexpr std::array<float, GapCounts::kBins> kPrior = [] {
  std::array<float, GapCounts::kBins> prior{};
  double left = kPriorGaps;
  for (std::size_t bin = 0; bin < prior.size() && begins(bin) < kBelievedSeconds; ++bin) {
    prior[bin] = static_cast<float>(left * (1 - 1 / kQuarters[1]));
    left /= kQuarters[1];
  }
  return prior;
}();

// Of them, those that are longer.
constexpr double kPriorLonger = [] {
  double longer = kPriorGaps;
  for (const float here : kPrior) longer -= static_cast<double>(here);
  return longer;
}();

constexpr float kAsGood = 0.05F;
constexpr float kOutdatedBy = 0.02F;  // of the weight: fewer new gaps change no decision worth the time

using ByPrice = std::array<float, kPrices>;

/// The cheapest course at each price, and what it costs over all gaps counted, from either state.
struct Course {
  std::array<PriceMask, GapCounts::kBins> let_go{}, start_ahead{};
  ByPrice if_warm{}, if_cold{};
  float gaps = 0;
};

Course cheapest(const GapCounts& counts, const ByPrice& missed, float start) {
  Course course;
  float& later = course.gaps;  // gaps that end in later bins
  for (std::size_t bin = GapCounts::kBins; bin-- > 0;) {
    const float here = counts.at(bin) + kPrior[bin];
    const auto width = static_cast<float>(GapCounts::bin_begins(bin + 1) - GapCounts::bin_begins(bin));
    const float time = width * (later + here / 2);
    const float starting = start * (later + here);
    PriceMask let_go = 0, start_ahead = 0;
    for (std::size_t p = 0; p < kPrices; ++p) {
      const float stay = time + course.if_warm[p];
      const float away = missed[p] * here + course.if_cold[p];
      course.if_warm[p] = std::min(stay, away);
      course.if_cold[p] = std::min(away, stay + starting);
      let_go = static_cast<PriceMask>(let_go | (away <= stay ? 1U << p : 0U));
      start_ahead = static_cast<PriceMask>(start_ahead | (stay + starting < away ? 1U << p : 0U));
    }
    course.let_go[bin] = let_go;
    course.start_ahead[bin] = start_ahead;
    later += here;
  }
  return course;
}

}  // namespace

double price_seconds(std::size_t price) {
  return price == 0 ? 0 : static_cast<double>(std::uint64_t{1} << (price - 1));
}

double GapCounts::bin_begins(std::size_t bin) {
  return begins(bin);
}

std::size_t GapCounts::bin_of(Duration gap) {
  const double ratio = seconds(gap) / kFirstBinSeconds;
  if (!(ratio >= 1)) return 0;
  const auto octave = static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(ratio)) - 1);
  const double rest = ratio / static_cast<double>(std::uint64_t{1} << octave);
  std::size_t quarter = 3;
  while (rest < kQuarters[quarter]) --quarter;
  return std::min(4 * octave + quarter, kBins - 1);
}

void GapCounts::observe(Duration gap) {
  counts_[bin_of(gap)] += 1;
  weight_ += 1;
}

void GapCounts::forget(float keep) {
  for (float& count : counts_) count *= keep;
  weight_ *= keep;
}

void GapCounts::restore(std::span<const float> counts) {
  std::ranges::copy(counts, counts_.begin());
  weight_ = 0;
  for (const float count : counts_) weight_ += count;
}

void GapHazard::forget(float keep) {
  gaps_.forget(keep);
  after_start_.forget(keep);
  decided_weight_ *= keep;
}

bool GapHazard::outdated() const {
  return decided_weight_ < 0 || gaps_.weight() > decided_weight_ * (1 + kOutdatedBy);
}

void GapHazard::restore(std::span<const float> gaps, std::span<const float> after_start) {
  gaps_.restore(gaps);
  after_start_.restore(after_start);
}

void GapHazard::decide(Duration lead, double start_seconds) {
  const auto start = static_cast<float>(start_seconds);
  ByPrice missed;
  for (std::size_t p = 0; p < kPrices; ++p) missed[p] = static_cast<float>(price_seconds(p)) + start;
  const Course started = cheapest(after_start_, missed, start);
  starts_on_need_ = 0;
  for (std::size_t p = 0; p < kPrices; ++p) {
    // Who is cold at a need pays the start, or, where that is cheaper, goes on without. A start a little
    // later is as good as one at once, and no reason against it.
    const float without = (started.if_cold[p] - started.if_warm[p]) / started.gaps;
    if (without >= (1 - kAsGood) * start) starts_on_need_ = static_cast<PriceMask>(starts_on_need_ | 1U << p);
    missed[p] = static_cast<float>(price_seconds(p)) + std::clamp(without, 0.0F, start);
  }
  const Course course = cheapest(gaps_, missed, start);
  const std::size_t ready = GapCounts::bin_of(lead);
  PriceMask warm = kAllPrices, from_cold = 0;
  for (std::size_t bin = 0; bin < GapCounts::kBins; ++bin) {
    const PriceMask ahead = course.start_ahead[bin];
    warm = static_cast<PriceMask>((warm & ~course.let_go[bin]) | ahead);
    from_cold = static_cast<PriceMask>((from_cold & ~course.let_go[bin]) | (bin > ready ? ahead : 0));
    after_warm_[bin] = warm;
    after_cold_[bin] = from_cold;
  }
  decided_weight_ = gaps_.weight();
}

double GapHazard::need_per_second(Duration idle_for) const {
  const std::size_t now = GapCounts::bin_of(idle_for);
  const double end = begins(now + 1);
  const double left = std::max(0.0, end - std::max(begins(now), seconds(idle_for)));
  const double share = left / (end - begins(now));  // of the gaps of this bin that have not ended yet
  const auto gaps_at = [&](std::size_t bin) {
    const double gaps = static_cast<double>(gaps_.at(bin)) + static_cast<double>(kPrior[bin]);
    return bin == now ? gaps * share : gaps;
  };
  double later = kPriorLonger;
  for (std::size_t bin = GapCounts::kBins; bin-- > now;) later += gaps_at(bin);
  double needs = 0, idle = 0, best = 0;
  for (std::size_t bin = now; bin < GapCounts::kBins; ++bin) {
    const double here = gaps_at(bin);
    idle += (bin == now ? left : begins(bin + 1) - begins(bin)) * (later - here / 2);
    needs += here;
    later -= here;
    if (idle > 0) best = std::max(best, needs / idle);
  }
  return best;
}

PriceMask GapHazard::warm(Duration idle_for, PriceMask started) const {
  const std::size_t bin = GapCounts::bin_of(idle_for);
  return static_cast<PriceMask>((after_warm_[bin] & started) | (after_cold_[bin] & ~started));
}

}  // namespace forewarm
