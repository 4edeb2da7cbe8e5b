#include "edge/cloud/targets/http_target.h"

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <utility>

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::size_t kAnswerBytesMax = 4U << 20;
constexpr std::size_t kWordsMax = 300;

/// Control characters would go into logs.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kWordsMax)) out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

/// Kubernetes and AWS say "message", some services of AWS "Message", problem+json "detail"; Google and Azure
/// say "message" in "error".
std::string words_of(const std::string& body) {
  boost::system::error_code failed;
  const json::value document = json::parse(body, failed);
  if (failed || !document.is_object()) return printable(body);
  if (const json::value* words = document.find_pointer("/error/message", failed);
      words != nullptr && words->is_string())
    return printable(words->get_string());
  for (const char* name : {"message", "Message", "detail", "error"}) {
    const json::value* found = document.get_object().if_contains(name);
    if (found != nullptr && found->is_string()) return printable(found->get_string());
  }
  return printable(body);
}

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

Authorisation bearer_token_in(std::string path) {
  if (path.empty()) return {};
  return [path = std::move(path)](FetchRequest& request) -> Result<void> {
    std::ifstream file(path);
    std::string token;
    if (!std::getline(file, token) || token.empty())
      return error(ErrorCode::NotFound, "token_file: there is no token in " + path);
    while (token.ends_with('\r') || token.ends_with(' ')) token.pop_back();
    request.headers.emplace_back("Authorization", "Bearer " + token);
    return {};
  };
}

Authorisation bearer_token_of(std::function<Result<std::string>()> token) {
  return [token = std::move(token)](FetchRequest& request) -> Result<void> {
    const Result<std::string> got = token();
    if (!got) return std::unexpected(got.error());
    request.headers.emplace_back("Authorization", "Bearer " + *got);
    return {};
  };
}

Authorisation aws_signed(std::function<Result<AwsCredentials>()> credentials, std::string region,
                         std::string service) {
  return [credentials = std::move(credentials), region = std::move(region),
          service = std::move(service)](FetchRequest& request) -> Result<void> {
    const Result<AwsCredentials> found = credentials();
    if (!found) return std::unexpected(found.error());
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    sign(
        request, *found,
        {.region = region, .service = service, .time = TimePoint(std::chrono::duration_cast<Duration>(now))});
    return {};
  };
}

std::unique_ptr<ScaleTarget> make_http_target(std::unique_ptr<TargetTranslator> translator,
                                              HttpTargetOptions options) {
  return std::make_unique<HttpTarget>(std::move(translator), std::move(options));
}

std::unexpected<Error> refusal_of(const HttpResponse& answer) {
  const std::string words = words_of(answer.body);
  std::string text = "status " + std::to_string(answer.status) + (words.empty() ? "" : ": " + words);
  if (answer.status == 401) text += " (is the token or the key right, and not expired?)";
  if (answer.status == 403) text += " (whose token or key it is may not do this)";
  const bool later = answer.status == 408 || answer.status == 429 || answer.status >= 500;
  return error(later                  ? ErrorCode::Exhausted
               : answer.status == 404 ? ErrorCode::NotFound
                                      : ErrorCode::Invalid,
               std::move(text));
}

Result<std::optional<std::uint32_t>> count_in(std::string_view body, const char* pointer) {
  boost::system::error_code failed;
  const json::value document = json::parse(json::string_view(body.data(), body.size()), failed);
  if (failed || !document.is_object())
    return error(ErrorCode::Invalid, "expected a JSON object, got '" + printable(body.substr(0, 80)) + "'");
  const json::value* found = document.find_pointer(pointer, failed);
  if (found == nullptr || !found->is_number()) return std::optional<std::uint32_t>();
  const auto number = found->to_number<std::uint32_t>(failed);
  return failed ? std::optional<std::uint32_t>() : std::optional(number);
}

}  // namespace forewarm
