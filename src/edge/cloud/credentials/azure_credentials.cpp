#include "edge/cloud/credentials/azure_credentials.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "edge/cloud/credentials/azure_answers.h"
#include "edge/cloud/credentials/refreshed.h"
#include "edge/net/fetch.h"

namespace forewarm {
namespace {

using AzureToken = Result<Expiring<std::string>>;

constexpr const char* kEntra = "https://login.microsoftonline.com";
constexpr const char* kInstanceMetadata = "http://169.254.169.254";

std::string without_slashes(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  return text;
}

/// Secrets go by HTTPS, or not off this machine.
bool may_carry_secrets(const std::string& url) {
  if (url.starts_with("https://")) return true;
  if (!url.starts_with("http://")) return false;
  const std::string rest = url.substr(7);
  const std::string host = rest.substr(0, rest.find_first_of("/:?#@"));
  return rest.find('@') == std::string::npos && (host == "127.0.0.1" || host == "localhost");
}

class AzureSearch {
 public:
  AzureSearch(const CredentialSurroundings& surroundings, const std::string& resource,
              const std::stop_token& stop)
      : surroundings_(surroundings),
        resource_(resource),
        stop_(stop),
        tenant_(surroundings.variable("AZURE_TENANT_ID")),
        client_(surroundings.variable("AZURE_CLIENT_ID")) {}

  AzureToken run() {
    const bool named = !tenant_.empty() && !client_.empty();
    if (const auto secret = surroundings_.variable("AZURE_CLIENT_SECRET"); named && !secret.empty())
      return of_entra("client_secret=" + percent_encode(secret));
    if (const auto path = surroundings_.variable("AZURE_FEDERATED_TOKEN_FILE"); named && !path.empty())
      return of_workload(path);
    if (const auto endpoint = surroundings_.variable("IDENTITY_ENDPOINT"); !endpoint.empty())
      return of_app_service(endpoint);
    return of_machine();
  }

 private:
  /// The client credentials grant of RFC 6749 section 4.4, with whatever proves the client.
  AzureToken of_entra(const std::string& proof) {
    std::string host = without_slashes(surroundings_.variable("AZURE_AUTHORITY_HOST"));
    if (host.empty()) host = kEntra;
    if (!may_carry_secrets(host))
      return error(ErrorCode::Invalid, "AZURE_AUTHORITY_HOST is \"" + host +
                                           "\": expected https://..., since secrets are sent there");
    FetchRequest request{.method = "POST",
                         .url = host + "/" + percent_encode(tenant_) + "/oauth2/v2.0/token"};
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    request.body = "grant_type=client_credentials&client_id=" + percent_encode(client_) +
                   "&scope=" + percent_encode(resource_ + "/.default") + "&" + proof;
    return ask(request, "Entra ID at " + host);
  }

  /// The file is replaced by Kubernetes every hour or so: it is read each time.
  AzureToken of_workload(const std::string& path) {
    std::ifstream file(path);
    std::string token{std::istreambuf_iterator<char>(file), {}};
    while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
    if (token.empty())
      return error(ErrorCode::NotFound,
                   "AZURE_FEDERATED_TOKEN_FILE " + path + " cannot be read, or is empty");
    return of_entra(
        "client_assertion_type=" + percent_encode("urn:ietf:params:oauth:client-assertion-type:jwt-bearer") +
        "&client_assertion=" + percent_encode(token));
  }

  AzureToken of_app_service(const std::string& endpoint) {
    const std::string header = surroundings_.variable("IDENTITY_HEADER");
    FetchRequest request{.url = endpoint + (endpoint.find('?') == std::string::npos ? "?" : "&") +
                                "api-version=2019-08-01&" + identity_query()};
    request.headers = {{"X-IDENTITY-HEADER", header}};
    return ask(request, "the managed identity's server at IDENTITY_ENDPOINT");
  }

  /// No answer at all: this is no machine of Azure's.
  AzureToken of_machine() {
    std::string host = without_slashes(surroundings_.variable("AZURE_POD_IDENTITY_AUTHORITY_HOST"));
    if (host.empty()) host = kInstanceMetadata;
    FetchRequest request{.url = host + "/metadata/identity/oauth2/token?api-version=2018-02-01&" +
                                identity_query()};
    request.headers = {{"Metadata", "true"}};
    auto token = ask(request, "the instance metadata server " + host);
    if (token || token.error().code != ErrorCode::Io) return token;
    return error(ErrorCode::NotFound,
                 "there are no credentials for Azure: set AZURE_TENANT_ID, AZURE_CLIENT_ID and "
                 "AZURE_CLIENT_SECRET, or give this machine or pod a managed identity (looked for these, for "
                 "AZURE_FEDERATED_TOKEN_FILE, for IDENTITY_ENDPOINT, and for the instance metadata server " +
                     host + ")");
  }

  std::string identity_query() const {
    return "resource=" + percent_encode(resource_) +
           (client_.empty() ? std::string() : "&client_id=" + percent_encode(client_));
  }

  AzureToken ask(const FetchRequest& request, const std::string& whom) {
    FetchOptions options;
    options.timeout = std::chrono::seconds(5);
    options.body_max_bytes = 1U << 20;
    options.stop = stop_;
    const auto answer = request.body.empty() ? fetch(request, options)
                                             : fetch_patiently([&request] { return request; }, options);
    if (!answer) return error(answer.error().code, whom + ": " + answer.error().message);
    if (answer->status != 200)
      return error(ErrorCode::NotFound, whom + " answered with status " + std::to_string(answer->status) +
                                            azure_token_failure(answer->body));
    auto token = parse_azure_token(answer->body, surroundings_.now());
    if (!token) return error(token.error().code, whom + ": " + token.error().message);
    return token;
  }

  const CredentialSurroundings& surroundings_;
  const std::string& resource_;
  const std::stop_token& stop_;
  const std::string tenant_;
  const std::string client_;
};

class AzureDefault final : public AzureTokenSource {
 public:
  AzureDefault(std::string resource, CredentialSurroundings surroundings)
      : resource_(std::move(resource)),
        surroundings_(std::move(surroundings)),
        refreshed_({.now = surroundings_.now}, [this](const std::stop_token& stop) {
          return AzureSearch(surroundings_, resource_, stop).run();
        }) {}
  Result<std::string> get() override { return refreshed_.get(); }
  void renew() override { refreshed_.expire(); }

 private:
  const std::string resource_;
  const CredentialSurroundings surroundings_;
  Refreshed<std::string> refreshed_;
};

}  // namespace

std::shared_ptr<AzureTokenSource> make_azure_credentials(std::string resource,
                                                         CredentialSurroundings surroundings) {
  return std::make_shared<AzureDefault>(std::move(resource), std::move(surroundings));
}

}  // namespace forewarm
