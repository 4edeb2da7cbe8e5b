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
constexpr std::uint32_t kMessagesMin = 3;  // that fail are a burst
constexpr std::uint32_t kAgainMin = 3;     // attempts after it that failed one after the other
constexpr std::uint32_t kAgainMessages = 2;
constexpr std::uint32_t kNeverWorkedMin = 10;  // messages: what never worked is not known to be down
constexpr double kChangeSays = 2;              // in nats: a new version that has not worked yet

constexpr std::uint32_t kFreshMin = 2;  // canaries in a row that had not failed before and now succeed
constexpr Duration kLookAgain = 500ms;
constexpr std::uint32_t kRunsEnough = 64;  // at a time: half-open is over
constexpr Duration kAfterChange = 10min;

}  // namespace

/// A function that never worked has not gone down: a handful of messages that fail is what it is.
bool CircuitBreakers::is_down(const Breaker& breaker) const {
  if (!has_succeeded_ && breaker.evidence.failed_in_row() < kNeverWorkedMin) return false;
  const double change = breaker.by_change && !has_succeeded_since_change_ ? kChangeSays : 0;
  return breaker.evidence.nats() + change >= OutageEvidence::kDown;
}

/// Timeouts of some messages do not keep short ones waiting, which may well succeed.
bool CircuitBreakers::may_take_everything(const Breaker& breaker) const {
  return breaker.messages >= kMessagesMin && (breaker.error != ErrorClass::Timeout || is_down(breaker));
}

bool CircuitBreakers::should_open(const Breaker& breaker) const {
  if (!has_succeeded_ && breaker.evidence.failed_in_row() < kNeverWorkedMin) return false;
  const bool burst =
      breaker.messages >= kMessagesMin && (breaker.all_sum >= kAlarm || breaker.some_sum >= kAlarm);
  return burst || (breaker.failed_in_row >= kAgainMin && breaker.messages >= kAgainMessages);
}

CircuitBreakers::Breaker* CircuitBreakers::find(std::uint64_t fingerprint, ErrorClass error) {
  const auto found = std::ranges::find_if(breakers_, [&](const Breaker& each) {
    return each.fingerprint == fingerprint && (fingerprint != 0 || each.error == error);
  });
  return found == breakers_.end() ? nullptr : &*found;
}

const CircuitBreakers::Breaker* CircuitBreakers::responsible(ErrorClass error,
                                                             std::uint64_t fingerprint) const {
  const Breaker* found = nullptr;
  for (const Breaker& each : breakers_) {
    const bool own = each.fingerprint == fingerprint;
    if (!own && !(each.fingerprint == 0 && each.error == error)) continue;
    // What is known of this very error says more than that errors are new.
    if (own && each.state == BreakerState::Permanent) return &each;
    const bool says_nothing = found == nullptr || found->state == BreakerState::Closed;
    if (says_nothing && (own || each.state != BreakerState::Closed)) found = &each;
  }
  return found;
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
  if (!has_failed) {
    has_succeeded_ = has_succeeded_since_change_ = true;
    senders_.succeeded(outcome.tenant);
    succeeded(outcome);
  }
}

void CircuitBreakers::failed(Breaker& breaker, const AttemptOutcome& outcome) {
  if (breaker.messages == 0 && breaker.failed_in_row == 0) breaker.first_seen = outcome.at;
  breaker.last_seen = outcome.at;
  const bool again = outcome.again && outcome.previous == outcome.fingerprint && breaker.fingerprint != 0;
  if (outcome.first) {
    count_first(breaker);
    // A new version that has not worked yet explains every failure, whoever sent the message.
    const bool unproven =
        !has_succeeded_since_change_ && outcome.at < saturating_add(changed_at_, kAfterChange);
    breaker.evidence.failed_first(outcome.tenant, unproven ? nullptr : &senders_);
  }
  if (again) ++breaker.failed_in_row;
  if (breaker.asked_for != 0) upstream_.observe(std::exchange(breaker.asked_for, 0), false);
  switch (breaker.state) {
    case BreakerState::Closed:
      if (should_open(breaker)) open(breaker, outcome.at);
      return;
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
      // What was the messages' fault may come in a batch of them; that it is down takes more to believe.
      if (breaker.state == BreakerState::Permanent && !is_down(breaker)) return;
      if (may_take_everything(breaker) && breaker.share >= kEverythingFrom) {
        breaker.everything = true;
        breaker.state = BreakerState::Open;
      }
      if (again) schedule_probe(breaker, outcome.at);
      return;
  }
}

