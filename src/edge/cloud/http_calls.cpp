#include "edge/cloud/http_calls.h"

#include <algorithm>
#include <utility>

namespace forewarm {

bool HttpCalls::may_pass(const Result<HttpResponse>& answer) {
  if (!answer) return answer.error().code == ErrorCode::Io;
  return answer->status == 408 || answer->status == 429 || answer->status >= 500;
}

void HttpCalls::start(Call call, Done done) {
  ++started_;
  // Not in here: whoever starts a call is not called back before it has gone on.
  due_.emplace(Clock::now(),
               [this, begun = std::make_shared<Begun>(std::move(call), std::move(done))] { attempt(begun); });
}

void HttpCalls::attempt(const std::shared_ptr<Begun>& begun) {
  ++begun->tries;
  auto request = begun->call.request();
  if (!request) return end(*begun, std::unexpected(request.error()));
  FetchOptions options;
  options.timeout = begun->call.timeout;
  options.connect_timeout = begun->call.connect_timeout;
  options.body_max_bytes = begun->call.body_max_bytes;
  options.course = begun->call.course;
  options.ca_file = options_.ca_file;
  session_.start(std::move(*request), std::move(options),
                 [this, begun](Result<HttpResponse> answer) { answered(begun, std::move(answer)); });
}

void HttpCalls::answered(const std::shared_ptr<Begun>& begun, Result<HttpResponse> answer) {
  if (begun->tries >= begun->call.tries || !begun->call.passing(answer))
    return end(*begun, std::move(answer));
  due_.emplace(Clock::now() + pause_after(begun->tries), [this, begun] { attempt(begun); });
}

void HttpCalls::end(const Begun& begun, Result<HttpResponse> answer) {
  --started_;
  begun.done(std::move(answer));
}

// Between nothing and twice as long each time ("full jitter": Brooker, "Exponential Backoff And Jitter").
std::chrono::milliseconds HttpCalls::pause_after(int tries) {
  const auto most =
      std::min(options_.pause_first.count() << std::min(tries, 20), options_.pause_longest.count());
  return std::chrono::milliseconds(random_.below(static_cast<std::uint64_t>(most) + 1));
}

void HttpCalls::run(std::chrono::milliseconds at_most) {
  const auto now = Clock::now();
  bool begun = false;
  while (!due_.empty() && due_.begin()->first <= now) {
    const auto task = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    task();
    begun = true;
  }
  if (begun) at_most = std::chrono::milliseconds(0);
  if (!due_.empty()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due_.begin()->first - now);
    at_most = std::clamp(left, std::chrono::milliseconds(0), at_most);
  }
  session_.run(at_most);
}

void HttpCalls::drop_all() {
  due_.clear();
  session_.drop_all();
  started_ = 0;
}

}  // namespace forewarm
