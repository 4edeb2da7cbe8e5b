#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

/// What a connection string of Azure's portal says: "Endpoint=sb://NAMESPACE/;SharedAccessKeyName=...;
/// SharedAccessKey=...;EntityPath=..." in any order, or a SharedAccessSignature in place of the key.
struct BusConnectionString {
  std::string host{};
  std::string key_name{};
  std::string key{};
  std::string signature{};    ///< a token that is made already
  std::string entity_path{};  ///< empty: it is the namespace's

  friend bool operator==(const BusConnectionString&, const BusConnectionString&) = default;
};

bool is_bus_connection_string(std::string_view text);
/// Invalid, without any of its values, for what lacks an endpoint or something to log in with.
Result<BusConnectionString> parse_bus_connection_string(std::string_view text);

/// "SharedAccessSignature sr=...&sig=...&se=...&skn=..." for a resource such as sb://HOST/QUEUE: HMAC-SHA256
/// with the key over the encoded resource and the end (Azure, "Service Bus access control with SAS").
std::string shared_access_signature(const std::string& resource, const std::string& key_name,
                                    const std::string& key, std::chrono::seconds end);

}  // namespace forewarm
