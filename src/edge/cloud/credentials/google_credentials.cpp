#include "edge/cloud/credentials/google_credentials.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include "edge/cloud/credentials/jwt.h"
#include "edge/cloud/credentials/refreshed.h"
#include "edge/net/fetch.h"

namespace forewarm {
namespace {

namespace json = boost::json;

using Token = Result<Expiring<std::string>>;

constexpr const char* kTokenUri = "https://oauth2.googleapis.com/token";
constexpr const char* kAccountPath = "/computeMetadata/v1/instance/service-accounts/default/";
constexpr std::chrono::seconds kJwtLife{3600};
constexpr std::chrono::seconds kLifeUnsaid{600};
constexpr std::int64_t kLifeSecondsMax = 86'400;

/// What a token is to be good for: one of them.
struct TokenPurpose {
  std::string scope{};
  std::string audience{};  ///< an ID token

  bool is_id() const { return !audience.empty(); }
};

std::string json_text(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Token id_token(std::string token, TimePoint now, const std::string& whom) {
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  const std::optional<TimePoint> until = jwt_expiry(token);
  if (!until) return error(ErrorCode::Corrupt, whom + ": the answer has no ID token that runs out");
  if (*until <= now)
    return error(ErrorCode::Corrupt,
                 whom + ": the ID token has run out already; look at this machine's clock");
  return Expiring<std::string>{std::move(token), until};
}

/// "expires_in", which some write as a text. Where nobody says, it is held for a while: one that is not held
/// at all would be asked for with each request.
std::chrono::seconds token_life(const json::object& answer) {
  boost::system::error_code failure;
  const auto* said = answer.if_contains("expires_in");
  std::int64_t life = 0;
  if (said != nullptr && said->is_number()) life = said->to_number<std::int64_t>(failure);
  if (const std::string text = json_text(answer, "expires_in"); !text.empty())
    std::from_chars(text.data(), text.data() + text.size(), life);
  return life > 0 ? std::chrono::seconds(std::min(life, kLifeSecondsMax)) : kLifeUnsaid;
}

/// {"access_token", "expires_in"} (RFC 6749 section 5.1), or {"id_token"}.
Token parse_token(const std::string& text, bool id, TimePoint now, const std::string& whom) {
  boost::system::error_code failure;
  const auto value = json::parse(text, failure);
  const auto* object = failure ? nullptr : value.if_object();
  if (id) return id_token(object == nullptr ? "" : json_text(*object, "id_token"), now, whom);
  const std::string token = object == nullptr ? "" : json_text(*object, "access_token");
  if (token.empty()) return error(ErrorCode::Corrupt, whom + ": the answer has no access_token");
  return Expiring<std::string>{token, now + token_life(*object)};
}

/// "invalid_grant: ..." (RFC 6749 section 5.2); nothing of any other text.
std::string token_failure(const std::string& text) {
  boost::system::error_code failure;
  const auto value = json::parse(text, failure);
  if (failure || !value.is_object()) return "";
  const std::string code = json_text(value.get_object(), "error");
  return code.empty() ? "" : ", " + code + ": " + json_text(value.get_object(), "error_description");
}

class GoogleSearch {
 public:
  GoogleSearch(const CredentialSurroundings& surroundings, const TokenPurpose& purpose,
               const std::stop_token& stop)
      : surroundings_(surroundings), purpose_(purpose), stop_(stop) {}

  Token run() {
    if (const auto path = surroundings_.variable("GOOGLE_APPLICATION_CREDENTIALS"); !path.empty())
      return of_file(path);
    std::string folder = surroundings_.variable("CLOUDSDK_CONFIG");
    if (folder.empty()) folder = surroundings_.variable("HOME") + "/.config/gcloud";
    const std::string path = folder + "/application_default_credentials.json";
    if (std::ifstream(path).good()) return of_file(path);
    return of_metadata(path);
  }

 private:
  Token of_file(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    boost::system::error_code failure;
    const auto value = json::parse(text.str(), failure);
    const auto* object = failure ? nullptr : value.if_object();
    if (!file.good() || object == nullptr)
      return error(ErrorCode::NotFound,
                   "Google's credentials file " + path + " cannot be read, or is no JSON object");
    const std::string type = json_text(*object, "type");
    if (type == "service_account") return of_service_account(*object, path);
    if (type == "authorized_user") return of_user(*object, path);
    return error(ErrorCode::Invalid, "Google's credentials file " + path + " has the type '" + type +
                                         "'; expected service_account or authorized_user");
  }

  Token of_service_account(const json::object& key, const std::string& path) {
    std::string uri = json_text(key, "token_uri");
    if (uri.empty()) uri = kTokenUri;
    const auto issued = std::chrono::floor<std::chrono::seconds>(surroundings_.now().time_since_epoch());
    json::object claims{{"iss", json_text(key, "client_email")}, {"aud", uri}};
    claims["iat"] = issued.count();
    claims["exp"] = (issued + kJwtLife).count();
    if (purpose_.is_id()) {
      claims["sub"] = claims["iss"];
      claims["target_audience"] = purpose_.audience;
    } else {
      claims["scope"] = purpose_.scope;
    }
    const auto jwt =
        sign_jwt(json::serialize(json::object{
                     {"alg", "RS256"}, {"typ", "JWT"}, {"kid", json_text(key, "private_key_id")}}),
                 json::serialize(claims), json_text(key, "private_key"));
    if (!jwt) return error(jwt.error().code, path + ": " + jwt.error().message);
    return exchange(uri, "grant_type=" + percent_encode("urn:ietf:params:oauth:grant-type:jwt-bearer") +
                             "&assertion=" + *jwt);
  }

  Token of_user(const json::object& user, const std::string& path) {
    if (purpose_.is_id())
      return error(
          ErrorCode::Invalid,
          path + " is a person's, who has no ID tokens for functions; use a service account's key file");
    const std::string refresh = json_text(user, "refresh_token");
    if (refresh.empty()) return error(ErrorCode::Invalid, path + " has no refresh_token");
    std::string uri = json_text(user, "token_uri");
    if (uri.empty()) uri = kTokenUri;
    return exchange(uri,
                    "grant_type=refresh_token&client_id=" + percent_encode(json_text(user, "client_id")) +
                        "&client_secret=" + percent_encode(json_text(user, "client_secret")) +
                        "&refresh_token=" + percent_encode(refresh));
  }

  Token exchange(const std::string& uri, const std::string& form) {
    FetchRequest request{.method = "POST", .url = uri, .body = form};
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    return ask(request, "Google's token server " + uri);
  }

  /// No answer at all: this is no machine of Google's.
  Token of_metadata(const std::string& looked) {
    std::string host = surroundings_.variable("GCE_METADATA_HOST");
    if (host.empty()) host = "metadata.google.internal";
    FetchRequest request{.url = "http://" + host + kAccountPath + "token"};
    if (purpose_.is_id())
      request.url = "http://" + host + kAccountPath +
                    "identity?audience=" + percent_encode(purpose_.audience) + "&format=full";
    request.headers = {{"Metadata-Flavor", "Google"}};
    auto token = ask(request, "the metadata server " + host);
    if (token || token.error().code != ErrorCode::Io) return token;
    return error(ErrorCode::NotFound,
                 "there are no credentials for Google: set GOOGLE_APPLICATION_CREDENTIALS to a service "
                 "account's key file, or run `gcloud auth application-default login` (looked for " +
                     looked + ", and for the metadata server " + host + ")");
  }

  Token ask(const FetchRequest& request, const std::string& whom) {
    FetchOptions options;
    options.timeout = std::chrono::seconds(5);
    options.stop = stop_;
    const auto answer = request.body.empty() ? fetch(request, options)
                                             : fetch_patiently([&request] { return request; }, options);
    if (!answer) return error(answer.error().code, whom + ": " + answer.error().message);
    if (answer->status != 200)
      return error(ErrorCode::NotFound, whom + " answered with status " + std::to_string(answer->status) +
                                            token_failure(answer->body));
    const TimePoint now = surroundings_.now();
    // The metadata server gives the token as it is.
    if (purpose_.is_id() && request.body.empty()) return id_token(answer->body, now, whom);
    return parse_token(answer->body, purpose_.is_id(), now, whom);
  }

  const CredentialSurroundings& surroundings_;
  const TokenPurpose& purpose_;
  const std::stop_token& stop_;
};

class GoogleDefault final : public GoogleTokenSource {
 public:
  GoogleDefault(TokenPurpose purpose, CredentialSurroundings surroundings)
      : purpose_(std::move(purpose)),
        surroundings_(std::move(surroundings)),
        refreshed_({.now = surroundings_.now}, [this](const std::stop_token& stop) {
          return GoogleSearch(surroundings_, purpose_, stop).run();
        }) {}
  Result<std::string> get() override { return refreshed_.get(); }
  void renew() override { refreshed_.expire(); }

 private:
  const TokenPurpose purpose_;
  const CredentialSurroundings surroundings_;
  Refreshed<std::string> refreshed_;
};

}  // namespace

std::shared_ptr<GoogleTokenSource> make_google_credentials(std::string scope,
                                                           CredentialSurroundings surroundings) {
  return std::make_shared<GoogleDefault>(TokenPurpose{.scope = std::move(scope)}, std::move(surroundings));
}

std::shared_ptr<GoogleTokenSource> make_google_id_tokens(std::string audience,
                                                         CredentialSurroundings surroundings) {
  return std::make_shared<GoogleDefault>(TokenPurpose{.audience = std::move(audience)},
                                         std::move(surroundings));
}

}  // namespace forewarm
