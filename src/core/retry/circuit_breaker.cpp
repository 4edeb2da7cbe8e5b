#include "core/retry/circuit_breaker.h"

#include <algorithm>
#include <utility>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr std::size_t kBreakersMax = 64;

// Sequential test of first attempts: ln 10^4 is one false alarm in ten thousand.
constexpr double kAlarm = 9.2;
constexpr double kMostShare = 0.9;
constexpr double kSomeShare = 0.3;
constexpr double kUsualPrior = 0.02;
constexpr double kUsualWorth = 20;
constexpr double kUsualRemembered = 2000;
constexpr double kShareGain = 0.1;
constexpr double kEverythingFrom = 0.5;
constexpr double kEverythingUntil = 0.35;
constexpr double kEverythingAtAlarm = 0.6;
constexpr std::uint32_t kMessagesMin = 10;  // fewer that fail are no burst: poison is sent by the handful
constexpr std::uint32_t kAgainMin = 3;      // attempts after it that failed one after the other
constexpr std::uint32_t kAgainMessages = 10;

// Canaries. A doomed attempt is worth so much waiting of one message.
constexpr double kCanarySeconds = 10;
constexpr Duration kProbeFirst = 500ms;
constexpr Duration kProbeMax = 1min;
constexpr double kProbeShareMin = 0.04;  // of the outage's age
constexpr double kProbeShareMax = 0.5;
constexpr std::uint32_t kFreshMin = 2;  // canaries in a row that had not failed before and now succeed

constexpr std::uint32_t kRunsEnough = 64;  // at a time: half-open is over
constexpr double kPatience = 0.95;
constexpr Duration kPatienceMin = 5min;
constexpr Duration kPatienceMax = 1h;
constexpr Duration kAfterChange = 10min;

}  // namespace

/// Timeouts keep no messages waiting that have not timed out themselves: a short one would be in their way as
/// long as the others take too long.
bool CircuitBreakers::may_take_everything(const Breaker& breaker) {
  return breaker.error != ErrorClass::Timeout;
}

CircuitBreakers::Breaker* CircuitBreakers::find(std::uint64_t fingerprint, ErrorClass error) {
  const auto found = std::ranges::find_if(breakers_, [&](const Breaker& each) {
    return each.fingerprint == fingerprint && (fingerprint != 0 || each.error == error);
  });
  return found == breakers_.end() ? nullptr : &*found;
}

const CircuitBreakers::Breaker* CircuitBreakers::responsible(ErrorClass error,
                                                             std::uint64_t fingerprint) const {
  const Breaker* closed = nullptr;
  for (const Breaker& each : breakers_) {
    const bool own = each.fingerprint == fingerprint;
    if (!own && !(each.fingerprint == 0 && each.error == error)) continue;
    if (each.state != BreakerState::Closed) return &each;
    if (own) closed = &each;
  }
  return closed;
}

CircuitBreakers::Breaker& CircuitBreakers::any_new(ErrorClass error, TimePoint now) {
  if (Breaker* known = find(0, error)) return *known;
  Breaker& made = breakers_.emplace_back();
  made.error = error;
  made.first_seen = made.last_seen = now;
  made.seen = first_attempts_;
  made.usual_of = std::min(static_cast<double>(first_attempts_), kUsualRemembered);
  return made;
}

/// The fingerprint's own, or, where all places are taken by open ones, the one for whatever is new.
CircuitBreakers::Breaker& CircuitBreakers::entry(const AttemptOutcome& outcome) {
  if (Breaker* known = find(outcome.fingerprint, outcome.error)) return *known;
  if (breakers_.size() >= kBreakersMax) {
    auto oldest = breakers_.end();
    for (auto it = breakers_.begin(); it != breakers_.end(); ++it) {
      if (it->state != BreakerState::Closed || !it->held.empty() || it->fingerprint == 0) continue;
      if (oldest == breakers_.end() || it->last_seen < oldest->last_seen) oldest = it;
    }
    if (oldest == breakers_.end()) return any_new(outcome.error, outcome.at);
    breakers_.erase(oldest);
  }
  Breaker& made = breakers_.emplace_back();
  made.fingerprint = outcome.fingerprint;
  made.error = outcome.error;
  made.first_seen = made.last_seen = outcome.at;
  made.seen = first_attempts_;
  made.usual_of = std::min(static_cast<double>(first_attempts_), kUsualRemembered);
  return made;
}

