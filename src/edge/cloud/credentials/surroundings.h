#pragma once

#include <functional>
#include <string>

#include "base/time.h"

namespace forewarm {

/// What a search for credentials looks at beside files and servers.
struct CredentialSurroundings {
  /// Of the environment; empty: it is not set.
  std::function<std::string(const std::string&)> variable;
  std::function<TimePoint()> now;  ///< wall clock
  /// Where ECS answers AWS_CONTAINER_CREDENTIALS_RELATIVE_URI.
  std::string container_endpoint = "http://169.254.170.2";
};
CredentialSurroundings own_surroundings();

/// "2026-01-05T01:30:00Z", with or without a fraction; the epoch if it is none.
TimePoint parse_utc_time(const std::string& text);

}  // namespace forewarm
