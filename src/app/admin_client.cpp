#include "app/admin_client.h"

#include <boost/json.hpp>
#include <optional>

#include "app/sqs_client.h"

namespace forewarm {
namespace {

std::string words_of(const HttpResponse& response) {
  boost::system::error_code code;
  const boost::json::value parsed = boost::json::parse(response.body, code);
  if (!code && parsed.is_object()) {
    for (const char* key : {"detail", "message"}) {
      const boost::json::value* text = parsed.as_object().if_contains(key);
      if (text != nullptr && text->is_string()) return std::string(text->as_string());
    }
  }
  return "the server answered with HTTP status " + std::to_string(response.status);
}

}  // namespace

Result<HttpResponse> call_server(const std::string& url, HttpRequest request) {
  const Result<Endpoint> endpoint = parse_url(url);
  if (!endpoint) return std::unexpected(endpoint.error());
  Loop loop;
  const auto client = HttpClient::make(loop, {.server = *endpoint, .connections_max = 1});
  std::optional<Result<HttpResponse>> answer;
  client->request(std::move(request), [&](Result<HttpResponse> response) {
    answer = std::move(response);
    loop.wake();
  });
  const auto give_up = Loop::Clock::now() + std::chrono::minutes(1);
  while (!answer && Loop::Clock::now() < give_up) loop.run_until(give_up);
  if (!answer || !*answer) {
    return error(ErrorCode::Io, url +
                                    " does not answer. Start a server with: forewarm serve, or name another "
                                    "with --endpoint and --admin-endpoint");
  }
  if ((*answer)->status >= 400) {
    return error((*answer)->status == 404 ? ErrorCode::NotFound : ErrorCode::Invalid, words_of(**answer));
  }
  return std::move(*answer);
}

}  // namespace forewarm
