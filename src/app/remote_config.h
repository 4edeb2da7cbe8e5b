#pragma once

#include <string>

namespace forewarm {

/// remote.* of a [[function]] that runs elsewhere.
struct RemoteConfig {
  std::string function;  ///< aws-lambda: name or ARN
  std::string url;       ///< of the function; aws-lambda: of the API
  std::string key_file;  ///< azure-functions
  std::string audience;  ///< google-functions
  std::string payload;   ///< as remote_format takes it; empty: as usual with the runtime
  std::string ca_file;
  bool wait = true;  ///< aws-lambda: false is the invocation type Event

  friend bool operator==(const RemoteConfig&, const RemoteConfig&) = default;
};

}  // namespace forewarm
