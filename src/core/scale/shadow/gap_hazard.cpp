#include "core/scale/shadow/gap_hazard.h"

#include <algorithm>
#include <bit>

namespace forewarm {
namespace {

constexpr double kFirstBinSeconds = 0.01;
constexpr std::array<double, 4> kQuarters = {1, 1.189207115002721, 1.4142135623730951, 1.681792830507429};

// What is believed before anything was seen: one half of a gap, of a length of which nothing is known but
// that it lies within the bins.
constexpr float kPrior = 0.5F / GapHazard::kBins;

constexpr float kOutdatedBy = 0.02F;  // of the weight: fewer new gaps change no decision worth the time

}  // namespace

double price_seconds(std::size_t price) {
  return price == 0 ? 0 : static_cast<double>(std::uint64_t{1} << (price - 1));
}

double GapHazard::bin_begins(std::size_t bin) {
  if (bin == 0) return 0;
  return kFirstBinSeconds * static_cast<double>(std::uint64_t{1} << (bin / 4)) * kQuarters[bin % 4];
}

std::size_t GapHazard::bin_of(Duration gap) {
  const double ratio = seconds(gap) / kFirstBinSeconds;
  if (!(ratio >= 1)) return 0;
  const auto octave = static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(ratio)) - 1);
  const double rest = ratio / static_cast<double>(std::uint64_t{1} << octave);
  std::size_t quarter = 3;
  while (rest < kQuarters[quarter]) --quarter;
  return std::min(4 * octave + quarter, kBins - 1);
}

void GapHazard::observe(Duration gap) {
  gaps_[bin_of(gap)] += 1;
  weight_ += 1;
  if (weight_ - decided_weight_ > kOutdatedBy * weight_) outdated_ = true;
}

void GapHazard::forget(float keep) {
  for (float& count : gaps_) count *= keep;
  weight_ *= keep;
  decided_weight_ *= keep;
}

void GapHazard::decide(double start_seconds) {
  const auto start = static_cast<float>(start_seconds);
  std::array<float, kPrices> cold_need;
  for (std::size_t p = 0; p < kPrices; ++p) cold_need[p] = static_cast<float>(price_seconds(p)) + start;
  // From the last bin to the first: what the rest of a gap costs if the instance is warm, or cold, as the bin
  // begins; and the prices at which it is then let go, or started.
  std::array<float, kPrices> if_warm{}, if_cold{};
  std::array<PriceMask, kBins> let_go{}, start_ahead{};
  float later = 0;  // gaps that end in later bins
  for (std::size_t bin = kBins; bin-- > 0;) {
    const float here = gaps_[bin] + kPrior;
    const auto width = static_cast<float>(bin_begins(bin + 1) - bin_begins(bin));
    const float time = width * (later + here / 2);
    const float starting = start * (later + here);
    for (std::size_t p = 0; p < kPrices; ++p) {
      const float stay = time + if_warm[p];
      const float away = cold_need[p] * here + if_cold[p];
      if_warm[p] = std::min(stay, away);
      if_cold[p] = std::min(away, stay + starting);
      let_go[bin] = static_cast<PriceMask>(let_go[bin] | (away < stay ? 1U << p : 0U));
      start_ahead[bin] = static_cast<PriceMask>(start_ahead[bin] | (stay + starting < away ? 1U << p : 0U));
    }
    later += here;
  }
  auto warm = static_cast<PriceMask>(~0U);  // it has just been used
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    warm = static_cast<PriceMask>((warm & ~let_go[bin]) | start_ahead[bin]);
    warm_[bin] = warm;
  }
  decided_weight_ = weight_;
  outdated_ = false;
}

PriceMask GapHazard::warm(Duration idle_for, Duration lead) const {
  return static_cast<PriceMask>(warm_[bin_of(idle_for)] | warm_[bin_of(idle_for + lead)]);
}

}  // namespace forewarm
