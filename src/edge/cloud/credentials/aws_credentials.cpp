#include "edge/cloud/credentials/aws_credentials.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

#include "edge/cloud/credentials/aws_answers.h"
#include "edge/cloud/credentials/aws_profile.h"
#include "edge/cloud/credentials/refreshed.h"

namespace forewarm {
namespace {

using Found = Result<Expiring<AwsCredentials>>;

constexpr std::chrono::milliseconds kMetadataTimeout{1'000};
constexpr std::chrono::milliseconds kServerTimeout{5'000};
constexpr const char* kInstancePath = "/latest/meta-data/iam/security-credentials/";

bool is_complete(const AwsCredentials& credentials) {
  return !credentials.access_key_id.empty() && !credentials.secret_access_key.empty();
}

Result<std::string> first_line(const std::string& path, const std::string& what) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line) || line.empty())
    return error(ErrorCode::NotFound, what + " " + path + " cannot be read, or is empty");
  return line;
}

/// Whether a container's credentials, which are asked for with a token, may be sent for without TLS: on this
/// machine, or at the addresses of ECS and EKS.
bool is_container_host(const std::string& url) {
  constexpr std::string_view kPlain = "http://";
  if (url.starts_with("https://")) return true;
  if (!url.starts_with(kPlain)) return false;
  std::string host = url.substr(kPlain.size(), url.find_first_of("/?#", kPlain.size()) - kPlain.size());
  const std::size_t port = host.find(':', host.starts_with('[') ? host.find(']') : 0);
  host.resize(std::min(port, host.size()));
  constexpr std::array<std::string_view, 6> kHosts = {"127.0.0.1",     "localhost",      "[::1]",
                                                      "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
  return std::ranges::find(kHosts, host) != kHosts.end();
}

/// One search through all places. Each gives nothing where it is not set up.
class AwsSearch {
 public:
  AwsSearch(const CredentialSurroundings& surroundings, const std::stop_token& stop)
      : surroundings_(surroundings), stop_(stop) {}

  Found run() {
    for (const auto place : {&AwsSearch::environment, &AwsSearch::web_identity, &AwsSearch::profile,
                             &AwsSearch::container, &AwsSearch::instance}) {
      if (auto found = (this->*place)()) return std::move(*found);
    }
    const AwsProfile looked = read_aws_profile(surroundings_, aws_profile_name(surroundings_));
    return error(ErrorCode::NotFound,
                 "there are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the "
                 "profile [" +
                     looked.name + "] of " + looked.files +
                     " an aws_access_key_id and an aws_secret_access_key; there is no web identity, no "
                     "container and no instance that would have a role either");
  }

 private:
  std::string variable(const char* name) const { return surroundings_.variable(name); }

  std::optional<Found> environment() {
    AwsCredentials credentials{variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"),
                               variable("AWS_SESSION_TOKEN")};
    if (!is_complete(credentials)) return std::nullopt;
    return Expiring<AwsCredentials>{std::move(credentials)};
  }

  std::optional<Found> web_identity() {
    const std::string file = variable("AWS_WEB_IDENTITY_TOKEN_FILE");
    const std::string role = variable("AWS_ROLE_ARN");
    if (file.empty() || role.empty()) return std::nullopt;
    return assume_with_web_identity(file, role, variable("AWS_ROLE_SESSION_NAME"));
  }

  std::optional<Found> profile();
  std::optional<Found> container();
  std::optional<Found> instance();

  Found assume_with_web_identity(const std::string& file, const std::string& role,
                                 const std::string& session);
  Found assume_role(const AwsProfile& profile);
  Found ask_sts(const std::string& query, const AwsCredentials* signer);
  Result<std::string> ask(const FetchRequest& request, std::chrono::milliseconds timeout,
                          const std::string& whom);

  const CredentialSurroundings& surroundings_;
  const std::stop_token& stop_;
};

std::optional<Found> AwsSearch::profile() {
  const std::string name = aws_profile_name(surroundings_);
  const AwsProfile profile = read_aws_profile(surroundings_, name);
  if (!profile.present) {
    if (variable("AWS_PROFILE").empty()) return std::nullopt;
    return error(ErrorCode::NotFound,
                 "the profile [" + name + "] that AWS_PROFILE names is in neither of " + profile.files);
  }
  AwsCredentials credentials{profile.setting("aws_access_key_id"), profile.setting("aws_secret_access_key"),
                             profile.setting("aws_session_token")};
  const std::string role = profile.setting("role_arn");
  if (!role.empty()) {
    if (const auto file = profile.setting("web_identity_token_file"); !file.empty())
      return assume_with_web_identity(file, role, profile.setting("role_session_name"));
    return assume_role(profile);
  }
  if (is_complete(credentials)) return Expiring<AwsCredentials>{std::move(credentials)};
  for (const char* other : {"sso_session", "sso_start_url", "credential_process"}) {
    if (!profile.setting(other).empty())
      return error(ErrorCode::Invalid, "the profile [" + name + "] of " + profile.files + " has " + other +
                                           ", which forewarm does not follow; give it keys or a role, or run "
                                           "`aws configure export-credentials` for the environment");
  }
  return std::nullopt;
}

Found AwsSearch::assume_with_web_identity(const std::string& file, const std::string& role,
                                          const std::string& session) {
  const auto token = first_line(file, "the web identity's token file");
  if (!token) return std::unexpected(token.error());
  return ask_sts("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=" + percent_encode(role) +
                     "&RoleSessionName=" + percent_encode(session.empty() ? "forewarm" : session) +
                     "&WebIdentityToken=" + percent_encode(*token),
                 nullptr);
}

Found AwsSearch::assume_role(const AwsProfile& profile) {
  const std::string source = profile.setting("source_profile");
  if (source.empty())
    return error(ErrorCode::Invalid, "the profile [" + profile.name + "] of " + profile.files +
                                         " has a role_arn, but neither a source_profile nor a "
                                         "web_identity_token_file to assume it with");
  const AwsProfile with = source == profile.name ? profile : read_aws_profile(surroundings_, source);
  const AwsCredentials signer{with.setting("aws_access_key_id"), with.setting("aws_secret_access_key"),
                              with.setting("aws_session_token")};
  if (!is_complete(signer))
    return error(ErrorCode::NotFound, "the source_profile [" + source + "] of the profile [" + profile.name +
                                          "] has no keys in " + with.files);
  std::string session = profile.setting("role_session_name");
  if (session.empty()) session = "forewarm";
  std::string query =
      "Action=AssumeRole&Version=2011-06-15&RoleArn=" + percent_encode(profile.setting("role_arn")) +
      "&RoleSessionName=" + percent_encode(session);
  if (const auto external = profile.setting("external_id"); !external.empty())
    query += "&ExternalId=" + percent_encode(external);
  return ask_sts(query, &signer);
}

Found AwsSearch::ask_sts(const std::string& query, const AwsCredentials* signer) {
  const std::string region = find_aws_region(surroundings_);
  std::string url = variable("AWS_ENDPOINT_URL_STS");
  if (url.empty()) {
    const std::string host = region.empty() ? "sts.amazonaws.com" : "sts." + region + ".amazonaws.com";
    url = "https://" + host + (region.starts_with("cn-") ? ".cn" : "");
  }
  if (!url.ends_with('/')) url += '/';
  FetchRequest request{.method = "POST", .url = url, .body = query};
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  if (signer != nullptr)
    sign(request, *signer,
         {.region = region.empty() ? "us-east-1" : region, .service = "sts", .time = surroundings_.now()});
  const auto answer = ask(request, kServerTimeout, "STS");
  if (!answer) return std::unexpected(answer.error());
  auto parsed = parse_sts_credentials(*answer);
  if (!parsed) return error(parsed.error().code, "STS at " + url + ": " + parsed.error().message);
  return parsed;
}

std::optional<Found> AwsSearch::container() {
  const std::string relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const std::string full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative.empty() && full.empty()) return std::nullopt;
  FetchRequest request{.url = relative.empty() ? full : surroundings_.container_endpoint + relative};
  if (relative.empty() && !is_container_host(full))
    return error(ErrorCode::Invalid,
                 "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor on this "
                 "machine; its token is not sent there");
  std::string token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (const auto file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); !file.empty()) {
    auto read = first_line(file, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    if (!read) return std::unexpected(read.error());
    token = std::move(*read);
  }
  if (!token.empty()) request.headers.emplace_back("Authorization", token);
  const auto answer = ask(request, kServerTimeout, "the container's credentials");
  if (!answer) return std::unexpected(answer.error());
  auto parsed = parse_metadata_credentials(*answer);
  if (!parsed) return error(parsed.error().code, "the container's credentials: " + parsed.error().message);
  return parsed;
}

/// No answer at all: this is no instance of EC2.
std::optional<Found> AwsSearch::instance() {
  if (variable("AWS_EC2_METADATA_DISABLED") == "true") return std::nullopt;
  std::string endpoint = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (endpoint.empty()) endpoint = "http://169.254.169.254";
  if (endpoint.ends_with('/')) endpoint.pop_back();
  FetchRequest opening{.method = "PUT", .url = endpoint + "/latest/api/token"};
  opening.headers = {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}};
  FetchOptions options;
  options.timeout = kMetadataTimeout;
  options.stop = stop_;
  const auto opened = fetch(opening, options);
  if (!opened) return std::nullopt;
  const std::string whom = "the instance's metadata";
  if (opened->status != 200)
    return error(ErrorCode::NotFound, whom + " at " + endpoint + " gave no session token (status " +
                                          std::to_string(opened->status) + ")");
  FetchRequest request{.url = endpoint + kInstancePath};
  request.headers = {{"X-aws-ec2-metadata-token", opened->body}};
  const auto roles = ask(request, kServerTimeout, whom);
  if (!roles) return std::unexpected(roles.error());
  const std::string role = roles->substr(0, roles->find_first_of("\r\n"));
  if (role.empty()) return error(ErrorCode::NotFound, whom + ": the instance has no role");
  request.url += percent_encode(role);
  const auto answer = ask(request, kServerTimeout, whom);
  if (!answer) return std::unexpected(answer.error());
  auto parsed = parse_metadata_credentials(*answer);
  if (!parsed) return error(parsed.error().code, whom + ", role " + role + ": " + parsed.error().message);
  return parsed;
}

