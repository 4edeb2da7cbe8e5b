#include "edge/leader/lease_elector.h"

#include <algorithm>
#include <utility>

namespace forewarm {
namespace {

/// Of an earlier request whose answer was lost more than one can come to light, but not many.
constexpr std::size_t kAttemptsMax = 16;
/// client-go's: copies that wait for the same lease do not ask at the same time.
constexpr double kJitter = 1.2;
/// A lease that was given up is anybody's; the API takes no shorter one.
constexpr Duration kGivenUp = 1s;

}  // namespace

LeaseTime LeaseElector::runs_out() const {
  const Duration said = seen_->record.duration;
  return changed_at_ + (said > Duration(0) ? said : settings_.lease);
}

bool LeaseElector::may_take(LeaseTime now) const {
  return seen_->record.holder.empty() || now >= runs_out();
}

LeaseRequest LeaseElector::next(LeaseTime now, TimePoint wall) {
  using What = LeaseRequest::What;
  asked_at_ = now;
  replaced_ = false;
  LeaseRecord mine{.holder = settings_.identity,
                   .duration = settings_.lease,
                   .acquired = wall,
                   .renewed = wall,
                   .transitions = 0};
  if (std::exchange(missing_, false)) return {.what = What::Create, .record = std::move(mine)};
  if (!std::exchange(current_, false) || (!mine_ && !may_take(now))) return {};
  const LeaseRecord& held = seen_->record;
  if (mine_) mine.acquired = held.acquired;
  mine.transitions = held.transitions + (mine_ ? 0 : 1);
  replaced_ = true;
  attempts_.push_back({mine, now});
  if (attempts_.size() > kAttemptsMax) attempts_.pop_front();
  return {.what = What::Replace, .record = std::move(mine), .version = seen_->version};
}

void LeaseElector::answered(LeaseTime now, const LeaseAnswer& answer) {
  if (const LeaseFound* lease = std::get_if<LeaseFound>(&answer)) return found(now, *lease);
  if (std::holds_alternative<LeaseMissing>(answer)) {
    missing_ = true;
    mine_ = false;
    seen_.reset();
  }
  wait(now);
}

void LeaseElector::found(LeaseTime now, const LeaseFound& lease) {
  current_ = true;
  // Its version too: it may have been changed to what it was.
  if (!seen_ || seen_->version != lease.version || seen_->record != lease.record) {
    changed_at_ = now;
    mine_ = false;
  }
  seen_ = lease;
  // An answer may have been lost whose request was granted.
  const auto granted =
      replaced_ ? std::prev(attempts_.end()) : std::ranges::find(attempts_, lease.record, &Attempt::record);
  if (granted != attempts_.end()) {
    mine_ = true;
    leads_until_ = std::max(leads_until_, granted->sent + settings_.renew_deadline);
    attempts_.erase(attempts_.begin(), granted);
  }
  if (!mine_) leads_until_ = LeaseTime::min();
  // At once: what is found to be free, or to be this copy's already.
  if (!replaced_ && (mine_ || may_take(now)))
    due_ = now;
  else
    wait(now);
}

void LeaseElector::wait(LeaseTime now) {
  if (leads(now)) {
    due_ = std::max(now, asked_at_ + settings_.retry);
    return;
  }
  due_ = now + from_seconds(seconds(settings_.retry) * (1 + kJitter * random_.uniform()));
  if (current_ && seen_) due_ = std::min(due_, std::max(now, runs_out()));
}

std::string LeaseElector::leader(LeaseTime now) const {
  if (leads(now)) return settings_.identity;
  return seen_ && !mine_ && !may_take(now) ? seen_->record.holder : std::string();
}

std::optional<LeaseRequest> LeaseElector::give_up(TimePoint wall) {
  leads_until_ = LeaseTime::min();
  if (!mine_ || !seen_) return std::nullopt;
  return LeaseRequest{.what = LeaseRequest::What::Replace,
                      .record = {.holder = "",
                                 .duration = kGivenUp,
                                 .acquired = wall,
                                 .renewed = wall,
                                 .transitions = seen_->record.transitions},
                      .version = seen_->version};
}

}  // namespace forewarm
