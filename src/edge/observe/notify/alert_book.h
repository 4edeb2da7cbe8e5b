#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "edge/observe/notify/alert.h"

namespace forewarm {

/// Which conditions have held for long enough to count.
class AlertBook {
 public:
  /// How long a rule must hold; its own time where this is empty.
  using Lasting = std::function<Duration(const AlertRule&)>;

  struct Changes {
    std::vector<Alert> fired{};
    std::vector<Alert> resolved{};  ///< which had fired
  };
  /// What fired before a restart, or to another copy that told of it. What does not hold is not over before
  /// `until`: the metrics may not be there yet.
  void remember(std::span<const Alert> firing, TimePoint until);
  Changes update(TimePoint now, std::span<const AlertHold> holds, const Lasting& lasting = {});

  /// All that hold, by rule and subject; those that do not count yet too.
  std::vector<Alert> alerts() const;
  std::vector<Alert> firing() const;

 private:
  using Key = std::pair<std::string_view, std::vector<std::string>>;

  std::map<Key, Alert> alerts_;
  std::set<Key> remembered_;  ///< and not seen to hold since
  TimePoint remembered_until_;
};

}  // namespace forewarm