/// First attempts since then did not fail with it.
void CircuitBreakers::bring_up_to_date(Breaker& breaker) const {
  const auto others = static_cast<double>(first_attempts_ - breaker.seen);
  breaker.seen = first_attempts_;
  if (others <= 0) return;
  breaker.share *= pow(1 - kShareGain, others);
  if (breaker.state != BreakerState::Closed) return;
  const double usual = (breaker.usual + kUsualPrior * kUsualWorth) / (breaker.usual_of + kUsualWorth);
  const auto fall = [&](double& sum, double share) {
    if (share > usual) sum = std::max(0.0, sum + others * log((1 - share) / (1 - usual)));
  };
  fall(breaker.all_sum, kMostShare);
  fall(breaker.some_sum, kSomeShare);
  breaker.usual_of += others;
  if (breaker.usual_of > kUsualRemembered) {
    breaker.usual *= kUsualRemembered / breaker.usual_of;
    breaker.usual_of = kUsualRemembered;
  }
}

void CircuitBreakers::count_first(Breaker& breaker) const {
  bring_up_to_date(breaker);
  ++breaker.seen;
  breaker.share += kShareGain * (1 - breaker.share);
  ++breaker.messages;
  if (breaker.state != BreakerState::Closed) return;
  const double usual = (breaker.usual + kUsualPrior * kUsualWorth) / (breaker.usual_of + kUsualWorth);
  if (kMostShare > usual) breaker.all_sum += log(kMostShare / usual);
  if (kSomeShare > usual) breaker.some_sum += log(kSomeShare / usual);
  breaker.usual += 1;
  breaker.usual_of += 1;
}

void CircuitBreakers::observe(const AttemptOutcome& outcome) {
  if (outcome.error == ErrorClass::Capacity) return;
  const bool has_failed = outcome.error != ErrorClass::None;
  recent_failures_ += kShareGain * ((has_failed ? 1 : 0) - recent_failures_);
  if (has_failed) {
    const std::size_t known = breakers_.size();
    const bool was_there = find(outcome.fingerprint, outcome.error) != nullptr;
    failed(entry(outcome), outcome);
    // Failures that look different each time still are one burst.
    if (!was_there && known > 0) failed(any_new(outcome.error, outcome.at), outcome);
    for (Breaker& each : breakers_) {
      if (each.state == BreakerState::Open && each.everything) {
        if (each.fingerprint == outcome.fingerprint) each.fresh_succeeded = 0;
        schedule_probe(each, outcome.at);
      }
    }
  }
  if (outcome.first) ++first_attempts_;
  if (!has_failed) succeeded(outcome);
}

void CircuitBreakers::failed(Breaker& breaker, const AttemptOutcome& outcome) {
  if (breaker.messages == 0 && breaker.failed_in_row == 0) breaker.first_seen = outcome.at;
  breaker.last_seen = outcome.at;
  const bool again = outcome.again && outcome.previous == outcome.fingerprint && breaker.fingerprint != 0;
  if (outcome.first) count_first(breaker);
  if (again) ++breaker.failed_in_row;
  switch (breaker.state) {
    case BreakerState::Closed: {
      const bool burst =
          breaker.messages >= kMessagesMin && (breaker.all_sum >= kAlarm || breaker.some_sum >= kAlarm);
      const bool stays = breaker.failed_in_row >= kAgainMin && breaker.messages >= kAgainMessages;
      if ((burst || stays) && !ordered_) open(breaker, outcome.at);
      return;
    }
    case BreakerState::HalfOpen:
      if (!again && !breaker.everything) return;
      breaker.succeeded = 0;
      breaker.credit = std::min(breaker.credit, 1U);
      breaker.runs_max /= 2;
      if (breaker.runs_max > 0) return;  // some fail where much succeeds
      breaker.state = BreakerState::Open;
      schedule_probe(breaker, outcome.at);
      return;
    case BreakerState::Open:
    case BreakerState::Permanent:
      if (may_take_everything(breaker) && breaker.share >= kEverythingFrom &&
          breaker.messages >= kMessagesMin) {
        breaker.everything = true;
        breaker.state = BreakerState::Open;
      }
      if (again) schedule_probe(breaker, outcome.at);
      return;
  }
}

