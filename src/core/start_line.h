#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "core/model/ids.h"

namespace forewarm {

/// Queues whose starts wait for room or for the start rate: those whose messages wait before those that plan
/// ahead, and among each the one that waits longest. One place a queue. Nobody passes the first, however well
/// a smaller one would fit: or the largest would wait for ever.
class StartLine {
 public:
  struct First {
    QueueId queue;
    bool need = false;  ///< its messages wait
  };

  /// Joins at the end, or moves up from those that plan. The first says so again when it was asked.
  void wait(QueueId queue, bool need) {
    const auto found = places_.find(queue);
    if (queue == asked_) still_waits_ = true;
    if (found != places_.end() && (found->second.need || !need)) return;
    if (found != places_.end()) leave(queue);
    const Place place{need, ++joined_};
    places_.emplace(queue, place);
    order_.insert(key(queue, place));
  }

  void leave(QueueId queue) {
    const auto found = places_.find(queue);
    if (found == places_.end()) return;
    order_.erase(key(queue, found->second));
    places_.erase(found);
  }

  bool empty() const { return order_.empty(); }

  std::optional<First> first() const {
    if (order_.empty()) return std::nullopt;
    return First{std::get<2>(*order_.begin()), !std::get<0>(*order_.begin())};
  }

  /// Whether somebody is to start an instance before this queue does.
  bool anyone_before(QueueId queue, bool need) const {
    if (order_.empty()) return false;
    const auto found = places_.find(queue);
    const bool in_line = found != places_.end() && (found->second.need || !need);
    return *order_.begin() < key(queue, in_line ? found->second : Place{need, joined_ + 1});
  }

  /// The first is asked whether it still waits: until the answer, `wait` is a yes.
  void ask(QueueId queue) {
    asked_ = queue;
    still_waits_ = false;
  }
  /// The answer; whoever waits no more has left.
  bool answer() {
    if (!still_waits_) leave(asked_);
    asked_ = {};
    return still_waits_;
  }

 private:
  struct Place {
    bool need = false;
    std::uint64_t joined = 0;
  };
  using Key = std::tuple<bool, std::uint64_t, QueueId>;
  static Key key(QueueId queue, const Place& place) { return {!place.need, place.joined, queue}; }

  std::map<QueueId, Place> places_;
  std::set<Key> order_;
  std::uint64_t joined_ = 0;
  QueueId asked_;
  bool still_waits_ = false;
};

}  // namespace forewarm
