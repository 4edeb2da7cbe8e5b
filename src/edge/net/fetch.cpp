#include "edge/net/fetch.h"

#include <random>
#include <thread>

#include "edge/net/fetch_transfer.h"
#include "edge/net/reconnect_backoff.h"

namespace forewarm {
namespace {

// What is asked again is not waited for while nothing comes or goes, however long a whole transfer may take.
constexpr long kSilenceSecondsMax = 30;

Result<HttpResponse> fetch_once(const FetchRequest& request, const FetchOptions& options,
                                long silence_seconds) {
  if (const auto allowed = check_egress_of(request.url); !allowed) return std::unexpected(allowed.error());
  const CurlEasy easy = make_curl_easy();
  if (!easy) return error(ErrorCode::Io, "libcurl cannot be started");
  FetchTransfer transfer(easy.get(), request, options);
  if (silence_seconds > 0) {
    curl_easy_setopt(easy.get(), CURLOPT_CONNECTTIMEOUT, silence_seconds);
    curl_easy_setopt(easy.get(), CURLOPT_LOW_SPEED_TIME, silence_seconds);
    curl_easy_setopt(easy.get(), CURLOPT_LOW_SPEED_LIMIT, 1L);  // bytes a second
  }
  return transfer.finish(curl_easy_perform(easy.get()));
}

}  // namespace

Result<HttpResponse> fetch(const FetchRequest& request, const FetchOptions& options) {
  return fetch_once(request, options, 0);
}

Result<HttpResponse> fetch_patiently(const std::function<Result<FetchRequest>()>& request,
                                     const FetchOptions& options) {
  ReconnectBackoff pauses(std::random_device{}(), {.first = std::chrono::milliseconds(400)});
  for (int tries = 1;; ++tries) {
    const Result<FetchRequest> made = request();
    if (!made) return std::unexpected(made.error());
    Result<HttpResponse> answer = fetch_once(*made, options, kSilenceSecondsMax);
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
