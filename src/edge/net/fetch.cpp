#include "edge/net/fetch.h"

#include <random>
#include <thread>

#include "edge/net/fetch_transfer.h"
#include "edge/net/reconnect_backoff.h"

namespace forewarm {

Result<HttpResponse> fetch(const FetchRequest& request, const FetchOptions& options) {
  if (const auto allowed = check_egress_of(request.url); !allowed) return std::unexpected(allowed.error());
  const CurlEasy easy = make_curl_easy();
  if (!easy) return error(ErrorCode::Io, "libcurl cannot be started");
  FetchTransfer transfer(easy.get(), request, options);
  return transfer.finish(curl_easy_perform(easy.get()));
}

Result<HttpResponse> fetch_patiently(const std::function<Result<FetchRequest>()>& request,
                                     const FetchOptions& options) {
  ReconnectBackoff pauses(std::random_device{}(), {.first = std::chrono::milliseconds(400)});
  for (int tries = 1;; ++tries) {
    const Result<FetchRequest> made = request();
    if (!made) return std::unexpected(made.error());
    Result<HttpResponse> answer = fetch(*made, options);
    const auto says = [&answer](const char* text) { return answer->body.find(text) != std::string::npos; };
    const bool passing =
        answer ? answer->status == 429 || answer->status >= 500 ||
                     (answer->status == 400 && (says("Throttling") || says("<Code>RequestTimeout</Code>")))
               : answer.error().code == ErrorCode::Io;
    if (!passing || tries == kFetchTries || options.stop.stop_requested()) return answer;
    std::this_thread::sleep_for(pauses.next());
  }
}

}  // namespace forewarm
