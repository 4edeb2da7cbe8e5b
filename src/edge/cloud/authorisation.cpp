#include "edge/cloud/authorisation.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <fstream>
#include <utility>

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::size_t kWordsMax = 300;

/// What AWS calls it in its JSON protocols, without the namespace; empty: it has no name.
std::string name_of(const json::object& body) {
  const json::value* type = body.if_contains("__type");
  if (type == nullptr || !type->is_string()) return "";
  const std::string_view name = type->get_string();
  return printable_start(name.substr(name.rfind('#') + 1));
}

/// Kubernetes and AWS say "message", some services of AWS "Message", problem+json "detail"; Google and Azure
/// say "message" in "error".
std::string words_of(const std::string& body) {
  boost::system::error_code failed;
  const json::value document = json::parse(body, failed);
  if (failed || !document.is_object()) return printable_start(body);
  if (const json::value* words = document.find_pointer("/error/message", failed);
      words != nullptr && words->is_string())
    return printable_start(words->get_string());
  for (const char* name : {"message", "Message", "detail", "error"}) {
    const json::value* found = document.get_object().if_contains(name);
    if (found == nullptr || !found->is_string()) continue;
    const std::string called = name_of(document.get_object());
    return (called.empty() ? "" : called + ": ") + printable_start(found->get_string());
  }
  return printable_start(body);
}

}  // namespace

std::string printable_start(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kWordsMax)) out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

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

bool refuses_credentials(const HttpResponse& answer) {
  if (answer.status == 401) return true;
  if (answer.status != 400 && answer.status != 403) return false;
  // Of REST services (Lambda) the name is in a header, of the others in the body.
  const std::string_view type = find_header(answer.headers, "X-Amzn-ErrorType");
  constexpr std::array<std::string_view, 4> kNames = {"ExpiredToken", "RequestExpired",
                                                      "InvalidClientTokenId", "UnrecognizedClientException"};
  return std::ranges::any_of(kNames, [&](std::string_view name) {
    return type.find(name) != std::string_view::npos || answer.body.find(name) != std::string::npos;
  });
}

}  // namespace forewarm
