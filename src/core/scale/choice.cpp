#include "core/scale/choice.h"

#include <algorithm>
#include <numbers>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr Duration kHalfLife = 6h;
constexpr Duration kForgetEvery = 60s;
constexpr double kBelieved = 3;  // cold messages that the belief before is worth
constexpr double kLatePerColdMax = 20;
constexpr double kMessagesToTell = 30;
constexpr double kMessagesToHold = 300;  // fewer say too little of a share
constexpr Duration kTimeToTell = 1h;     // or so few messages in so long
constexpr double kBetterBy = 0.02;       // or the one chosen stays: a tie must not flap

// What is too late by more than was allowed comes before all cost.
constexpr double kBeforeAllCost = 1e5;

}  // namespace

void CandidateChoice::advance(TimePoint now, double late_if_cold) {
  late_if_cold_ = late_if_cold;
  if (advanced_ == kNever || now < advanced_) advanced_ = now;
  if (now < saturating_add(advanced_, kForgetEvery)) return;
  const double keep = exp(-std::numbers::ln2 * seconds_between(advanced_, now) / seconds(kHalfLife));
  cold_ *= keep;
  late_ *= keep;
  advanced_ = now;
}

void CandidateChoice::observe_ready(const Shadow& shadow) {
  if (chosen_ && shadow.last_was_cold(*chosen_)) cold_ += 1;
}

void CandidateChoice::observe_start(bool late) {
  if (chosen_ && late) late_ += 1;
}

double CandidateChoice::late_per_cold() const {
  return std::min((late_ + kBelieved * late_if_cold_) / (cold_ + kBelieved), kLatePerColdMax);
}

double CandidateChoice::late_share(const Shadow& shadow, Candidate candidate) const {
  if (!chosen_) return 0;  // too little was seen to say anything
  return std::min(1.0, shadow.record(candidate).cold * late_per_cold() / std::max(1.0, shadow.messages()));
}

std::optional<Candidate> CandidateChoice::choose(const Shadow& shadow, const CandidateWish& wish) {
  if (shadow.messages() < kMessagesToTell && shadow.watched_seconds() < seconds(kTimeToTell)) return {};
  const double per_cold = late_per_cold();
  const bool priced = wish.late_price_seconds > 0;
  const double allowed = priced ? 0 : wish.late_share_max * shadow.messages();
  const double price = priced                                ? wish.late_price_seconds
                       : shadow.messages() < kMessagesToHold ? wish.late_price_max_seconds
                                                             : kBeforeAllCost;
  const auto cost = [&](Candidate candidate) {
    const CandidateRecord& record = shadow.record(candidate);
    return record.instance_seconds + price * std::max(0.0, record.cold * per_cold - allowed);
  };
  std::optional<Candidate> best;
  double least = 0;
  if (chosen_ && chosen_->ahead < wish.ahead_count) {
    best = chosen_;
    least = cost(*chosen_) * (1 - kBetterBy);
  }
  for (std::size_t a = 0; a < wish.ahead_count; ++a) {
    for (std::size_t p = 0; p < kPrices; ++p) {
      const Candidate candidate{.price = p, .ahead = a};
      const double of_this = cost(candidate);
      if (best && of_this >= least) continue;
      best = candidate;
      least = of_this;
    }
  }
  chosen_ = best;
  return chosen_;
}

}  // namespace forewarm
