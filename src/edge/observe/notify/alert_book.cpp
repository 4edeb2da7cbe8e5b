#include "edge/observe/notify/alert_book.h"

namespace forewarm {

void AlertBook::remember(std::span<const Alert> firing, TimePoint until) {
  remembered_until_ = until;
  for (const Alert& alert : firing) {
    const Key key(alert.rule->name, alert.subject);
    alerts_.insert_or_assign(key, alert);
    remembered_.insert(key);
  }
}

AlertBook::Changes AlertBook::update(TimePoint now, std::span<const AlertHold> holds,
                                     const Lasting& lasting) {
  Changes changes;
  std::set<Key> held;
  for (const AlertHold& hold : holds) {
    const Key key(hold.rule->name, hold.subject);
    held.insert(key);
    remembered_.erase(key);
    const auto [at, fresh] =
        alerts_.try_emplace(key, Alert{hold.rule, hold.subject, hold.value, now, kNever});
    Alert& alert = at->second;
    alert.value = hold.value;
    const Duration needed = lasting ? lasting(*hold.rule) : hold.rule->lasting;
    if (alert.firing() || now - alert.since < needed) continue;
    alert.fired = now;
    changes.fired.push_back(alert);
  }
  std::erase_if(alerts_, [&](const auto& each) {
    if (held.contains(each.first)) return false;
    if (now < remembered_until_ && remembered_.contains(each.first)) return false;
    remembered_.erase(each.first);
    if (each.second.firing()) changes.resolved.push_back(each.second);
    return true;
  });
  return changes;
}

std::vector<Alert> AlertBook::alerts() const {
  std::vector<Alert> all;
  all.reserve(alerts_.size());
  for (const auto& [key, alert] : alerts_) all.push_back(alert);
  return all;
}

std::vector<Alert> AlertBook::firing() const {
  std::vector<Alert> all;
  for (const auto& [key, alert] : alerts_)
    if (alert.firing()) all.push_back(alert);
  return all;
}

}  // namespace forewarm
