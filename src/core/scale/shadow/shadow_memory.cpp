// What the shadow has learnt, taken out and put back.

#include <algorithm>
#include <utility>

#include "core/scale/shadow/shadow.h"

namespace forewarm {
namespace {

float seconds_since(TimePoint then, TimePoint now) {
  return static_cast<float>(std::max(0.0, seconds_between(then, now)));
}

TimePoint before(TimePoint now, double ago_seconds) {
  const Duration ago = from_seconds(ago_seconds);
  return now < TimePoint::min() + ago ? TimePoint::min() : now - ago;
}

}  // namespace

void Shadow::remember(TimePoint now, ScalerMemory& memory) const {
  memory.lead = start_.lead;
  memory.start_seconds = start_.cost_seconds;
  memory.in_time = start_.in_time;
  memory.messages = messages_;
  memory.watched_seconds = watched_seconds();
  const std::uint64_t known = std::min<std::uint64_t>(services_seen_, services_.size());
  for (std::size_t i = 0; i < known; ++i)
    memory.service_seconds.push_back(static_cast<float>(std::max(0.0, seconds(services_[i]))));
  for (std::uint32_t level = 0; level < needed_.count(); ++level) {
    memory.idle_seconds.push_back(seconds_since(needed_.idle_from(level), now));
    memory.since_start_seconds.push_back(seconds_since(levels_[level].start_at, now));
    memory.started.push_back(levels_[level].started);
  }
  for (const GapHazard& hazard : hazards_) {
    const auto list = [](const GapCounts& gaps) {
      return std::vector<float>(gaps.counts().begin(), gaps.counts().end());
    };
    memory.gaps.push_back({list(hazard.gaps()), list(hazard.after_start())});
  }
  for (std::size_t i = 0; i < kCandidates; ++i) {
    const CandidateRecord& of_this = record(candidate_at(i));
    memory.instance_seconds.push_back(static_cast<float>(of_this.instance_seconds));
    memory.cold.push_back(static_cast<float>(of_this.cold));
  }
}

void Shadow::restore(TimePoint now, const ScalerMemory& memory) {
  start_ = {.lead = memory.lead, .cost_seconds = memory.start_seconds, .in_time = memory.in_time};
  messages_ = memory.messages;
  since_ = before(now, memory.watched_seconds);
  advanced_ = forgot_ = refreshed_ = now;
  services_seen_ = memory.service_seconds.size();
  for (std::size_t i = 0; i < services_seen_; ++i) services_[i] = from_seconds(memory.service_seconds[i]);
  std::vector<TimePoint> idle_from;
  idle_from.reserve(memory.idle_seconds.size());
  for (const float idle : memory.idle_seconds) idle_from.push_back(before(now, idle));
  needed_.restore(std::move(idle_from));
  levels_.clear();
  for (std::size_t level = 0; level < memory.started.size(); ++level)
    levels_.push_back({memory.started[level], before(now, memory.since_start_seconds[level])});
  hazards_.clear();
  for (const GapMemory& gaps : memory.gaps) {
    hazards_.emplace_back().restore(gaps.idle, gaps.after_start);
    hazards_.back().decide(start_.lead, start_.cost_seconds);
  }
  for (std::size_t i = 0; i < kCandidates; ++i) {
    const Candidate candidate = candidate_at(i);
    records_[candidate.ahead][candidate.price] = {memory.instance_seconds[i], memory.cold[i]};
  }
  count_wanted(now, {});  // they were started already: the books have paid for it
}

}  // namespace forewarm
