#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/time.h"
#include "core/model/message.h"
#include "core/model/weighted_value.h"

namespace forewarm {

/// What a number of messages means in resources over one step, at one level.
struct Demand {
  double messages = 0;      ///< arrivals in the step
  double work_seconds = 0;  ///< their service time summed
  double concurrency = 0;   ///< instances that start everything within the objective (n_D)

  friend bool operator==(const Demand&, const Demand&) = default;
};

/// What one queue's messages were measured to cost. A part that was not measured is empty.
struct WorkProfile {
  /// Service time of one message in seconds, weighted by messages; ascending.
  std::vector<WeightedValue> service_seconds;
  /// Processor seconds of a second of service, those of starts and of idle instances included.
  double cores_per_service = std::numeric_limits<double>::quiet_NaN();
  /// Resident memory of one instance in bytes, weighted by time; ascending.
  std::vector<WeightedValue> instance_memory_bytes;
  std::uint32_t messages_per_instance = 1;  ///< at a time

  struct Share {
    double mean = 0;    ///< of all arrivals
    double spread = 0;  ///< standard deviation between intervals, without what chance alone brings
  };
  std::array<Share, kPriorityMax + 1> priorities{};
};

/// What a forecast's arrivals need, as quantiles: every vector has horizon x kForecastLevelCount values as
/// Forecast::values has, or none where the profile did not measure it.
struct DemandForecast {
  TimePoint start;
  Duration step = Duration(0);
  std::vector<float> work_seconds;  ///< service time of the messages that arrive in the step, summed
  std::vector<float> concurrency;   ///< messages in service at a moment of the step if none has to wait
  std::vector<float> cores;         ///< processors busy in the mean over the step
  std::vector<float> memory_bytes;  ///< of the instances that such a moment needs

  struct OfPriority {
    Priority priority = 0;
    double share = 0;
    std::vector<float> messages;     ///< arrivals in the step
    std::vector<float> concurrency;  ///< as above
  };
  std::vector<OfPriority> priorities;  ///< ascending; none where all messages have the same one
};

}  // namespace forewarm