/// What came is shown only where it is an error of STS, which has nothing secret.
Result<std::string> AwsSearch::ask(const FetchRequest& request, std::chrono::milliseconds timeout,
                                   const std::string& whom) {
  FetchOptions options;
  options.timeout = timeout;
  options.stop = stop_;
  auto answer = fetch_patiently([&request] { return request; }, options);
  if (!answer) return error(answer.error().code, whom + ": " + answer.error().message);
  if (answer->status == 200) return std::move(answer->body);
  const std::string said = parse_sts_failure(answer->body);
  return error(ErrorCode::NotFound, whom + " at " + request.url.substr(0, request.url.find('?')) +
                                        " answered with status " + std::to_string(answer->status) +
                                        (said.empty() ? "" : ", " + said));
}

class AwsChain final : public AwsCredentialSource {
 public:
  explicit AwsChain(CredentialSurroundings surroundings)
      : surroundings_(std::move(surroundings)),
        refreshed_({.now = surroundings_.now},
                   [this](const std::stop_token& stop) { return AwsSearch(surroundings_, stop).run(); }) {}
  Result<AwsCredentials> get() override { return refreshed_.get(); }
  void renew() override { refreshed_.expire(); }

 private:
  const CredentialSurroundings surroundings_;
  Refreshed<AwsCredentials> refreshed_;
};

}  // namespace

std::shared_ptr<AwsCredentialSource> make_aws_credentials(CredentialSurroundings surroundings) {
  return std::make_shared<AwsChain>(std::move(surroundings));
}

Result<AwsCredentials> find_aws_credentials() {
  return make_aws_credentials()->get();
}

std::string find_aws_region(const CredentialSurroundings& surroundings) {
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (auto region = surroundings.variable(name); !region.empty()) return region;
  }
  return read_aws_profile(surroundings, aws_profile_name(surroundings)).setting("region");
}

}  // namespace forewarm
