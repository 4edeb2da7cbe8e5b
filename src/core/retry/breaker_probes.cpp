// Whom circuit breakers let go, and when.

#include <algorithm>
#include <utility>

#include "base/math.h"
#include "core/retry/circuit_breaker.h"

namespace forewarm {
namespace {

// Canaries. A doomed attempt is worth so much waiting of one message.
constexpr double kCanarySeconds = 10;
constexpr Duration kProbeFirst = 500ms;
constexpr Duration kProbeMax = 2min;
constexpr double kProbeShareMin = 0.15;  // of the outage's age
constexpr double kProbeShareMax = 0.5;

constexpr double kNotMany = 0.5;  // of the first attempts fail: the function works for others
constexpr double kPatience = 0.95;
constexpr Duration kPatienceMin = 5min;
constexpr Duration kPatienceMax = 1h;

}  // namespace

void CircuitBreakers::schedule_probe(Breaker& breaker, TimePoint now) const {
  breaker.asked_at = now;
  plan_probe(breaker);
}

/// One of those that wait is about to be run.
void CircuitBreakers::ask(Breaker& breaker, TimePoint now) const {
  if (breaker.ask_for != 0) breaker.asked_for = std::exchange(breaker.ask_for, 0);
  schedule_probe(breaker, now);
}

bool CircuitBreakers::upstream_came_to(std::uint32_t level) {
  bool somebody_waits = false;
  for (Breaker& each : breakers_) {
    if (each.state != BreakerState::Open) continue;
    each.upstream = level;
    if (!upstream_.promising(level)) continue;
    if (each.ask_for == 0) each.planned_at = each.probe_at;
    each.ask_for = level;
    plan_probe(each);
    somebody_waits = true;
  }
  return somebody_waits;
}

/// Who is asked because of a signal is asked beside the schedule, which goes on.
void CircuitBreakers::plan_probe(Breaker& breaker) const {
  const TimePoint soonest = saturating_add(breaker.asked_at, kProbeFirst);
  if (breaker.ask_for != 0) {
    breaker.probe_at = breaker.fresh_at = soonest;
    return;
  }
  plan_by_age(breaker);
  if (breaker.planned_at <= breaker.asked_at) return;
  const TimePoint latest = std::max(breaker.planned_at, soonest);
  breaker.probe_at = std::min(breaker.probe_at, latest);
  breaker.fresh_at = std::min(breaker.fresh_at, latest);
}

/// With `waiting` messages and a chance of recovery of `rate` a second, canaries every d seconds cost
/// kCanarySeconds / d, and waiting for the next one waiting * rate * d / 2: least at their square root. Those
/// that cost an attempt of a message grow further apart, each by the same factor, so that the attempts left
/// last until the breaker is older than outages.
void CircuitBreakers::plan_by_age(Breaker& breaker) const {
  const TimePoint now = breaker.asked_at;
  const Duration age = now - breaker.opened_at;
  const double median = seconds(outages_.quantile(age, 0.5) - age);
  const double rate = 0.69 / std::max(1.0, median);
  const auto waiting =
      static_cast<double>(std::max<std::size_t>(1, breaker.held.size() + (breaker.everything ? ready_ : 0)));
  const double lasted = seconds(age);
  const double least = std::max(seconds(kProbeFirst), kProbeShareMin * lasted);
  const double most = std::max(2 * seconds(kProbeFirst), kProbeShareMax * lasted);
  const double wait =
      std::min(std::clamp(sqrt(2 * kCanarySeconds / (rate * waiting)), least, most), seconds(kProbeMax));
  breaker.fresh_at = saturating_add(now, from_seconds(wait));
  breaker.probe_at = breaker.fresh_at;
  if (is_down(breaker) || breaker.held.empty()) return;
  const double from = std::max(lasted, seconds(kProbeFirst));
  const double steps = log(std::max(1.0, seconds(patience()) / from));
  const auto left = static_cast<double>(std::max<std::uint64_t>(1, breaker.attempts_left));
  const double apart = std::max(wait, from * (exp(std::min(steps, steps / left)) - 1));
  // Where others succeed, and till it is old enough to be judged, few answer for all that wait.
  const bool by_few = !breaker.everything && age < patience();
  const double longest =
      std::max(0.0, seconds(settings_.backoff_max)) / static_cast<double>(by_few ? 1 : breaker.held.size());
  breaker.probe_at = saturating_add(now, from_seconds(std::min(apart, longest)));
}

/// What outlives outages, while others succeed, is no outage.
void CircuitBreakers::judge(Breaker& breaker, TimePoint now) const {
  if (breaker.state != BreakerState::Open || breaker.everything || breaker.fingerprint == 0) return;
  bring_up_to_date(breaker);
  if (breaker.share < kNotMany && breaker.failed_in_row >= settings_.evidence_min &&
      now - breaker.first_seen >= patience()) {
    breaker.state = BreakerState::Permanent;
    breaker.evidence.stayed();
  }
}

Duration CircuitBreakers::patience() const {
  return std::clamp(outages_.quantile(Duration(0), kPatience), kPatienceMin, kPatienceMax);
}

bool CircuitBreakers::may_run(TimePoint now, std::uint32_t running) const {
  return std::ranges::all_of(breakers_, [&](const Breaker& each) {
    if (!each.everything) return true;
    if (each.state == BreakerState::HalfOpen) return running < each.runs_max;
    return each.state != BreakerState::Open || each.fresh_at <= now;
  });
}

void CircuitBreakers::run_begins(TimePoint now) {
  for (Breaker& each : breakers_) {
    // Till its outcome is known, or, should it never be, till the next one is due.
    if (each.everything && each.state == BreakerState::Open) ask(each, now);
  }
}

void CircuitBreakers::hold(MessageId message, ErrorClass error, std::uint64_t fingerprint,
                           std::uint32_t attempts_left) {
  const Breaker* found = responsible(error, fingerprint);
  if (found == nullptr) return;
  // responsible() says which one it is; here it is to be changed.
  Breaker& breaker = breakers_[static_cast<std::size_t>(found - breakers_.data())];
  breaker.held.push_back({message, attempts_left});
  breaker.attempts_left += attempts_left;
  if (breaker.state == BreakerState::Open && !is_down(breaker)) plan_probe(breaker);
}

void CircuitBreakers::take(Breaker& breaker, std::size_t count, std::vector<MessageId>& out) const {
  for (; count > 0 && !breaker.held.empty(); --count) {
    out.push_back(breaker.held.front().message);
    breaker.attempts_left -= breaker.held.front().attempts_left;
    breaker.held.pop_front();
  }
}

std::vector<MessageId> CircuitBreakers::take_due(TimePoint now, std::size_t ready, std::size_t count_max) {
  ready_ = ready;
  looked_at_ = now;
  std::vector<MessageId> out;
  for (Breaker& each : breakers_) {
    judge(each, now);
    const std::size_t room = count_max - std::min(count_max, out.size());
    switch (each.state) {
      case BreakerState::Closed:
      case BreakerState::Permanent:
        take(each, room, out);
        break;
      case BreakerState::HalfOpen: {
        if (each.probe_at <= now) {  // those that were let go may have gone elsewhere
          each.probe_at = now + kProbeFirst;
          ++each.credit;
        }
        const std::size_t before = out.size();
        take(each, std::min<std::size_t>(room, each.credit), out);
        each.credit -= static_cast<std::uint32_t>(out.size() - before);
        break;
      }
      case BreakerState::Open:
        // A new message says more than one that is known to fail, and costs no more.
        if (each.probe_at > now || each.held.empty()) break;
        if (each.everything && ready > 0 && is_down(each)) break;
        take(each, std::min<std::size_t>(room, 1), out);
        ask(each, now);
        if (each.everything) each.fresh_at = now;  // it is ready now, and may run
        break;
    }
  }
  return out;
}

TimePoint CircuitBreakers::wake_at() const {
  TimePoint first = kNever;
  for (const Breaker& each : breakers_) {
    const bool waits = each.state == BreakerState::Open || each.state == BreakerState::HalfOpen;
    if (!each.held.empty()) first = std::min(first, waits ? each.probe_at : TimePoint::min());
    // Nobody need be woken for a message that is not there.
    const bool asks = each.everything && each.state == BreakerState::Open;
    if (asks && (ready_ > 0 || each.fresh_at > looked_at_)) first = std::min(first, each.fresh_at);
  }
  return first;
}

}  // namespace forewarm
