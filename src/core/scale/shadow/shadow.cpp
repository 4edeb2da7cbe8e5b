#include "core/scale/shadow/shadow.h"

#include <algorithm>
#include <bit>
#include <numbers>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr Duration kHalfLife = 24h;  // a day's pattern weighs as much as all days before it
constexpr Duration kForgetEvery = 60s;
constexpr Duration kRefreshEvery = 5s;  // one group of levels each time
constexpr std::size_t kAskedMax = 64;

/// Levels share what they learn with their neighbours: the lowest four have their own, above them there are
/// two groups an octave.
std::size_t group_of(std::uint32_t level) {
  if (level < 4) return level;
  const auto octave = static_cast<std::size_t>(std::bit_width(level) - 1);
  return 2 * octave + ((level >> (octave - 1)) & 1U);
}

}  // namespace

Shadow::Shadow(std::uint32_t instance_capacity, std::uint32_t instances_max)
    : needed_(instance_capacity, instances_max) {}

GapHazard& Shadow::hazard(std::uint32_t level) {
  const std::size_t group = group_of(level);
  while (hazards_.size() <= group) hazards_.emplace_back().decide(start_.lead, start_.cost_seconds);
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
  const NeededLevels::Need need = needed_.arrive(at, slack, next_service());
  if (since_ == kNever) since_ = advanced_ = at;
  messages_ += 1;
  last_level_ = need.level;
  last_warm_ = find(need, at);
  if (last_warm_ == kAllPrices) return;
  const PriceMask started = levels_[need.level].started;
  for (std::size_t a = 0; a < kAheadCount; ++a) {
    if (need.level < ready_[a]) continue;
    for (std::size_t p = 0; p < kPrices; ++p) {
      const std::uint32_t cold = (last_warm_ >> p & 1U) ^ 1U;
      cold_since_[a][p] += cold;
      started_since_[a][p] += cold & (started >> p & 1U);
    }
  }
}

/// The prices at which a need finds its level.
PriceMask Shadow::find(const NeededLevels::Need& need, TimePoint at) {
  GapHazard& gaps = hazard(need.level);
  if (need.first) {
    levels_.push_back({.start_at = at});
    return 0;
  }
  Level& level = levels_[need.level];
  PriceMask warm = level.started;
  if (need.gap > Duration(0)) {
    warm = gaps.warm(need.gap, level.started);
    gaps.observe_gap(need.gap);
  }
  const TimePoint ready = saturating_add(level.start_at, start_.lead);
  if (at >= ready) {
    gaps.observe_after_start(from_seconds(seconds_between(ready, at)));
    level.start_at = at;
  }
  const bool alone = need.level == 0;  // nobody else would ever take the message
  level.started = start_.in_time || alone ? kAllPrices : static_cast<PriceMask>(warm | gaps.starts_on_need());
  return warm;
}

bool Shadow::starts_on_need(std::uint32_t level, std::size_t price) const {
  const std::size_t group = group_of(level);
  return level == 0 || group >= hazards_.size() || (hazards_[group].starts_on_need() >> price & 1U) != 0;
}

double Shadow::need_per_second(std::uint32_t level, TimePoint now) const {
  const std::size_t group = group_of(level);
  if (level >= needed_.count() || group >= hazards_.size()) return 0;
  const double idle = std::max(0.0, seconds_between(needed_.idle_from(level), now));
  return hazards_[group].need_per_second(from_seconds(idle));
}

bool Shadow::last_was_cold(Candidate candidate) const {
  return last_level_ >= ready_[candidate.ahead] && (last_warm_ >> candidate.price & 1U) == 0;
}

void Shadow::advance(TimePoint now, const AheadInstances& ahead, const StartModel& start) {
  start_ = start;
  refresh_one(now);
  forget(now);
  const std::array<CountByPrice, kAheadCount> before = wanted_;
  count_wanted(now, ahead);
  const double passed = since_ == kNever ? 0 : std::max(0.0, seconds_between(advanced_, now));
  advanced_ = now;
  for (std::size_t a = 0; a < kAheadCount; ++a) {
    for (std::size_t p = 0; p < kPrices; ++p) {
      const std::uint32_t was = before[a][p], is = wanted_[a][p];
      // Some of those that started at a need are gone again: they are paid for, like those that started
      // ahead.
      const std::uint32_t risen = std::max(is > was ? is - was : 0, started_since_[a][p]);
      CandidateRecord& record = records_[a][p];
      record.instance_seconds += passed * (was + is) / 2 + start_.cost_seconds * risen;
      record.cold += cold_since_[a][p];
    }
  }
  cold_since_ = started_since_ = {};
  // What is asked for now helps a lead later; what is no longer asked for is gone at once.
  if (asked_.empty() || asked_.back().instances != ahead) {
    if (asked_.size() == kAskedMax) asked_.erase(asked_.begin());
    asked_.push_back({now, ahead});
  }
  while (asked_.size() > 1 && saturating_add(asked_[1].at, start.lead) <= now) asked_.erase(asked_.begin());
  ready_ = ahead;
  for (const AheadSince& asked : asked_) {
    for (std::size_t a = 0; a < kAheadCount; ++a) ready_[a] = std::min(ready_[a], asked.instances[a]);
  }
}

void Shadow::refresh_one(TimePoint now) {
  if (refreshed_ != kNever && refreshed_ <= now && now < saturating_add(refreshed_, kRefreshEvery)) return;
  for (std::size_t i = 0; i < hazards_.size(); ++i) {
    GapHazard& gaps = hazards_[next_refresh_++ % hazards_.size()];
    if (!gaps.outdated()) continue;
    gaps.decide(start_.lead, start_.cost_seconds);
    refreshed_ = now;
    return;
  }
}

void Shadow::forget(TimePoint now) {
  if (forgot_ == kNever || now < forgot_) forgot_ = now;
  if (now < saturating_add(forgot_, kForgetEvery)) return;
  const double keep = exp(-std::numbers::ln2 * seconds_between(forgot_, now) / seconds(kHalfLife));
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
  CountByPrice above{};  // of the levels seen so far, from the top
  any_idle_warm_ = false;
  for (std::size_t a = 0; a < kAheadCount; ++a) {
    if (ahead[a] >= needed_.count()) wanted_[a].fill(ahead[a]);
  }
  for (std::uint32_t level = needed_.count(); level-- > 0;) {
    const TimePoint idle_from = needed_.idle_from(level);
    const PriceMask started = levels_[level].started;
    PriceMask warm = started;
    if (idle_from < now) {
      const GapHazard& gaps = hazard(level);
      const Duration idle = from_seconds(seconds_between(idle_from, now));
      warm = static_cast<PriceMask>(gaps.warm(idle, started) | gaps.warm(idle + start_.lead, started));
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
