#pragma once

#include <cstddef>

#include "base/time.h"
#include "core/model/retry_memory.h"

namespace forewarm {

/// How long outages last, learnt from those that are over: log-normal, with a prior worth two outages whose
/// median is two minutes. Answers when one that still lasts will be over.
class OutageHistory {
 public:
  /// One ended after `length`.
  void observe(Duration length);
  /// The age that an outage, `age` old now, will not outlive with this probability; above `age`.
  Duration quantile(Duration age, double probability) const;
  std::size_t observed() const { return observed_; }
  void remember(OutageMemory& memory) const;
  /// Takes what another had learnt, if this has seen no outage; numbers that none could have learnt are not
  /// taken.
  void restore(const OutageMemory& memory);

 private:
  double count_ = 0;
  double mean_ = 0;     ///< of the logarithms of seconds
  double squares_ = 0;  ///< sum of squared deviations
  std::size_t observed_ = 0;
};

}  // namespace forewarm
