#pragma once

#include <optional>
#include <string>

#include "app/config.h"
#include "base/result.h"
#include "edge/net/http.h"

namespace forewarm {

/// Where a server may listen: HOST:PORT of this machine's loopback, or any if it is `guarded` by
/// authentication. Invalid with the name of the setting and the remedy.
Result<Endpoint> listen_address(const char* setting, const std::string& text, bool guarded = false);

struct ListenAddresses {
  Endpoint sqs;
  Endpoint admin;
  std::optional<Endpoint> workers{};
};
/// All of a server: guarded where there are access keys, and admin tokens; workers always show a token.
Result<ListenAddresses> listen_addresses(const ServerConfig& config);

/// The addresses of a running server, in its data folder while it answers: {"sqs", "admin", "pid"}.
Result<void> write_endpoints(const std::string& data, const std::string& sqs_url,
                             const std::string& admin_url);
void remove_endpoints(const std::string& data);

}  // namespace forewarm
