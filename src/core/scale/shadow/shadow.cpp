#include "core/scale/shadow/shadow.h"

#include <algorithm>
#include <bit>
#include <numbers>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr Duration kHalfLife = 24h;      // a day's pattern weighs as much as all days before it
constexpr Duration kForgetEvery = 60s;
constexpr std::size_t kAskedMax = 64;
constexpr auto kAllPrices = static_cast<PriceMask>(~0U);

/// Levels share what they learn with their neighbours: the lowest four have their own, above them there are
/// two groups an octave.
std::size_t group_of(std::uint32_t level) {
  if (level < 4) return level;
  const auto octave = static_cast<std::size_t>(std::bit_width(level) - 1);
  return 2 * octave + ((level >> (octave - 1)) & 1U);
}

}  // namespace

Shadow::Shadow(std::uint32_t instance_capacity, std::uint32_t instances_max)
    : levels_(instance_capacity, instances_max) {}

GapHazard& Shadow::hazard(std::uint32_t level) {
  const std::size_t group = group_of(level);
  while (hazards_.size() <= group) hazards_.emplace_back().decide(seconds(lead_));
  return hazards_[group];
}

void Shadow::observe_service(Duration service) {
  services_[services_seen_++ % services_.size()] = service;
}

/// Those observed last, in turn: their spread is as it was, and no message knows its own beforehand.
Duration Shadow::next_service() {
  if (services_seen_ == 0) return service_guess_;
  const std::uint64_t known = std::min<std::uint64_t>(services_seen_, services_.size());
  return services_[services_used_++ % known];
}

void Shadow::arrive(TimePoint at, Duration slack) {
  const NeededLevels::Need need = levels_.arrive(at, slack, next_service());
  messages_ += 1;
  last_level_ = need.level;
  last_warm_ = kAllPrices;
  if (need.first) {
    last_warm_ = 0;
    hazard(need.level);
  } else if (need.gap > Duration(0)) {
    GapHazard& gaps = hazard(need.level);
    last_warm_ = gaps.warm(need.gap, Duration(0));
    gaps.observe(need.gap);
  }
  if (last_warm_ == kAllPrices) return;
  for (std::size_t a = 0; a < kAheadCount; ++a) {
    if (need.level < ready_[a]) continue;
    for (std::size_t p = 0; p < kPrices; ++p) cold_since_[a][p] += (last_warm_ >> p & 1U) ^ 1U;
  }
}

bool Shadow::last_was_cold(Candidate candidate) const {
  return last_level_ >= ready_[candidate.ahead] && (last_warm_ >> candidate.price & 1U) == 0;
}

void Shadow::advance(TimePoint now, const AheadInstances& ahead, Duration lead) {
  lead_ = lead;
  const double start_seconds = seconds(lead);
  refresh_one(start_seconds);
  forget(now);
  const std::array<ByPrice, kAheadCount> before = wanted_;
  count_wanted(now, ahead);
  const double passed = advanced_ == kNever ? 0 : seconds(now - advanced_);
  advanced_ = now;
  for (std::size_t a = 0; a < kAheadCount; ++a) {
    for (std::size_t p = 0; p < kPrices; ++p) {
      const std::uint32_t was = before[a][p], is = wanted_[a][p], cold = cold_since_[a][p];
      const std::uint32_t risen = is > was ? is - was : 0;
      CandidateRecord& record = records_[a][p];
      record.instance_seconds += passed * (was + is) / 2 + start_seconds * std::max(risen, cold);
      record.cold += cold;
    }
  }
  cold_since_ = {};
  // What is asked for now helps a lead later; what is no longer asked for is gone at once.
  if (asked_.empty() || asked_.back().instances != ahead) {
    if (asked_.size() == kAskedMax) asked_.erase(asked_.begin());
    asked_.push_back({now, ahead});
  }
  while (asked_.size() > 1 && asked_[1].at <= now - lead) asked_.erase(asked_.begin());
  ready_ = ahead;
  for (const AheadSince& asked : asked_) {
    for (std::size_t a = 0; a < kAheadCount; ++a) ready_[a] = std::min(ready_[a], asked.instances[a]);
  }
}

void Shadow::refresh_one(double start_seconds) {
  for (std::size_t i = 0; i < hazards_.size(); ++i) {
    GapHazard& gaps = hazards_[next_refresh_++ % hazards_.size()];
    if (!gaps.outdated()) continue;
    gaps.decide(start_seconds);
    return;
  }
}

void Shadow::forget(TimePoint now) {
  if (forgot_ == kNever) forgot_ = now;
  if (now - forgot_ < kForgetEvery) return;
  const double keep = exp(-std::numbers::ln2 * (seconds(now - forgot_) / seconds(kHalfLife)));
  forgot_ = now;
  for (GapHazard& gaps : hazards_) gaps.forget(static_cast<float>(keep));
  for (auto& of_ahead : records_) {
    for (CandidateRecord& record : of_ahead) {
      record.instance_seconds *= keep;
      record.cold *= keep;
    }
  }
  messages_ *= keep;
}

void Shadow::count_wanted(TimePoint now, const AheadInstances& ahead) {
  ByPrice above{};  // of the levels seen so far, from the top
  any_idle_warm_ = false;
  for (std::size_t a = 0; a < kAheadCount; ++a) {
    if (ahead[a] >= levels_.count()) wanted_[a].fill(ahead[a]);
  }
  for (std::uint32_t level = levels_.count(); level-- > 0;) {
    const TimePoint idle_from = levels_.idle_from(level);
    PriceMask warm = kAllPrices;
    if (idle_from < now) {
      warm = hazard(level).warm(now - idle_from, lead_);
      any_idle_warm_ = any_idle_warm_ || warm != 0;
    }
    for (std::size_t p = 0; p < kPrices; ++p) above[p] += warm >> p & 1U;
    for (std::size_t a = 0; a < kAheadCount; ++a) {
      if (ahead[a] != level) continue;
      for (std::size_t p = 0; p < kPrices; ++p) wanted_[a][p] = ahead[a] + above[p];
    }
  }
}

}  // namespace forewarm
