#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "edge/cloud/servicebus/service_bus_source.h"

namespace forewarm {

/// What the management API says of a queue, or of a topic's subscription. What it does not say is not there.
struct BusQueueDescription {
  std::optional<Duration> lock_duration{};
  std::optional<std::uint32_t> deliveries_max{};
  bool requires_session = false;
  std::optional<std::uint64_t> active{};  ///< with what is locked; without scheduled ones and dead letters

  friend bool operator==(const BusQueueDescription&, const BusQueueDescription&) = default;
};

/// The Atom entry that answers GET /QUEUE?api-version=2021-05. NotFound for an empty feed, which is how the
/// service says that there is no such queue; Corrupt for anything else.
Result<BusQueueDescription> parse_queue_description(std::string_view xml);

/// "PT1M30.5S", "P1DT2H" (ISO 8601 without years and months); nothing for any other text.
std::optional<Duration> parse_iso_duration(std::string_view text);

/// Blocks for some seconds at most. Errors are product text; Conflict when the credentials do not allow it.
Result<BusQueueDescription> ask_queue_description(const ServiceBusOptions& options, std::stop_token stop);

}  // namespace forewarm
