#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "edge/cloud/polled_engine.h"

namespace forewarm {

/// What an engine lends us at the moment, and until when by our clock.
class LeaseBook {
 public:
  using Clock = std::chrono::steady_clock;
  struct Lease {
    PolledMessage polled;
    Clock::time_point since{};
    Clock::time_point until{};
  };

  /// The token of an earlier delivery of the same message that was still here: it is not ours any more.
  std::optional<std::string> add(PolledMessage polled, Clock::time_point now, Duration length) {
    std::optional<std::string> former;
    const std::string id = polled.message.id;
    const std::string token = polled.message.token;
    if (const auto found = by_id_.find(id); found != by_id_.end() && found->second != token) {
      former = found->second;
      leases_.erase(*former);
    }
    by_id_[id] = token;
    leases_[token] = {std::move(polled), now, now + length};
    return former;
  }

  const Lease* find(const std::string& token) const {
    const auto found = leases_.find(token);
    return found == leases_.end() ? nullptr : &found->second;
  }

  std::optional<Lease> take(const std::string& token) {
    const auto found = leases_.find(token);
    if (found == leases_.end()) return std::nullopt;
    std::optional<Lease> lease(std::move(found->second));
    by_id_.erase(lease->polled.message.id);
    leases_.erase(found);
    return lease;
  }

  /// Whether it is still here.
  bool prolong(const std::string& token, Clock::time_point until) {
    const auto found = leases_.find(token);
    if (found == leases_.end()) return false;
    found->second.until = std::max(found->second.until, until);
    return true;
  }

  /// Those whose time is over, which are here no more.
  std::vector<std::string> take_ended(Clock::time_point now) {
    std::vector<std::string> ended;
    for (const auto& [token, lease] : leases_) {
      if (lease.until <= now) ended.push_back(token);
    }
    for (const auto& token : ended) take(token);
    return ended;
  }

  std::vector<std::string> tokens() const {
    std::vector<std::string> all;
    all.reserve(leases_.size());
    for (const auto& [token, lease] : leases_) all.push_back(token);
    return all;
  }
  std::size_t size() const { return leases_.size(); }

 private:
  std::map<std::string, Lease> leases_{};
  std::map<std::string, std::string> by_id_{};
};

}  // namespace forewarm