void CircuitBreakers::succeeded(const AttemptOutcome& outcome) {
  for (Breaker& each : breakers_) {
    const bool was_down = is_down(each);
    if (outcome.first) each.evidence.succeeded_first();
    if (outcome.again && outcome.previous == each.fingerprint) {
      recovers(each, outcome.at);
    } else if (each.everything && each.state == BreakerState::HalfOpen) {
      recovers(each, outcome.at);
    } else if (each.everything && each.state == BreakerState::Open) {
      fresh_succeeded(each, outcome.at, was_down);
    }
  }
}

/// Where nothing but a few failures spoke for an outage of everything, there is none: only what failed waits,
/// and one of it is asked at once. Where much did, one that succeeds may be luck, and two are the recovery.
void CircuitBreakers::fresh_succeeded(Breaker& breaker, TimePoint now, bool was_down) {
  bring_up_to_date(breaker);
  breaker.fresh_at = breaker.probe_at = now;
  if (!was_down && breaker.fresh_succeeded == 0) {
    breaker.everything = false;
    breaker.share = std::min(breaker.share, kEverythingUntil);
  } else if (++breaker.fresh_succeeded >= kFreshMin) {
    half_open(breaker, now);
  } else if (breaker.share < kEverythingUntil) {
    breaker.everything = false;
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
  breaker.upstream = breaker.ask_for = breaker.asked_for = 0;
  // The likelier of the two, where both have raised the alarm.
  breaker.by_change = now < saturating_add(changed_at_, kAfterChange);
  breaker.everything =
      may_take_everything(breaker) && breaker.all_sum >= kAlarm && breaker.all_sum >= breaker.some_sum;
  if (breaker.everything) breaker.share = std::max(breaker.share, kEverythingAtAlarm);
  breaker.fresh_succeeded = 0;
  schedule_probe(breaker, now);
}

void CircuitBreakers::half_open(Breaker& breaker, TimePoint now) {
  if (breaker.state == BreakerState::Open) {
    outages_.observe(now - breaker.opened_at);
    breaker.evidence.recovered();
    const std::uint32_t by = breaker.asked_for != 0 ? breaker.asked_for : breaker.upstream;
    if (by != 0) upstream_.observe(by, true);
    breaker.upstream = breaker.ask_for = breaker.asked_for = 0;
  }
  breaker.state = BreakerState::HalfOpen;
  breaker.fresh_succeeded = 0;
  breaker.runs_max = 2;
  breaker.succeeded = 0;
  breaker.credit = 2;
  breaker.probe_at = now + kLookAgain;
}

void CircuitBreakers::close(Breaker& breaker) const {
  breaker.state = BreakerState::Closed;
  breaker.everything = false;
  breaker.all_sum = breaker.some_sum = breaker.share = 0;
  breaker.messages = 0;
  breaker.failed_in_row = 0;
  breaker.seen = first_attempts_;
}

OutageMemory CircuitBreakers::memory() const {
  OutageMemory memory;
  memory.has_succeeded = has_succeeded_;
  outages_.remember(memory);
  return memory;
}

void CircuitBreakers::restore(const OutageMemory& memory) {
  if (!breakers_.empty()) return;
  has_succeeded_ = has_succeeded_ || memory.has_succeeded;
  outages_.restore(memory);
}

void CircuitBreakers::version_changed(TimePoint now) {
  changed_at_ = now;
  has_succeeded_since_change_ = false;
  for (Breaker& each : breakers_) {
    if (each.state == BreakerState::Closed) continue;
    if (each.state == BreakerState::Permanent) {
      each.state = BreakerState::Open;
      each.opened_at = each.first_seen = now;
      each.failed_in_row = 0;
    }
    each.probe_at = each.fresh_at = now;
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
      if (breaker.error == ErrorClass::Timeout) return FailureCause::Timeout;
      return breaker.state == BreakerState::HalfOpen || is_down(breaker) ? FailureCause::Outage
                                                                         : FailureCause::Unknown;
  }
  return FailureCause::Unknown;
}

BreakerView CircuitBreakers::view(const Breaker& breaker, TimePoint now) const {
  BreakerView out{.state = breaker.state,
                  .everything = breaker.everything,
                  .young = now - breaker.first_seen < patience(),
                  .counts = breaker.state != BreakerState::Open || !is_down(breaker),
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
  out.reserve(breakers_.size());
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

}  // namespace forewarm
