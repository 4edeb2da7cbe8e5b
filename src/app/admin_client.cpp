#include "app/admin_client.h"

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "app/sqs_client.h"
#include "edge/net/fetch.h"

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

namespace {

Result<HttpResponse> ask_in_the_clear(const std::string& url, HttpRequest request) {
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
  if (answer && *answer) return std::move(*answer);
  return error(ErrorCode::Io, url + " does not answer");
}

Result<HttpResponse> ask_over_tls(const std::string& url, HttpRequest request) {
  FetchRequest asked{.method = request.method, .url = url + request.path};
  if (!request.query.empty()) asked.url += "?" + request.query;
  asked.headers = std::move(request.headers);
  asked.body = std::move(request.body);
  FetchOptions options;
  if (const char* file = std::getenv("FOREWARM_CA_FILE")) options.ca_file = file;
  return fetch(asked, options);
}

}  // namespace

Result<HttpResponse> call_server(const std::string& url, HttpRequest request) {
  Result<HttpResponse> answer = url.starts_with("https://") ? ask_over_tls(url, std::move(request))
                                                            : ask_in_the_clear(url, std::move(request));
  if (!answer && answer.error().code != ErrorCode::Invalid) {
    return error(ErrorCode::Io, answer.error().message +
                                    ". Start a server with: forewarm serve, or name another with --endpoint "
                                    "and --admin-endpoint");
  }
  if (!answer) return answer;
  if (answer->status >= 400)
    return error(answer->status == 404 ? ErrorCode::NotFound : ErrorCode::Invalid, words_of(*answer));
  return answer;
}

Result<HttpResponse> call_admin(const ServerAddress& server, HttpRequest request) {
  std::string token;
  if (!server.token_file.empty()) {
    std::ifstream file(server.token_file);
    if (!std::getline(file, token) || token.empty())
      return error(ErrorCode::Io, "--token-file: " + server.token_file + " cannot be read or is empty");
  } else if (const char* given = std::getenv("FOREWARM_TOKEN")) {
    token = given;
  }
  if (!token.empty()) request.headers.emplace_back("Authorization", "Bearer " + token);
  return call_server(server.admin, std::move(request));
}

}  // namespace forewarm
