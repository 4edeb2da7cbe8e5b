#pragma once

#include <algorithm>

#include "edge/leader/leader_election.h"

namespace forewarm {

/// Whether a copy leads by a lock that is its session's: a database that cannot hear a session ends it and
/// gives the lock to another at once, and whoever held it hears of that late or never. Pure: time and answers
/// are arguments.
///
/// So a copy leads until `renew_deadline` after it *sent* the last question whose answer was that the lock is
/// its own, and whoever gets the lock leads `lease` after that, which is longer: the answer came before the
/// session's end, and the lock after it.
class LockHolder {
 public:
  struct Settings {
    Duration lease = 15s;  ///< longer than renew_deadline
    Duration renew_deadline = 10s;
  };
  explicit LockHolder(Settings settings) : settings_(settings) {}

  /// The session has just got the lock.
  void got(LeaseTime now) {
    leads_from_ = now + settings_.lease;
    leads_until_ = LeaseTime::min();
  }
  /// The session still has it, by the answer to what was asked then.
  void kept(LeaseTime asked) { leads_until_ = std::max(leads_until_, asked + settings_.renew_deadline); }
  /// The session has it no more, or is over by the other side's word; without an answer nothing is known, and
  /// time does the rest.
  void lost() {
    leads_from_ = LeaseTime::max();
    leads_until_ = LeaseTime::min();
  }

  LeaseTime leads_from() const { return leads_from_; }
  LeaseTime leads_until() const { return leads_until_; }
  bool leads(LeaseTime now) const { return leads_from_ <= now && now < leads_until_; }

 private:
  Settings settings_;
  LeaseTime leads_from_ = LeaseTime::max();
  LeaseTime leads_until_ = LeaseTime::min();
};

}  // namespace forewarm
