#include "edge/cloud/service_call.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/random.h"

namespace forewarm {
namespace {

constexpr std::size_t kServiceAnswerBytesMax = 64U << 20;
constexpr std::chrono::milliseconds kPauseFirst(250);

bool says_any(const std::string& body, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words,
                             [&](std::string_view word) { return body.find(word) != std::string::npos; });
}

bool is_throttled(const HttpResponse& answer) {
  return answer.status == 400 &&
         says_any(answer.body, {"Throttl", "RequestLimitExceeded", "ConcurrentUpdateException"});
}

Result<std::string> ask_once(const ServiceAccess& access, const FetchRequest& request,
                             const std::stop_token& stop) {
  for (bool renewed = false;; renewed = true) {
    FetchRequest allowed = request;
    if (access.authorise) {
      if (const Result<void> let_in = access.authorise(allowed); !let_in)
        return std::unexpected(let_in.error());
    }
    Result<HttpResponse> answer = fetch(allowed, {.timeout = access.timeout,
                                                  .body_max_bytes = kServiceAnswerBytesMax,
                                                  .ca_file = access.ca_file,
                                                  .stop = stop});
    if (!answer) return std::unexpected(answer.error());
    if (answer->status == 200) return std::move(answer->body);
    if (refuses_credentials(*answer) && access.renew) {
      access.renew();
      if (!renewed) continue;
    }
    const Error refusal = refusal_of(*answer).error();
    return error(is_throttled(*answer) ? ErrorCode::Exhausted : refusal.code, refusal.message);
  }
}

/// False: it is over before.
bool pause_for(std::chrono::milliseconds pause, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any over;
  std::unique_lock lock(mutex);
  over.wait_for(lock, stop, pause, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace

Result<std::string> ask_service(const ServiceAccess& access, const FetchRequest& request, int tries,
                                const std::stop_token& stop) {
  Random random(static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()));
  std::chrono::milliseconds pause = kPauseFirst;
  while (true) {
    Result<std::string> answer = ask_once(access, request, stop);
    const bool may_pass =
        !answer && (answer.error().code == ErrorCode::Exhausted || answer.error().code == ErrorCode::Io);
    if (!may_pass || --tries <= 0) return answer;
    const auto by_chance = static_cast<std::chrono::milliseconds::rep>(static_cast<double>(pause.count()) *
                                                                       (0.5 + random.uniform()));
    if (!pause_for(std::chrono::milliseconds(by_chance), stop)) return answer;
    pause *= 2;
  }
}

}  // namespace forewarm
