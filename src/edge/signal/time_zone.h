#pragma once

#include <mutex>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

/// libical keeps time zones in tables without a lock of its own: whoever calls it holds this one.
std::recursive_mutex& libical_mutex();

/// A date and a time of day as clocks on the wall show them, without saying where: microseconds since
/// 1970-01-01T00:00 of those clocks.
using LocalTime = Duration;

/// A time zone of the system's database (tzdata), by way of libical. Cheap to copy; the database stays loaded
/// as long as the process. Any thread.
class TimeZone {
 public:
  /// UTC.
  TimeZone() = default;
  /// "Europe/Berlin", "UTC". Invalid if the system's database has no such zone.
  static Result<TimeZone> find(std::string_view name);

  /// What local clocks are ahead of UTC at a time.
  Duration offset_at(TimePoint at) const;
  LocalTime local(TimePoint at) const { return at.time_since_epoch() + offset_at(at); }

  /// The moments at which local clocks show a time: none where they are put forward over it, two where they
  /// are put back, else one. Ascending.
  std::vector<TimePoint> moments(LocalTime local) const;
  /// The first moment at which local clocks show `local` or have been put forward over it.
  TimePoint reached(LocalTime local) const;

 private:
  void* zone_ = nullptr;  ///< libical's; null is UTC
};

}  // namespace forewarm
