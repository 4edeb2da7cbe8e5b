#include "app/remote_factory.h"

#include <algorithm>
#include <array>
#include <utility>

#include "edge/cloud/credentials/azure_credentials.h"
#include "edge/cloud/credentials/google_credentials.h"
#include "edge/cloud/invoke/http_invoke.h"
#include "edge/cloud/invoke/lambda_invoke.h"

namespace forewarm {
namespace {

constexpr std::string_view kAwsLambda = "aws-lambda";
constexpr std::string_view kAzure = "azure-functions";
constexpr std::string_view kGoogle = "google-functions";
constexpr std::string_view kHttp = "http";
constexpr std::array<std::string_view, 5> kElsewhere{kAwsLambda, kAzure, kGoogle, kHttp, kWorkersRuntime};
constexpr std::array<std::pair<std::string_view, EventFormat>, 3> kPayloads{
    {{"sqs", EventFormat::Sqs}, {"cloudevent", EventFormat::PubSub}, {"http", EventFormat::Task}}};
constexpr std::string_view kNoToken = "none";

struct UrlParts {
  bool https = false;
  std::string host{};
};

/// http or https, a host, no user; no host otherwise.
UrlParts parts_of(std::string_view url) {
  UrlParts parts{.https = url.starts_with("https://")};
  if (!parts.https && !url.starts_with("http://")) return parts;
  url.remove_prefix(parts.https ? 8 : 7);
  const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  const bool plain = std::ranges::all_of(url, [](char c) { return c > ' ' && c < 0x7f; });
  if (!plain || authority.find('@') != std::string_view::npos) return parts;
  const bool v6 = authority.starts_with('[');
  parts.host = authority.substr(0, v6 ? authority.find(']') + 1 : authority.find(':'));
  return parts;
}

bool is_this_machine(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

/// Google's services take the URL for the audience, without what follows the path; Azure's ask for no token
/// unless they are told to.
std::string audience_of(const FunctionConfig& function) {
  const RemoteConfig& remote = function.remote;
  if (function.runtime == kAzure) return remote.audience;
  if (function.runtime != kGoogle || remote.audience == kNoToken) return "";
  if (!remote.audience.empty()) return remote.audience;
  if (!parts_of(remote.url).https) return "";
  return remote.url.substr(0, remote.url.find_first_of("?#"));
}

/// What has no meaning elsewhere and would be forgotten in silence.
std::string check_local_keys(const FunctionConfig& function) {
  const auto has_none = [&](std::string_view key) {
    return "'" + function.name + "' runs elsewhere (runtime = \"" + function.runtime + "\") and has no " +
           std::string(key) + " here; take it out";
  };
  if (!function.command.empty()) return has_none("command");
  if (!function.handler.empty()) return has_none("handler");
  if (!function.environment.empty()) return has_none("environment");
  if (!function.working_directory.empty()) return has_none("working_directory");
  if (!function.variants.empty()) return has_none("[[function.variant]]");
  if (function.freeze_after > Duration(0)) return has_none("freeze_after");
  return "";
}

std::string check_workers(const FunctionConfig& function) {
  const RemoteConfig& remote = function.remote;
  if (remote.token_file.empty())
    return "'" + function.name +
           "' needs remote.token_file, whose first line its workers show. Make one with: openssl rand -hex "
           "32";
  if (remote.surplus != "keep" && remote.surplus != "end")
    return "'" + function.name + "': remote.surplus must be keep or end, not '" + remote.surplus + "'";
  RemoteConfig others;
  others.token_file = remote.token_file;
  others.surplus = remote.surplus;
  others.start_timeout = remote.start_timeout;
  if (!(remote == others))
    return "'" + function.name +
           "': of remote.*, workers have token_file, surplus and start_timeout only: they call here";
  return "";
}

std::string check_lambda(const FunctionConfig& function) {
  const RemoteConfig& remote = function.remote;
  const std::string of = "'" + function.name + "': ";
  if (remote.function.empty())
    return "'" + function.name + "' needs remote.function, the name or ARN of the Lambda function";
  if (const auto named = parse_lambda_name(remote.function); !named)
    return of + "remote.function: " + named.error().message;
  if (!remote.key_file.empty() || !remote.audience.empty())
    return of +
           "remote.key_file and remote.audience are not Lambda's; its credentials are found as the AWS "
           "SDKs find them";
  if (!remote.payload.empty() && remote.payload != kPayloads[0].first)
    return of + "remote.payload must be sqs: Lambda functions get SQS events";
  return "";
}

std::string check_http(const FunctionConfig& function) {
  const RemoteConfig& remote = function.remote;
  const std::string of = "'" + function.name + "': ";
  if (remote.url.empty()) return "'" + function.name + "' needs remote.url, where it takes its requests";
  if (!remote.function.empty()) return of + "remote.function is Lambda's; it is named by remote.url alone";
  if (!remote.wait) return of + "remote.wait = false is Lambda's alone";
  if (!remote.key_file.empty() && function.runtime != kAzure)
    return of + "remote.key_file is for runtime = \"azure-functions\"";
  if (!remote.audience.empty() && function.runtime != kGoogle && function.runtime != kAzure)
    return of + "remote.audience is for runtime = \"google-functions\" or \"azure-functions\"";
  if (!remote.audience.empty() && !remote.key_file.empty())
    return of + "remote.key_file and remote.audience are two ways in; give one";
  const auto known = [&](const auto& payload) { return payload.first == remote.payload; };
  if (!remote.payload.empty() && std::ranges::none_of(kPayloads, known))
    return of + "remote.payload must be sqs, cloudevent or http, not '" + remote.payload + "'";
  const bool secret = !remote.key_file.empty() || !audience_of(function).empty();
  const UrlParts url = parts_of(remote.url);
  if (secret && !url.https && !is_this_machine(url.host))
    return of + "remote.url must begin with https:// where a key or a token goes along";
  return "";
}

Result<std::unique_ptr<RemoteProtocol>> make_lambda_of(const FunctionConfig& function) {
  Result<LambdaFunction> lambda = parse_lambda_name(function.remote.function);
  if (!lambda) return std::unexpected(lambda.error());
  const CredentialSurroundings own = own_surroundings();
  if (lambda->region.empty()) lambda->region = find_aws_region(own);
  if (lambda->region.empty())
    return error(ErrorCode::NotFound, "'" + function.name +
                                          "': in which region is the Lambda function? Give its ARN as "
                                          "remote.function, or set AWS_REGION");
  lambda->endpoint = function.remote.url;
  if (lambda->endpoint.empty()) lambda->endpoint = own.variable("AWS_ENDPOINT_URL_LAMBDA");
  if (lambda->endpoint.empty()) lambda->endpoint = lambda_endpoint(lambda->region);
  while (lambda->endpoint.ends_with('/')) lambda->endpoint.pop_back();
  lambda->wait = function.remote.wait;
  return make_lambda_protocol(
      {.function = std::move(*lambda), .credentials = make_aws_credentials(), .now = own.now});
}

/// With the tokens of a source that can be told that one is refused.
template <class Source>
void show_token(HttpFunction& http, const std::shared_ptr<Source>& tokens) {
  http.renew_key = [tokens] { tokens->renew(); };
  http.key = [tokens]() -> Result<std::pair<std::string, std::string>> {
    auto token = tokens->get();
    if (!token) return std::unexpected(token.error());
    return std::pair<std::string, std::string>("Authorization", "Bearer " + *token);
  };
}

std::unique_ptr<RemoteProtocol> make_http_of(const FunctionConfig& function) {
  HttpFunction http{.url = function.remote.url};
  if (!function.remote.key_file.empty()) {
    http.key = functions_key_in(function.remote.key_file);
    http.when_forbidden = "look at the key in " + function.remote.key_file +
                          ": it is the function's own, or one of its app's host keys";
  }
  const std::string audience = audience_of(function);
  if (!audience.empty() && function.runtime == kAzure) {
    show_token(http, make_azure_credentials(audience));
    http.when_forbidden =
        "the app's authentication has to let this client in and take tokens for remote.audience '" +
        audience + "'";
  } else if (!audience.empty()) {
    show_token(http, make_google_id_tokens(audience));
    http.when_forbidden =
        "give the caller the role of docs/policies/cloud-run-invoke.json on the service; "
        "remote.audience is '" +
        audience + "'";
  }
  return make_http_protocol(std::move(http));
}

}  // namespace

bool runs_elsewhere(std::string_view runtime) {
  return std::ranges::find(kElsewhere, runtime) != kElsewhere.end();
}

EventFormat remote_format(const FunctionConfig& function) {
  for (const auto& [name, format] : kPayloads) {
    if (name == function.remote.payload) return format;
  }
  if (function.runtime == kAwsLambda || function.runtime == kWorkersRuntime) return EventFormat::Sqs;
  return function.runtime == kGoogle ? EventFormat::PubSub : EventFormat::Task;
}

std::string check_remote(const FunctionConfig& function) {
  if (!runs_elsewhere(function.runtime)) {
    if (function.remote == RemoteConfig{}) return "";
    return "'" + function.name + "' runs here (runtime = \"" + function.runtime +
           "\"); remote.* is for runtime = \"aws-lambda\", \"azure-functions\", \"google-functions\", "
           "\"http\" or \"workers\"";
  }
  if (std::string wrong = check_local_keys(function); !wrong.empty()) return wrong;
  if (function.runtime == kWorkersRuntime) return check_workers(function);
  if (!function.remote.token_file.empty())
    return "'" + function.name + "': remote.token_file is for runtime = \"workers\"";
  if (!function.remote.url.empty() && parts_of(function.remote.url).host.empty())
    return "'" + function.name +
           "': remote.url must be http:// or https:// and a host, without a user, not '" +
           function.remote.url + "'";
  return function.runtime == kAwsLambda ? check_lambda(function) : check_http(function);
}

Result<std::unique_ptr<RemoteFunction>> make_remote(const FunctionConfig& function) {
  std::unique_ptr<RemoteProtocol> protocol;
  if (function.runtime == kAwsLambda) {
    auto lambda = make_lambda_of(function);
    if (!lambda) return std::unexpected(lambda.error());
    protocol = std::move(*lambda);
  } else {
    protocol = make_http_of(function);
  }
  RemoteOptions options{.ca_file = function.remote.ca_file};
  options.connect_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(function.init_timeout);
  return make_remote_function(std::move(protocol), options);
}

}  // namespace forewarm
