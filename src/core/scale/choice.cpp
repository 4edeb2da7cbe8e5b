#include "core/scale/choice.h"

#include <algorithm>
#include <cstdlib>
#include <numbers>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr Duration kHalfLife = 6h;
constexpr double kBelieved = 3;       // cold messages that the belief before is worth
constexpr double kLatePerColdMax = 20;
constexpr double kMessagesToTell = 30;
constexpr double kBetterBy = 0.02;    // or the one chosen stays: a tie must not flap

}  // namespace

void CandidateChoice::advance(TimePoint now, double late_if_cold) {
  late_if_cold_ = late_if_cold;
  if (advanced_ == kNever) advanced_ = now;
  if (now - advanced_ < 60s) return;
  const double keep = exp(-std::numbers::ln2 * (seconds(now - advanced_) / seconds(kHalfLife)));
  cold_ *= keep;
  late_ *= keep;
  advanced_ = now;
}

void CandidateChoice::observe_ready(const Shadow& shadow) {
  if (any_ && shadow.last_was_cold(chosen_)) cold_ += 1;
}

void CandidateChoice::observe_start(bool late) {
  if (any_ && late) late_ += 1;
}

double CandidateChoice::late_per_cold() const {
  return std::min((late_ + kBelieved * late_if_cold_) / (cold_ + kBelieved), kLatePerColdMax);
}

double CandidateChoice::late_share(const Shadow& shadow, Candidate candidate) const {
  return shadow.record(candidate).cold * late_per_cold() / std::max(1.0, shadow.messages());
}

const Candidate* CandidateChoice::choose(const Shadow& shadow, const CandidateWish& wish) {
  if (shadow.messages() < kMessagesToTell) return nullptr;
  const double per_cold = late_per_cold();
  const double allowed = wish.late_share_max * shadow.messages();
  const double price = wish.late_price > 0 ? wish.late_price : allowed < 1 ? wish.late_price_max : 1e5;
  // What keeps the objective comes before what does not; within either the sum of both costs counts, of which
  // lateness is one only where it is too much.
  const auto cost = [&](Candidate candidate) {
    const CandidateRecord& record = shadow.record(candidate);
    const double late = record.cold * per_cold;
    const double too_many = wish.late_price > 0 ? late : std::max(0.0, late - allowed);
    return record.instance_seconds + price * too_many;
  };
  Candidate best = chosen_;
  double least = any_ && chosen_.ahead < wish.ahead_count ? cost(chosen_) * (1 - kBetterBy) : 1e300;
  for (std::size_t a = 0; a < wish.ahead_count; ++a) {
    for (std::size_t p = 0; p < kPrices; ++p) {
      const double of_this = cost({p, a});
      if (of_this >= least) continue;
      least = of_this;
      best = {.price = p, .ahead = a};
    }
  }
  chosen_ = best;
  any_ = true;
  return &chosen_;
}

}  // namespace forewarm
