#include "core/scale/choice.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr Duration kHalfLife = 6h;
constexpr Duration kForgetEvery = 60s;
constexpr double kBelieved = 3;  // cold messages that the belief before is worth
constexpr double kLatePerColdMax = 20;
constexpr double kLateMostly = 0.5;  // more starts at a time would be late too
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
  expected_ *= keep;
  advanced_ = now;
}

void CandidateChoice::observe_ready(const Shadow& shadow) {
  if (!chosen_ || !shadow.last_was_cold(chosen_->candidate)) return;
  cold_ += 1;
  expected_ += all_late(chosen_->starts_per_cold);
}

void CandidateChoice::observe_start(bool late) {
  if (chosen_ && late) late_ += 1;
}

double CandidateChoice::all_late(std::uint32_t starts) const {
  double all = 1;
  for (std::uint32_t i = 0; i < starts; ++i) all *= late_if_cold_;
  return all;
}

double CandidateChoice::late_per_cold(std::uint32_t starts) const {
  const double here = all_late(starts);
  const double believed = kBelieved * late_if_cold_;
  // Fewer than expected are late for what is true of any start; more than chance brings, because they wait
  // for something else, and no start more would help them.
  const double others = late_ - expected_ - std::sqrt(expected_ + 1);
  const double each = others > 0
                          ? here + others / (cold_ + kBelieved)
                          : here * std::min(1.0, (late_ + believed) / std::max(expected_ + believed, 1e-9));
  return std::min(each, kLatePerColdMax);
}

double CandidateChoice::late_share(const Shadow& shadow, const Choice& choice) const {
  if (!chosen_) return 0;  // too little was seen to say anything
  const double late = shadow.record(choice.candidate).cold * late_per_cold(choice.starts_per_cold);
  return std::min(1.0, late / std::max(1.0, shadow.messages()));
}

std::optional<Choice> CandidateChoice::choose(const Shadow& shadow, const CandidateWish& wish) {
  if (shadow.messages() < kMessagesToTell && shadow.watched_seconds() < seconds(kTimeToTell)) return {};
  const bool priced = wish.late_price_seconds > 0;
  const double allowed = priced ? 0 : wish.late_share_max * shadow.messages();
  const double price = priced                                ? wish.late_price_seconds
                       : shadow.messages() < kMessagesToHold ? wish.late_price_max_seconds
                                                             : kBeforeAllCost;
  const auto cost = [&](const Choice& choice, double per_cold) {
    const CandidateRecord& record = shadow.record(choice.candidate);
    const double starts_more = (choice.starts_per_cold - 1) * shadow.start_seconds();
    return record.instance_seconds + record.cold * starts_more +
           price * std::max(0.0, record.cold * per_cold - allowed);
  };
  std::optional<Choice> best;
  double least = 0;
  if (chosen_ && chosen_->candidate.ahead < wish.ahead_count) {
    best = chosen_;
    least = cost(*chosen_, late_per_cold(chosen_->starts_per_cold)) * (1 - kBetterBy);
  }
  const std::uint32_t starts_max = late_if_cold_ > 0 && late_if_cold_ < kLateMostly ? kStartsPerColdMax : 1;
  for (std::uint32_t starts = 1; starts <= starts_max; ++starts) {
    const double per_cold = late_per_cold(starts);
    for (std::size_t a = 0; a < wish.ahead_count; ++a) {
      for (std::size_t p = 0; p < kPrices; ++p) {
        const Choice choice{.candidate = {.price = p, .ahead = a}, .starts_per_cold = starts};
        const double of_this = cost(choice, per_cold);
        if (best && of_this >= least) continue;
        best = choice;
        least = of_this;
      }
    }
  }
  chosen_ = best;
  return chosen_;
}

}  // namespace forewarm
