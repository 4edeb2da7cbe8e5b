#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>

#include "base/check.h"
#include "base/time.h"
#include "core/route/tenant_shares.h"

namespace forewarm {

/// Which priority classes may be served now, given how long the oldest message of each has waited.
///
/// A class is lifted by one for each `ageing` that its oldest message has waited, up to the highest; the
/// classes above it are then never below it. Lifting whole classes instead of messages keeps a backlog from
/// passing the fresh messages of other tenants in its own class: age decides between classes, the tenants'
/// shares decide inside them. It also needs no work as time passes: per class, the messages are counted by
/// the eighth of `ageing` in which they began to wait.
class ClassAges {
 public:
  explicit ClassAges(Duration ageing)
      : grain_us_(std::max<std::int64_t>(1, ageing.count() / kGrainsPerStep)) {}

  void add(Priority in_class, TimePoint since) { ++counts_[in_class][grain(since)]; }
  void remove(Priority in_class, TimePoint since) {
    auto& counts = counts_[in_class];
    const auto found = counts.find(grain(since));
    check(found != counts.end(), "a class counts each of its messages");
    if (--found->second == 0) counts.erase(found);
  }

  /// The classes of the highest rank, as bits: the lowest class that reaches it and all above that have
  /// messages.
  std::uint16_t to_serve(TimePoint now) const {
    std::int64_t highest = -1;
    std::uint16_t classes = 0;
    for (std::size_t c = 0; c < kClassCount; ++c) {
      if (counts_[c].empty()) continue;
      const auto mine = static_cast<std::uint16_t>(1U << c);
      const std::int64_t rank = lifted(c, now);
      classes = rank > highest ? mine : static_cast<std::uint16_t>(classes | mine);
      highest = std::max(highest, rank);
    }
    return classes;
  }

 private:
  static constexpr std::int64_t kGrainsPerStep = 8;

  std::int64_t grain(TimePoint time) const { return count_us(time) / grain_us_; }
  std::int64_t lifted(std::size_t in_class, TimePoint now) const {
    const std::int64_t waited = std::max<std::int64_t>(0, grain(now) - counts_[in_class].begin()->first);
    return std::min<std::int64_t>(kPriorityMax,
                                  static_cast<std::int64_t>(in_class) + waited / kGrainsPerStep);
  }

  std::int64_t grain_us_;
  std::array<std::map<std::int64_t, std::uint32_t>, kClassCount> counts_;
};

}  // namespace forewarm
