#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.h"
#include "edge/observe/otlp/trace_context.h"

namespace forewarm {

using TelemetryValue = std::variant<std::string, std::int64_t, double, bool>;
using TelemetryAttributes = std::vector<std::pair<std::string, TelemetryValue>>;

/// One span that has ended. The numbers of the kinds are the protocol's.
struct TraceSpan {
  enum class Kind : std::uint8_t { Internal = 1, Server = 2, Client = 3, Producer = 4, Consumer = 5 };
  struct Moment {
    TimePoint at;
    std::string name{};
  };
  TraceId trace{};
  std::uint64_t id = 0;
  std::uint64_t parent = 0;  ///< 0: it is a trace's root
  std::string state{};
  std::string name{};
  Kind kind = Kind::Internal;
  TimePoint start;
  TimePoint end;
  TelemetryAttributes attributes{};
  std::vector<TraceContext> links{};
  std::vector<Moment> moments{};
  std::string failure{};  ///< empty: it did not fail
};

}  // namespace forewarm
