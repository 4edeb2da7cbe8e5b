#pragma once

#include <string>

#include "base/result.h"
#include "edge/net/http.h"

namespace forewarm {

/// One request to a server, waited for. A refusal of the server becomes an error with the server's own words;
/// a server that does not answer is Io and says how to start or name one.
Result<HttpResponse> call_server(const std::string& url, HttpRequest request);

}  // namespace forewarm
