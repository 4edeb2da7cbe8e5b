#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "core/model/message.h"

namespace forewarm {

/// One message to come, as far as a simulation needs it.
struct Arrival {
  Duration at = Duration(0);  ///< from the start of the simulation
  std::uint32_t queue = 0;    ///< index into the simulation's queues
  std::uint32_t bytes = 0;
  Duration service_time = Duration(-1);  ///< negative: drawn from the queue's distribution
  Duration delay = Duration(0);          ///< not visible before this has passed
  TenantId tenant = {};
  GroupId group = {};
  Priority priority = kPriorityDefault;
  MessageTypeId type = {};
  Duration objective = Duration(-1);  ///< should start within this; negative: the mapping's objective
};

/// Messages to come, ascending in time.
class ArrivalSource {
 public:
  virtual ~ArrivalSource() = default;
  virtual std::optional<Arrival> next() = 0;
};

enum class PatternKind : std::uint8_t {
  Poisson,   ///< independent, `rate_per_second`
  Periodic,  ///< a batch of `size` every `period`, spread over `spread`
  Bursts,    ///< Poisson, and at random moments, on average every `period`, `size` more within `spread`
  Diurnal,   ///< Poisson whose rate follows a sine of this `period`, from nearly 0 to twice `rate_per_second`
};

/// How messages of one queue come.
struct ArrivalPattern {
  PatternKind kind = PatternKind::Poisson;
  std::uint32_t queue = 0;
  double rate_per_second = 1;
  Duration period = 60s;
  Duration spread = 1s;
  std::uint32_t size = 10;
  std::uint32_t tenants = 0;  ///< each message has one of so many
  std::uint32_t groups = 0;   ///< each message is in one of so many FIFO groups
  double urgent_share = 0;    ///< of messages with the highest priority
  double delayed_share = 0;   ///< of messages sent with a delay up to `delay_max`
  Duration delay_max = 10s;
};

/// All arrivals of these patterns from 0 to `length`, sorted; the same seed gives the same ones. A pattern's
/// arrivals do not depend on the other patterns. At most 20 million.
std::vector<Arrival> generate_arrivals(const std::vector<ArrivalPattern>& patterns, Duration length,
                                       std::uint64_t seed);

/// Plays a sorted list.
std::unique_ptr<ArrivalSource> make_arrival_list(std::vector<Arrival> arrivals);

}  // namespace forewarm
