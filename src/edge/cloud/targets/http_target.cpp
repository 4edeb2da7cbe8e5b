#include "edge/cloud/targets/http_target.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <utility>

namespace forewarm {
namespace {

namespace json = boost::json;

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kAnswerBytesMax = 4U << 20;
constexpr std::chrono::minutes kPauseLongest(5);

/// Without the name and password that may be in it.
std::string without_user(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t end = std::min(url.find_first_of("/?#", begin), url.size());
  const std::size_t at = url.rfind('@', end);
  if (at == std::string::npos || at < begin || at >= end) return url;
  return url.substr(0, begin) + url.substr(at + 1);
}

/// Seconds (RFC 9110 section 10.2.3); a date there is as good as nothing.
std::chrono::seconds pause_asked_for(const HttpResponse& answer) {
  if (answer.status != 429 && answer.status != 503) return std::chrono::seconds(0);
  const std::string_view text = find_header(answer.headers, "Retry-After");
  unsigned wait = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), wait);
  const bool whole = code == std::errc() && end == text.data() + text.size() && !text.empty();
  return std::min(std::chrono::seconds(whole ? wait : 0), std::chrono::seconds(kPauseLongest));
}

class HttpTarget : public ScaleTarget {
 public:
  HttpTarget(std::unique_ptr<TargetTranslator> translator, HttpTargetOptions options)
      : translator_(std::move(translator)), options_(std::move(options)) {}

  bool readable() const override { return translator_->read().has_value(); }

  Result<TargetState> current(const std::stop_token& stop) override {
    std::optional<FetchRequest> request = translator_->read();
    if (!request) return error(ErrorCode::Conflict, "this target cannot say what it has");
    const Result<HttpResponse> answer = send(std::move(*request), stop);
    if (!answer) return std::unexpected(answer.error());
    return translator_->state(*answer);
  }

  Result<void> set(std::optional<std::uint32_t> instances, const std::stop_token& stop) override {
    if (!translator_->rewrites()) return change(translator_->write(instances), stop);
    std::unique_lock<std::mutex> alone;
    if (options_.one_at_a_time) alone = std::unique_lock(*options_.one_at_a_time);
    return change(rewritten(instances, stop), stop);
  }

  Result<void> put_back(const TargetState& found, const std::stop_token& stop) override {
    return translator_->rewrites() ? set(found.set, stop) : change(translator_->put_back(found), stop);
  }

  std::string request_text(std::optional<std::uint32_t> instances) const override {
    return text_of(translator_->write(instances));
  }

  std::string put_back_text(const TargetState& found) const override {
    return text_of(translator_->put_back(found));
  }

 private:
  Result<FetchRequest> rewritten(std::optional<std::uint32_t> instances, const std::stop_token& stop) {
    const Result<HttpResponse> there = send(translator_->read().value_or(FetchRequest()), stop);
    if (!there) return std::unexpected(there.error());
    return translator_->rewrite(*there, instances);
  }

  Result<void> change(Result<FetchRequest> request, const std::stop_token& stop) {
    if (!request) return std::unexpected(request.error());
    const Result<HttpResponse> answer = send(std::move(*request), stop);
    if (!answer) return std::unexpected(answer.error());
    if (answer->status < 200 || answer->status > 299) return std::unexpected(translator_->refusal(*answer));
    return translator_->taken(*answer);
  }

  static std::string text_of(const Result<FetchRequest>& request) {
    if (!request) return request.error().message;
    return request->method + " " + without_user(request->url) +
           (request->body.empty() ? "" : " " + request->body);
  }

  Result<HttpResponse> send(FetchRequest request, const std::stop_token& stop) {
    if (SteadyClock::now() < asked_to_wait_until_) return std::unexpected(asked_to_wait_);
    if (options_.authorise) {
      if (const Result<void> allowed = options_.authorise(request); !allowed)
        return std::unexpected(allowed.error());
    }
    Result<HttpResponse> answer = fetch(request, {.timeout = options_.timeout,
                                                  .body_max_bytes = kAnswerBytesMax,
                                                  .ca_file = options_.ca_file,
                                                  .stop = stop});
    if (answer && options_.refused && refuses_credentials(*answer)) options_.refused();
    if (const std::chrono::seconds pause = answer ? pause_asked_for(*answer) : std::chrono::seconds(0);
        pause > std::chrono::seconds(0)) {
      asked_to_wait_until_ = SteadyClock::now() + pause;
      asked_to_wait_ = refusal_of(*answer).error();
      asked_to_wait_.code = ErrorCode::Exhausted;
    }
    return answer;
  }

  std::unique_ptr<TargetTranslator> translator_;
  HttpTargetOptions options_;
  SteadyClock::time_point asked_to_wait_until_{};
  Error asked_to_wait_{};
};

}  // namespace

Result<FetchRequest> TargetTranslator::rewrite(const HttpResponse& /*read*/,
                                               std::optional<std::uint32_t> instances) const {
  return write(instances);
}

std::unique_ptr<ScaleTarget> make_http_target(std::unique_ptr<TargetTranslator> translator,
                                              HttpTargetOptions options) {
  return std::make_unique<HttpTarget>(std::move(translator), std::move(options));
}

FetchRequest json_request(std::string method, std::string url, std::string body) {
  return {.method = std::move(method),
          .url = std::move(url),
          .headers = {{"Content-Type", "application/json"}},
          .body = std::move(body)};
}

bool has_path_parts(std::string_view path, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) {
    const std::string_view found = path.substr(0, path.find('/'));
    const bool plain = found.find_first_of("?#% ") == std::string_view::npos;
    if (found.empty() || !plain || (!part.empty() && found != part)) return false;
    path.remove_prefix(std::min(path.size(), found.size() + 1));
  }
  return path.empty();
}

Result<std::optional<std::uint32_t>> count_in(std::string_view body, const char* pointer) {
  boost::system::error_code failed;
  const json::value document = json::parse(json::string_view(body.data(), body.size()), failed);
  if (failed || !document.is_object())
    return error(ErrorCode::Invalid,
                 "expected a JSON object, got '" + printable_start(body.substr(0, 80)) + "'");
  const json::value* found = document.find_pointer(pointer, failed);
  if (found == nullptr || !found->is_number()) return std::optional<std::uint32_t>();
  const auto number = found->to_number<std::uint32_t>(failed);
  return failed ? std::optional<std::uint32_t>() : std::optional(number);
}

}  // namespace forewarm
