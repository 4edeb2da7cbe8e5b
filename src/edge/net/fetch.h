#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "edge/net/http.h"

namespace forewarm {

/// A request to any server on the net, for commands and threads that may wait: TLS and proxies (HTTPS_PROXY
/// and its like) are libcurl's business; redirects are not followed.
struct FetchRequest {
  std::string method = "GET";
  std::string url;
  HttpHeaders headers{};
  std::string body{};
};

/// How far a request came that got no answer.
struct FetchCourse {
  bool sent = false;       ///< a connection was made and the request begun: it may have been acted upon
  bool timed_out = false;  ///< the time was over; else nothing could be reached, or the connection broke
};

struct FetchOptions {
  std::chrono::milliseconds timeout{60'000};
  std::chrono::milliseconds connect_timeout{0};  ///< within it, until there is a connection; 0: the whole
  std::chrono::seconds silence_max{0};           ///< in which nothing comes or goes; 0: the whole
  std::size_t body_max_bytes = 256U << 20;
  std::string ca_file{};                  ///< PEM file of who is trusted; empty: the system's
  std::stop_token stop{};                 ///< asked for: no answer, soon
  std::shared_ptr<FetchCourse> course{};  ///< filled where there was no answer; null: nobody asks
};

/// Blocks until there is an answer of any status. Invalid for what is no URL, or where egress does not allow
/// it; Io, with the server and the
/// reason, when there was no answer; Exhausted when it is larger than `body_max_bytes`, or its headers than
/// 256 KiB.
Result<HttpResponse> fetch(const FetchRequest& request, const FetchOptions& options = {});

inline constexpr int kFetchTries = 5;
/// The same, but what is busy or stumbles (429, 5xx, a server that throttles or cannot be reached) is asked
/// again, a little later each time, of which a part is chance, up to kFetchTries times. Each try is a new
/// request, so that what is signed has a new signature; where none can be made, that is the answer.
Result<HttpResponse> fetch_patiently(const std::function<Result<FetchRequest>()>& request,
                                     const FetchOptions& options = {});

}  // namespace forewarm
