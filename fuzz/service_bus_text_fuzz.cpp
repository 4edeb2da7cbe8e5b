#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/cloud/servicebus/queue_description.h"
#include "edge/cloud/servicebus/shared_access.h"

using namespace forewarm;

/// What the management API answers, and what a person copies from the portal, is whole or an error without
/// secrets.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto read = parse_queue_description(text); read && read->lock_duration)
    check(*read->lock_duration >= Duration(0), "a lock's duration is none or positive");
  if (const auto duration = parse_iso_duration(text))
    check(*duration >= Duration(0), "a duration is not negative");
  const auto parsed = parse_bus_connection_string(text);
  if (parsed) {
    check(!parsed->host.empty(), "a connection string names a host");
    check(!parsed->signature.empty() || (!parsed->key_name.empty() && !parsed->key.empty()),
          "a connection string has something to log in with");
  }
  return 0;
}
