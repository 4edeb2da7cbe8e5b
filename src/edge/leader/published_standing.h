#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <utility>

#include "edge/leader/leader_election.h"

namespace forewarm {

/// What an election's thread knows, for all others. publish() is the thread's.
class PublishedStanding {
 public:
  explicit PublishedStanding(LeaderElection::Changed changed) : changed_(std::move(changed)) {}

  /// This copy leads from `from` until `until`.
  void publish(LeaseTime from, LeaseTime until, std::string leader, std::string problem) {
    // In this order nobody sees a new end with an old beginning.
    if (until < until_.load()) until_.store(until);
    from_.store(from);
    until_.store(until);
    Leadership next{.leads = leads(),
                    .leader = std::move(leader),
                    .problem = std::move(problem),
                    .changes = known_.changes};
    if (!next.leader.empty() && next.leader != last_leader_) {
      if (!last_leader_.empty()) ++next.changes;
      last_leader_ = next.leader;
    }
    if (next == known_) return;
    {
      const std::lock_guard lock(mutex_);
      known_ = next;
    }
    if (changed_) changed_(next);
  }

  bool leads() const {
    const LeaseTime now = LeaseClock::now();
    return from_.load() <= now && now < until_.load();
  }
  Leadership standing() const {
    const std::lock_guard lock(mutex_);
    Leadership now = known_;
    now.leads = leads();
    return now;
  }

 private:
  LeaderElection::Changed changed_;
  std::atomic<LeaseTime> from_ = LeaseTime::max();
  std::atomic<LeaseTime> until_ = LeaseTime::min();
  mutable std::mutex mutex_;
  Leadership known_;
  std::string last_leader_;
};

}  // namespace forewarm
