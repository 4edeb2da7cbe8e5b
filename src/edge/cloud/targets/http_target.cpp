#include "edge/cloud/targets/http_target.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::size_t kAnswerBytesMax = 4U << 20;

/// Without the name and password that may be in it.
std::string without_user(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t end = std::min(url.find_first_of("/?#", begin), url.size());
  const std::size_t at = url.rfind('@', end);
  if (at == std::string::npos || at < begin || at >= end) return url;
  return url.substr(0, begin) + url.substr(at + 1);
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
    Result<FetchRequest> request = translator_->write(instances);
    if (!request) return std::unexpected(request.error());
    const Result<HttpResponse> answer = send(std::move(*request), stop);
    if (!answer) return std::unexpected(answer.error());
    if (answer->status < 200 || answer->status > 299) return refusal_of(*answer);
    return {};
  }

  std::string request_text(std::optional<std::uint32_t> instances) const override {
    const Result<FetchRequest> request = translator_->write(instances);
    if (!request) return request.error().message;
    return request->method + " " + without_user(request->url) +
           (request->body.empty() ? "" : " " + request->body);
  }

 private:
  Result<HttpResponse> send(FetchRequest request, const std::stop_token& stop) const {
    if (options_.authorise) {
      if (const Result<void> allowed = options_.authorise(request); !allowed)
        return std::unexpected(allowed.error());
    }
    Result<HttpResponse> answer = fetch(request, {.timeout = options_.timeout,
                                                  .body_max_bytes = kAnswerBytesMax,
                                                  .ca_file = options_.ca_file,
                                                  .stop = stop});
    if (answer && answer->status == 401 && options_.refused) options_.refused();
    return answer;
  }

  std::unique_ptr<TargetTranslator> translator_;
  HttpTargetOptions options_;
};

}  // namespace

std::unique_ptr<ScaleTarget> make_http_target(std::unique_ptr<TargetTranslator> translator,
                                              HttpTargetOptions options) {
  return std::make_unique<HttpTarget>(std::move(translator), std::move(options));
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
