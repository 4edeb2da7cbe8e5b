#pragma once

#include <string>

#include "app/commands.h"
#include "base/result.h"
#include "edge/net/http.h"

namespace forewarm {

/// One request to a server, waited for. A refusal of the server becomes an error with the server's own words;
/// a server that does not answer is Io and says how to start or name one.
Result<HttpResponse> call_server(const std::string& url, HttpRequest request);
/// The same on the admin address of a server, with the token that the command was given.
Result<HttpResponse> call_admin(const ServerAddress& server, HttpRequest request);

}  // namespace forewarm