void CircuitBreakers::succeeded(const AttemptOutcome& outcome) {
  for (Breaker& each : breakers_) {
    const bool after = outcome.again && outcome.previous == each.fingerprint;
    if (after) {
      recovers(each, outcome.at);
      continue;
    }
    if (!each.everything || each.state == BreakerState::Closed) continue;
    bring_up_to_date(each);
    if (each.state == BreakerState::HalfOpen) {
      recovers(each, outcome.at);
    } else if (++each.fresh_succeeded >= kFreshMin) {
      half_open(each, outcome.at);
    } else {
      each.probe_at = outcome.at;  // one may be luck: the next is asked at once
      if (each.share < kEverythingUntil) each.everything = false;
    }
  }
}

void CircuitBreakers::recovers(Breaker& breaker, TimePoint now) {
  breaker.failed_in_row = 0;
  switch (breaker.state) {
    case BreakerState::Closed:
      breaker.messages = 0;
      return;
    case BreakerState::Open:
    case BreakerState::Permanent:
      half_open(breaker, now);
      return;
    case BreakerState::HalfOpen:
      breaker.credit += 2;
      if (++breaker.succeeded < breaker.runs_max) return;
      breaker.succeeded = 0;
      breaker.runs_max *= 2;
      if (breaker.held.empty() || breaker.runs_max > kRunsEnough) close(breaker);
      return;
  }
}

void CircuitBreakers::open(Breaker& breaker, TimePoint now) const {
  breaker.state = BreakerState::Open;
  breaker.opened_at = now;
  // The likelier of the two, where both have raised the alarm.
  breaker.everything = may_take_everything(breaker) && breaker.messages >= kMessagesMin &&
                       breaker.all_sum >= kAlarm && breaker.all_sum >= breaker.some_sum;
  if (breaker.everything) breaker.share = std::max(breaker.share, kEverythingAtAlarm);
  breaker.by_change = now < saturating_add(changed_at_, kAfterChange);
  breaker.fresh_succeeded = 0;
  schedule_probe(breaker, now);
}

void CircuitBreakers::half_open(Breaker& breaker, TimePoint now) {
  if (breaker.state == BreakerState::Open) outages_.observe(now - breaker.opened_at);
  breaker.state = BreakerState::HalfOpen;
  breaker.fresh_succeeded = 0;
  breaker.runs_max = 2;
  breaker.succeeded = 0;
  breaker.credit = 2;
  breaker.probe_at = now + kProbeFirst;
}

void CircuitBreakers::close(Breaker& breaker) const {
  breaker.state = BreakerState::Closed;
  breaker.everything = false;
  breaker.all_sum = breaker.some_sum = breaker.share = 0;
  breaker.messages = 0;
  breaker.failed_in_row = 0;
  breaker.seen = first_attempts_;
}

/// With `waiting` messages and a chance of recovery of `rate` a second, canaries every d seconds cost
/// kCanarySeconds / d, and waiting for the next one waiting * rate * d / 2: least at their square root.
void CircuitBreakers::schedule_probe(Breaker& breaker, TimePoint now) const {
  const Duration age = now - breaker.opened_at;
  const double median = seconds(outages_.quantile(age, 0.5) - age);
  const double rate = 0.69 / std::max(1.0, median);
  const auto waiting =
      static_cast<double>(std::max<std::size_t>(1, breaker.held.size() + (breaker.everything ? ready_ : 0)));
  const double lasted = seconds(age);
  const double least = std::max(seconds(kProbeFirst), kProbeShareMin * lasted);
  const double most = std::max(2 * seconds(kProbeFirst), kProbeShareMax * lasted);
  const double wait = std::clamp(sqrt(2 * kCanarySeconds / (rate * waiting)), least, most);
  breaker.probe_at = saturating_add(now, from_seconds(std::min(wait, seconds(kProbeMax))));
}

/// What outlives outages, while others succeed, is no outage.
void CircuitBreakers::judge(Breaker& breaker, TimePoint now) const {
  if (breaker.state != BreakerState::Open || breaker.everything || breaker.fingerprint == 0) return;
  bring_up_to_date(breaker);
  if (breaker.share < kEverythingFrom && breaker.failed_in_row >= settle_after_ &&
      now - breaker.first_seen >= patience())
    breaker.state = BreakerState::Permanent;
}

Duration CircuitBreakers::patience() const {
  return std::clamp(outages_.quantile(Duration(0), kPatience), kPatienceMin, kPatienceMax);
}

