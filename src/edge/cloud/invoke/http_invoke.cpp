#include "edge/cloud/invoke/http_invoke.h"

#include <fstream>

namespace forewarm {
namespace {

constexpr std::size_t kKeyMaxBytes = 4096;

class HttpProtocol final : public RemoteProtocol {
 public:
  explicit HttpProtocol(HttpFunction function) : function_(std::move(function)) {}

  Result<FetchRequest> request(const RemoteCall& call) override {
    FetchRequest request = http_function_request(function_.url, call);
    if (!function_.key) return request;
    auto key = function_.key();
    if (!key) return std::unexpected(key.error());
    request.headers.push_back(std::move(*key));
    return request;
  }

  RemoteOutcome outcome(HttpResponse answer) const override {
    RemoteOutcome outcome = read_http_answer(std::move(answer), function_.key != nullptr);
    if (outcome.credentials_refused && !function_.when_forbidden.empty())
      outcome.error_message += " (" + function_.when_forbidden + ")";
    return outcome;
  }

  RemoteEnd when_broken() const override { return RemoteEnd::Failed; }

  void renew() override {
    if (function_.renew_key) function_.renew_key();
  }

 private:
  const HttpFunction function_;
};

}  // namespace

HttpFunctionKey functions_key_in(std::string path) {
  return [path = std::move(path)]() -> Result<std::pair<std::string, std::string>> {
    std::ifstream file(path);
    std::string key;
    if (!std::getline(file, key) || key.empty())
      return error(ErrorCode::NotFound, "remote.key_file: there is no key in the first line of " + path);
    while (key.ends_with('\r') || key.ends_with(' ')) key.pop_back();
    for (const char c : key) {
      if (c <= ' ' || c >= 0x7f || key.size() > kKeyMaxBytes)
        return error(ErrorCode::Invalid, "remote.key_file: the first line of " + path + " is no key");
    }
    return std::pair<std::string, std::string>("x-functions-key", key);
  };
}

FetchRequest http_function_request(const std::string& url, const RemoteCall& call) {
  FetchRequest request{.method = "POST", .url = url, .headers = call.headers, .body = call.payload};
  if (find_header(request.headers, "Content-Type").empty())
    request.headers.emplace_back("Content-Type", "application/json");
  if (!call.request_id.empty()) request.headers.emplace_back("Function-Execution-Id", call.request_id);
  return request;
}

RemoteOutcome read_http_answer(HttpResponse answer, bool keyed) {
  const unsigned status = answer.status;
  if (status >= 200 && status <= 299)
    return {.end = RemoteEnd::Succeeded, .response = std::move(answer.body)};
  RemoteOutcome outcome{.end = RemoteEnd::Failed,
                        .error_type = "Handler.Status" + std::to_string(status),
                        .error_message = remote_words(answer.body)};
  outcome.wait = retry_after(answer.headers);
  const std::string_view google = find_header(answer.headers, "X-Google-Status");
  if (!google.empty())
    outcome.error_message = "X-Google-Status " + remote_words(google) + ": " + outcome.error_message;
  if (status == 429) {
    outcome.end = RemoteEnd::Throttled;
  } else if (status == 502 || status == 503) {
    outcome.end = RemoteEnd::Unavailable;
  } else if (status == 504) {
    outcome.end = RemoteEnd::TimedOut;
  } else if (status >= 300 && status <= 399) {
    outcome.end = RemoteEnd::Refused;
    outcome.error_message = "it has moved to " + remote_words(find_header(answer.headers, "Location")) +
                            "; redirects are not followed, so give that as remote.url";
  } else if (keyed && (status == 401 || status == 403)) {
    outcome.end = RemoteEnd::Refused;
    outcome.credentials_refused = true;
  }
  return outcome;
}

std::unique_ptr<RemoteProtocol> make_http_protocol(HttpFunction function) {
  return std::make_unique<HttpProtocol>(std::move(function));
}

}  // namespace forewarm
