#pragma once

#include <string>

#include "base/result.h"
#include "edge/net/http.h"

namespace forewarm {

/// Where a server may listen: HOST:PORT, of this machine's loopback unless it asks who its clients are.
/// Invalid with the name of the setting and the remedy.
Result<Endpoint> listen_address(const char* setting, const std::string& text, bool authenticates);

/// The addresses of a running server, in its data folder while it answers: {"sqs", "admin", "pid"}.
void write_endpoints(const std::string& data, const std::string& sqs_url, const std::string& admin_url);
void remove_endpoints(const std::string& data);

}  // namespace forewarm
