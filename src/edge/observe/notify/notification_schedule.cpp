#include "edge/observe/notify/notification_schedule.h"

#include <algorithm>

namespace forewarm {
namespace {

constexpr Duration kFirstRetry = 1s;
constexpr Duration kLastRetry = 5min;

}  // namespace

bool Notification::firing() const {
  return std::ranges::any_of(entries, [](const Entry& each) { return each.firing(); });
}

bool NotificationSchedule::wanted(const AlertRule& rule) const {
  const auto has = [](const auto& list, const auto& value) {
    return list.empty() || std::ranges::find(list, value) != list.end();
  };
  return has(options_.severities, rule.severity) && has(options_.rules, rule.name);
}

NotificationSchedule::Memory NotificationSchedule::memory() const {
  Memory memory;
  for (const auto& [name, group] : groups_) {
    Memory::Rule rule{.rule = group.rule, .next = group.next, .repeat = group.repeat};
    for (const auto& [key, told] : group.alerts)
      if (told.told) rule.told.push_back(told.alert);
    if (!rule.told.empty()) memory.rules.push_back(std::move(rule));
  }
  return memory;
}

void NotificationSchedule::remember(TimePoint now, const Memory& memory) {
  for (const Memory::Rule& before : memory.rules) {
    if (!wanted(*before.rule)) continue;
    Group& group = groups_[before.rule->name];
    group.rule = before.rule;
    group.next = std::min(before.next, now + options_.group_interval);
    group.repeat = std::min(before.repeat, now + options_.repeat_interval);
    for (const Alert& alert : before.told)
      group.alerts[alert.subject] = {.alert = alert, .resolved = kNever, .told = true};
  }
}

void NotificationSchedule::observe(TimePoint now, std::span<const Alert> firing) {
  const auto muted = [&](const Alert& alert) {
    return std::ranges::any_of(firing, [&](const Alert& other) {
      return other.rule->name == alert.rule->muted_by && other.subject == alert.subject;
    });
  };
  for (auto& [name, group] : groups_)
    for (auto& [key, told] : group.alerts)
      if (told.resolved == kNever) told.resolved = now;
  for (const Alert& alert : firing) {
    if (!wanted(*alert.rule)) continue;
    const auto found = groups_.find(alert.rule->name);
    const bool known = found != groups_.end() && found->second.alerts.contains(alert.subject);
    if (!known && muted(alert)) continue;
    if (found == groups_.end())
      groups_.emplace(alert.rule->name, Group{.rule = alert.rule, .next = now + options_.group_wait});
    else if (found->second.alerts.empty() && found->second.next <= now)
      found->second.next = now + options_.group_wait;
    Told& told = groups_[alert.rule->name].alerts[alert.subject];
    const bool again = known && told.alert.fired != alert.fired;
    told.alert = alert;
    told.resolved = kNever;
    if (again) told.told = false;
  }
  for (auto& [name, group] : groups_) {
    std::erase_if(group.alerts, [&](const auto& each) {
      return each.second.resolved != kNever && (!each.second.told || !options_.send_resolved);
    });
  }
  std::erase_if(groups_, [&](const auto& each) {
    const bool taken = under_way_ && under_way_->rule == each.second.rule;
    return each.second.alerts.empty() && each.second.next <= now && !taken;
  });
}

bool NotificationSchedule::due(const Group& group, TimePoint now) const {
  if (now < group.next || group.alerts.empty()) return false;
  if (now >= group.repeat) return true;
  return std::ranges::any_of(group.alerts, [](const auto& each) { return untold(each.second); });
}

Notification NotificationSchedule::compose(const Group& group) const {
  Notification made{.rule = group.rule};
  const auto add = [&](bool news) {
    for (const auto& [key, told] : group.alerts) {
      if (untold(told) != news) continue;
      if (made.entries.size() < kAlertsANotification)
        made.entries.push_back({told.alert, told.resolved});
      else
        ++made.left_out;
    }
  };
  add(true);
  add(false);
  return made;
}

std::optional<Notification> NotificationSchedule::take(TimePoint now) {
  if (under_way_) return std::nullopt;
  while (!taken_.empty() && taken_.front() <= now - 1min) taken_.pop_front();
  if (taken_.size() >= options_.rate_max) return std::nullopt;
  // The one that has waited longest, so that one rule's failures do not starve another's.
  const Group* first = nullptr;
  for (const auto& [name, group] : groups_)
    if (due(group, now) && (first == nullptr || group.next < first->next)) first = &group;
  if (first == nullptr) return std::nullopt;
  taken_.push_back(now);
  under_way_ = compose(*first);
  return under_way_;
}

Duration NotificationSchedule::settle(TimePoint now, const DeliveryOutcome& outcome) {
  if (!under_way_) return Duration(0);
  const Notification sent = std::move(*under_way_);
  under_way_.reset();
  Group& group = groups_[sent.rule->name];
  if (outcome.kind == DeliveryOutcome::Kind::Delivered) {
    group.tries = 0;
    group.next = now + options_.group_interval;
    group.repeat = now + options_.repeat_interval;
    for (const Notification::Entry& entry : sent.entries) {
      const auto found = group.alerts.find(entry.alert.subject);
      if (found == group.alerts.end()) {
        // It ended while the message that it fires was under way.
        if (entry.firing() && options_.send_resolved)
          group.alerts.emplace(entry.alert.subject, Told{entry.alert, now, true});
        continue;
      }
      if (!entry.firing() && found->second.resolved != kNever)
        group.alerts.erase(found);
      else
        found->second.told = entry.firing() && found->second.alert.fired == entry.alert.fired;
    }
    return Duration(0);
  }
  const Duration doubled = kFirstRetry * (1LL << std::min(group.tries, 20U));
  ++group.tries;
  const Duration pause = std::min(doubled, kLastRetry);
  Duration wait = from_seconds(seconds(pause) * (0.5 + random_.uniform()));
  if (outcome.kind == DeliveryOutcome::Kind::Refused) wait = std::max(wait, options_.group_interval);
  wait = std::max(wait, std::min(outcome.retry_after, Duration(1h)));
  group.next = now + wait;
  return wait;
}

}  // namespace forewarm
