#pragma once

#include <cstdint>

#include "base/time.h"
#include "core/model/settings.h"

namespace forewarm {

/// What the instances of all functions share: places, memory, and how fast they are started. Counts what is
/// held; decides nothing.
class Machine {
 public:
  /// What starts lack before they fit.
  struct Lack {
    std::uint64_t instances = 0;
    std::uint64_t bytes = 0;

    bool any() const { return instances > 0 || bytes > 0; }
  };

  void configure(const Configuration& configuration);

  /// Instances of that size that fit when there is nothing else.
  std::uint32_t most(std::uint64_t bytes) const;
  Lack lacks(std::uint64_t instances, std::uint64_t bytes_each) const;
  /// The same when all that are told to stop are gone.
  Lack lacks_later(std::uint64_t instances, std::uint64_t bytes_each) const;
  /// When the next start is within the rate: a token bucket, as the generic cell rate algorithm keeps it
  /// (ITU-T I.371), in whole microseconds.
  TimePoint start_allowed_at() const;

  void started(TimePoint now, std::uint64_t bytes);
  void told_to_stop(std::uint64_t bytes);
  void gone(std::uint64_t bytes, bool was_told_to_stop);

 private:
  struct Held {
    std::uint64_t instances = 0;
    std::uint64_t bytes = 0;
  };
  Lack beside(std::uint64_t instances, std::uint64_t bytes_each, const Held& held) const;

  std::uint32_t instances_max_ = 0;
  std::uint64_t bytes_max_ = 0;
  Duration start_interval_ = Duration(0);  ///< of two starts in the long run; 0: no limit
  Duration start_advance_ = Duration(0);   ///< how far starts may be ahead of that
  Held all_, stopping_;
  TimePoint next_start_;  ///< if they kept to the interval
};

}  // namespace forewarm