void CircuitBreakers::version_changed(TimePoint now) {
  changed_at_ = now;
  for (Breaker& each : breakers_) {
    if (each.state == BreakerState::Closed) continue;
    if (each.state == BreakerState::Permanent) {
      each.state = BreakerState::Open;
      each.opened_at = each.first_seen = now;
      each.failed_in_row = 0;
    }
    each.probe_at = now;
  }
}

FailureCause CircuitBreakers::cause(const Breaker& breaker) const {
  switch (breaker.state) {
    case BreakerState::Closed:
      return breaker.error == ErrorClass::Timeout ? FailureCause::Timeout : FailureCause::Unknown;
    case BreakerState::Permanent:
      return FailureCause::Message;
    case BreakerState::Open:
    case BreakerState::HalfOpen:
      if (breaker.everything && breaker.by_change) return FailureCause::Deploy;
      return breaker.error == ErrorClass::Timeout ? FailureCause::Timeout : FailureCause::Outage;
  }
  return FailureCause::Unknown;
}

BreakerView CircuitBreakers::view(const Breaker& breaker, TimePoint now) const {
  BreakerView out{.state = breaker.state,
                  .everything = breaker.everything,
                  .young = now - breaker.first_seen < patience(),
                  .failed_in_row = breaker.failed_in_row,
                  .cause = cause(breaker)};
  if (breaker.state == BreakerState::Closed) return out;
  const Duration age = now - breaker.opened_at;
  out.wait = std::max<Duration>(1s, outages_.quantile(age, 0.5) - age);
  return out;
}

BreakerView CircuitBreakers::view(TimePoint now, ErrorClass error, std::uint64_t fingerprint) const {
  const Breaker* found = responsible(error, fingerprint);
  return found != nullptr ? view(*found, now) : BreakerView{};
}

std::vector<CircuitBreakers::Row> CircuitBreakers::rows(TimePoint now) const {
  std::vector<Row> out;
  for (const Breaker& each : breakers_)
    out.push_back({each.fingerprint, each.error, view(each, now),
                   each.state == BreakerState::Closed ? each.first_seen : each.opened_at, each.held.size()});
  return out;
}

BreakerState CircuitBreakers::of_everything() const {
  BreakerState worst = BreakerState::Closed;
  for (const Breaker& each : breakers_) {
    if (!each.everything || each.state == BreakerState::Closed || each.state == BreakerState::Permanent)
      continue;
    if (worst != BreakerState::Open) worst = each.state;
  }
  return worst;
}

bool CircuitBreakers::may_run(TimePoint now, std::uint32_t running) const {
  return std::ranges::all_of(breakers_, [&](const Breaker& each) {
    if (!each.everything) return true;
    if (each.state == BreakerState::HalfOpen) return running < each.runs_max;
    return each.state != BreakerState::Open || each.probe_at <= now;
  });
}

void CircuitBreakers::run_begins(TimePoint now) {
  for (Breaker& each : breakers_) {
    // Till its outcome is known, or, should it never be, till the next one is due.
    if (each.everything && each.state == BreakerState::Open) schedule_probe(each, now);
  }
}

void CircuitBreakers::hold(MessageId message, ErrorClass error, std::uint64_t fingerprint) {
  // responsible() says which one it is; here it is to be changed.
  if (const Breaker* found = responsible(error, fingerprint); found != nullptr)
    breakers_[static_cast<std::size_t>(found - breakers_.data())].held.push_back(message);
}

void CircuitBreakers::take(Breaker& breaker, std::size_t count, std::vector<MessageId>& out) const {
  for (; count > 0 && !breaker.held.empty(); --count) {
    out.push_back(breaker.held.front());
    breaker.held.pop_front();
  }
}

std::vector<MessageId> CircuitBreakers::take_due(TimePoint now, std::size_t ready, std::size_t count_max) {
  ready_ = ready;
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
        if (each.probe_at > now || (each.everything && ready > 0)) break;
        take(each, std::min<std::size_t>(room, 1), out);
        if (!each.everything) schedule_probe(each, now);
        break;
    }
  }
  return out;
}

TimePoint CircuitBreakers::wake_at() const {
  TimePoint first = kNever;
  for (const Breaker& each : breakers_) {
    const bool waits = each.state == BreakerState::Open || each.state == BreakerState::HalfOpen;
    if (each.held.empty() && !(each.everything && each.state == BreakerState::Open)) continue;
    if (waits) first = std::min(first, each.probe_at);
    if (!waits) first = TimePoint::min();
  }
  return first;
}

}  // namespace forewarm
