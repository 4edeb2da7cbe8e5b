#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "edge/net/http.h"

namespace forewarm {

/// A request to any server on the net, for commands: TLS, proxies (HTTPS_PROXY and its like) and redirects to
/// the same scheme are libcurl's business.
struct FetchRequest {
  std::string method = "GET";
  std::string url;
  HttpHeaders headers{};
  std::string body{};
};

struct FetchOptions {
  std::chrono::milliseconds timeout{60'000};
  std::size_t body_max_bytes = 256U << 20;
};

/// Blocks until there is an answer of any status. Invalid for what is no URL; Io, with the server and the
/// reason, when there was no answer; Exhausted when it is larger than `body_max_bytes`.
Result<HttpResponse> fetch(const FetchRequest& request, const FetchOptions& options = {});

/// A query or form field, percent-encoded as RFC 3986 has it: everything but letters, digits, - . _ and ~.
std::string percent_encode(std::string_view text);

}  // namespace forewarm
