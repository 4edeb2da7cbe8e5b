#include "edge/signal/intake.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

namespace forewarm {

Verdict SignalIntake::take(const Observation& observation, TimePoint now) {
  pass_time(now);
  const Verdict verdict = judge(observation, now);
  ++counts_[static_cast<std::size_t>(verdict)];
  if (!is_taken(verdict)) return verdict;
  double& kept = values_at(observation.at, now)[observation.at];
  kept = settings_.counts ? kept + observation.value : observation.value;
  Duration into_cell(0);
  if (settings_.cell > Duration(0)) into_cell = observation.at.time_since_epoch() % settings_.cell;
  const auto [untold, fresh] =
      untold_.try_emplace(observation.at - into_cell, LevelChange{observation.at, observation.value});
  if (!fresh && settings_.counts) {
    untold->second.value += observation.value;
  } else if (!fresh && observation.at >= untold->second.at) {
    untold->second = {observation.at, observation.value};
  }
  if (past_.size() > settings_.past_max) past_.erase(past_.begin());
  return verdict;
}

Verdict SignalIntake::judge(const Observation& observation, TimePoint now) {
  const auto& [at, value, id] = observation;
  if (!std::isfinite(value)) return Verdict::NotANumber;
  if (value < settings_.minimum || value > settings_.maximum || std::abs(value) > IntakeSettings::kAbsurd)
    return Verdict::OutOfRange;
  if (at < now - settings_.keep) return Verdict::Late;
  if (at > now + (settings_.future_known ? IntakeSettings::kAheadMax : IntakeSettings::kClockSkew))
    return Verdict::Future;
  if (settings_.counts && at < restored_until_) return Verdict::Duplicate;
  const Values& values = values_at(at, now);
  const auto known = values.find(at);
  if (known == values.end() && at > now && future_.size() >= settings_.future_max) return Verdict::Full;
  if (sent_before(id)) return Verdict::Duplicate;
  if (known == values.end() || settings_.counts) {
    const bool older = at <= now && !past_.empty() && at < past_.rbegin()->first;
    return older ? Verdict::OutOfOrder : Verdict::InOrder;
  }
  return known->second == value ? Verdict::Duplicate : Verdict::Revised;
}

bool SignalIntake::sent_before(const std::string& id) {
  if (id.empty()) return false;
  const std::size_t hash = std::hash<std::string>()(id);
  if (!ids_.insert(hash).second) return true;
  ids_in_order_.push_back(hash);
  if (ids_in_order_.size() > settings_.ids_max) {
    ids_.erase(ids_in_order_.front());
    ids_in_order_.pop_front();
  }
  return false;
}

/// What was ahead of the clock comes to the past.
void SignalIntake::pass_time(TimePoint now) {
  while (!future_.empty() && future_.begin()->first <= now) {
    past_.insert(future_.extract(future_.begin()));
    if (past_.size() > settings_.past_max) past_.erase(past_.begin());
  }
}

std::vector<LevelChange> SignalIntake::drain(TimePoint until, std::size_t most) {
  std::vector<LevelChange> out;
  auto each = untold_.begin();
  for (; each != untold_.end() && each->first <= until && out.size() < most; ++each)
    out.push_back({each->first, each->second.value});
  untold_.erase(untold_.begin(), each);
  return out;
}

std::vector<LevelChange> SignalIntake::waiting() const {
  std::vector<LevelChange> out;
  out.reserve(untold_.size());
  for (const auto& [cell, value] : untold_) out.push_back({cell, value.value});
  return out;
}

void SignalIntake::note(const LevelChange& told, TimePoint now) {
  pass_time(now);
  values_at(told.at, now)[told.at] = told.value;
  ++counts_[static_cast<std::size_t>(Verdict::InOrder)];
  if (past_.size() > settings_.past_max) past_.erase(past_.begin());
  if (future_.size() > settings_.future_max) future_.erase(std::prev(future_.end()));
}

void SignalIntake::restore(std::span<const LevelChange> values, TimePoint until, TimePoint now) {
  restored_until_ = until;
  for (const LevelChange& value : values.last(std::min(values.size(), settings_.past_max))) {
    if (value.at <= now && value.at >= now - settings_.keep) past_.try_emplace(value.at, value.value);
  }
}

std::vector<LevelChange> SignalIntake::around(TimePoint now, std::size_t past, std::size_t future) {
  pass_time(now);
  std::vector<LevelChange> out;
  for (auto each = past_.rbegin(); each != past_.rend() && out.size() < past; ++each)
    out.push_back({each->first, each->second});
  std::ranges::reverse(out);
  for (auto each = future_.begin(); each != future_.end() && future > 0; ++each, --future)
    out.push_back({each->first, each->second});
  return out;
}

std::vector<LevelChange> PlanFeed::tell(const std::vector<LevelChange>& plan, TimePoint to) {
  std::vector<LevelChange> out;
  if (plan.empty()) return out;
  const TimePoint from = plan.front().at;
  // What holds at `from` was told by the last change before it.
  double level = std::nan("");
  auto first = told_.lower_bound(from);
  if (first != told_.begin()) level = std::prev(first)->second;
  told_.erase(told_.begin(), first);
  std::map<TimePoint, double> wanted;
  for (const LevelChange& change : plan) wanted[change.at] = change.value;
  for (const auto& [at, value] : told_) {
    if (at >= from && at < to && !wanted.contains(at)) {
      const auto after = wanted.upper_bound(at);
      wanted.emplace(at, std::prev(after)->second);
    }
  }
  for (const auto& [at, value] : wanted) {
    const auto told = told_.find(at);
    const double there = told != told_.end() ? told->second : level;
    if (there != value) out.push_back({at, value});
    if (there != value || told == told_.end()) told_[at] = value;
    level = value;
  }
  return out;
}

}  // namespace forewarm
