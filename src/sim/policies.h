#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "core/model/settings.h"
#include "core/scale/scaler.h"

namespace forewarm {

using ScalerFactory = std::function<std::unique_ptr<Scaler>(const MappingSettings&)>;

/// A scaling policy as named on the command line.
struct Policy {
  std::string name;  ///< as it was given
  ScalerFactory make_scaler;
  std::optional<Duration> freeze_after = {};  ///< of every function, where the policy says so
};

/// Reads "forewarm", "reactive", "keda", "keda:target=5,max=50", "keep-alive:10m" or "static:4"; each may
/// also have freeze=TIME. Invalid with what was expected, and the nearest name where one is near, otherwise.
Result<Policy> parse_policy(std::string_view text);

/// One line a policy with its options, for --help.
std::string_view policies_help();

}  // namespace forewarm
