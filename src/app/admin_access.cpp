#include "app/admin_access.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "edge/sqs/digest.h"

namespace forewarm {
namespace {

struct RouteRole {
  std::string_view id;
  AdminRole role;
};

constexpr std::array kRouteRoles = {
    RouteRole{"getHealth", AdminRole::Open},
    RouteRole{"getReadiness", AdminRole::Open},
    RouteRole{"getLogin", AdminRole::Open},
    RouteRole{"logIn", AdminRole::Open},
    RouteRole{"logOut", AdminRole::Open},
    RouteRole{"page/app.css", AdminRole::Open},
    RouteRole{"page/app.js", AdminRole::Open},
    RouteRole{"page/favicon.svg", AdminRole::Open},
    RouteRole{"page/", AdminRole::Read},
    RouteRole{"explainMessage", AdminRole::Read},
    RouteRole{"getArrivals", AdminRole::Read},
    RouteRole{"getAudit", AdminRole::Read},
    RouteRole{"getBackup", AdminRole::Read},
    RouteRole{"getControlPlan", AdminRole::Read},
    RouteRole{"getForecast", AdminRole::Read},
    RouteRole{"getKedaValue", AdminRole::Read},
    RouteRole{"getMetrics", AdminRole::Read},
    RouteRole{"getOpenApi", AdminRole::Read},
    RouteRole{"getQueue", AdminRole::Read},
    RouteRole{"getSignal", AdminRole::Read},
    RouteRole{"listDeadLetterQueues", AdminRole::Read},
    RouteRole{"listDecisions", AdminRole::Read},
    RouteRole{"listDirectives", AdminRole::Read},
    RouteRole{"listFunctions", AdminRole::Read},
    RouteRole{"listLogLines", AdminRole::Read},
    RouteRole{"listQueues", AdminRole::Read},
    RouteRole{"listSignals", AdminRole::Read},
    RouteRole{"stream", AdminRole::Read},
    RouteRole{"triageDeadLetters", AdminRole::Read},
    // A function's environment is in its TOML, and a message's content is not for everybody who may look.
    RouteRole{"getFunction", AdminRole::Operate},
    RouteRole{"peekQueue", AdminRole::Operate},
    RouteRole{"beginBackup", AdminRole::Operate},
    RouteRole{"cancelGroupRedrive", AdminRole::Operate},
    RouteRole{"invokeFunction", AdminRole::Operate},
    RouteRole{"orderScaling", AdminRole::Operate},
    RouteRole{"pauseQueue", AdminRole::Operate},
    RouteRole{"pushSignal", AdminRole::Operate},
    RouteRole{"putFunction", AdminRole::Operate},
    RouteRole{"redriveGroup", AdminRole::Operate},
    RouteRole{"sendMessage", AdminRole::Operate},
    RouteRole{"redriveQueue", AdminRole::Operate},
    RouteRole{"removeFunction", AdminRole::Operate},
};

constexpr std::size_t kTokenBytesMin = 16;
constexpr std::size_t kSessionsMax = 1000;
constexpr std::chrono::hours kSessionTime{12};
constexpr std::string_view kCookieName = "forewarm_session";

constexpr const char* kLoginPage =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>forewarm</title>"
    "<meta name=\"viewport\" content=\"width=device-width\"><link rel=\"icon\" href=\"/favicon.svg\">"
    "<form method=\"post\" action=\"/v1/login\"><h1>forewarm</h1><p><label>Token<br>"
    "<input type=\"password\" name=\"token\" autocomplete=\"current-password\" required "
    "autofocus></label></p>"
    "<p><button>Log in</button></p></form></html>\n";

std::string_view bearer_token(const HttpRequest& request) {
  const std::string_view header = find_header(request.headers, "Authorization");
  constexpr std::string_view kScheme = "Bearer ";
  const bool bearer = header.size() > kScheme.size() &&
                      std::ranges::equal(header.substr(0, kScheme.size()), kScheme,
                                         [](char a, char b) { return (a | 0x20) == (b | 0x20); });
  return bearer ? header.substr(kScheme.size()) : std::string_view();
}

/// The value of our cookie (RFC 6265 section 4.2.1).
std::string_view session_cookie(const HttpRequest& request) {
  std::string_view rest = find_header(request.headers, "Cookie");
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (!pair.empty() && pair.front() == ' ') pair.remove_prefix(1);
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == kCookieName)
      return pair.substr(equals + 1);
  }
  return {};
}

std::string new_session_id() {
  std::array<char, 32> random{};
  const bool drawn = getrandom(random.data(), random.size(), 0) == static_cast<ssize_t>(random.size());
  return drawn ? sqs::sha256_hex({random.data(), random.size()}) : std::string();
}

HttpResponse see_other(const char* where) {
  return {303, {{"Location", where}, {"Cache-Control", "no-store"}}, {}};
}

}  // namespace

AdminRole admin_role(std::string_view route_id) {
  const auto* found = std::ranges::find(kRouteRoles, route_id, &RouteRole::id);
  return found == kRouteRoles.end() ? AdminRole::Operate : found->role;
}

bool has_admin_role(std::string_view route_id) {
  return std::ranges::find(kRouteRoles, route_id, &RouteRole::id) != kRouteRoles.end();
}

Result<std::string> read_secret_file(const std::string& setting, const std::string& path,
                                     std::size_t bytes_min) {
  std::ifstream file(path);
  std::string secret;
  if (!file || !std::getline(file, secret))
    return error(ErrorCode::Io, setting + ": " + path + " cannot be read or is empty");
  while (!secret.empty() && (secret.back() == '\r' || secret.back() == ' ')) secret.pop_back();
  if (secret.size() < bytes_min) {
    return error(ErrorCode::Invalid, setting + ": the first line of " + path + " has " +
                                         std::to_string(secret.size()) + " characters; expected " +
                                         std::to_string(bytes_min) +
                                         " at least. Make one with: openssl rand "
                                         "-hex 32");
  }
  return secret;
}

Result<AdminAccess> AdminAccess::read(const std::vector<AdminTokenConfig>& tokens, Options options) {
  AdminAccess access(options);
  for (const AdminTokenConfig& config : tokens) {
    const auto secret =
        read_secret_file("[[admin_token]] '" + config.name + "'", config.token_file, kTokenBytesMin);
    if (!secret) return std::unexpected(secret.error());
    const std::string digest = sqs::sha256_hex(*secret);
    if (const Token* same = access.with_digest(digest)) {
      return error(ErrorCode::Invalid, "[[admin_token]] '" + config.name + "' has the token of '" +
                                           same->name + "'; who did what could not be told");
    }
    access.tokens_.push_back(
        {config.name, config.role == "operate" ? AdminRole::Operate : AdminRole::Read, digest});
  }
  return access;
}

void AdminAccess::replace(AdminAccess other) {
  tokens_ = std::move(other.tokens_);
}

const AdminAccess::Token* AdminAccess::with_digest(std::string_view digest) const {
  const auto found = std::ranges::find(tokens_, digest, &Token::digest);
  return found == tokens_.end() ? nullptr : &*found;
}

const AdminAccess::Token* AdminAccess::find(const HttpRequest& request) const {
  if (const std::string_view token = bearer_token(request); !token.empty())
    return with_digest(sqs::sha256_hex(token));
  const auto session = sessions_.find(session_cookie(request));
  if (session == sessions_.end() || session->second.until < std::chrono::steady_clock::now()) return nullptr;
  return with_digest(session->second.token);
}

std::optional<HttpResponse> AdminAccess::refusal(const HttpRequest& request, const Route& route) const {
  const AdminRole needed = admin_role(route.id);
  if (!needs_token() || needed == AdminRole::Open) return std::nullopt;
  const Token* token = find(request);
  if (token == nullptr) {
    if (route.path == "/") return see_other("/login");
    HttpResponse refused =
        problem(401,
                "This server needs a token: send \"Authorization: Bearer TOKEN\", give the command a "
                "--token-file or FOREWARM_TOKEN, or log in at /login.");
    refused.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"forewarm\"");
    return refused;
  }
  if (token->role >= needed) return std::nullopt;
  return problem(403,
                 "The token '" + token->name + "' has the role read; this needs one with the role operate.");
}

std::string AdminAccess::principal(const HttpRequest& request) const {
  if (!needs_token()) return "loopback";
  const Token* token = find(request);
  return token ? token->name : "anonymous";
}

void AdminAccess::add_routes(Routes& routes) {
  routes.add({.path = "/login",
              .id = "getLogin",
              .summary = "A page to log in with a token",
              .content_type = "text/html",
              .handle = [](const RouteRequest&, const std::shared_ptr<HttpReply>& reply) {
                reply->send(
                    {200,
                     {{"Content-Type", "text/html; charset=utf-8"},
                      {"Cache-Control", "no-store"},
                      {"Referrer-Policy", "no-referrer"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Content-Security-Policy",
                       "default-src 'none'; img-src 'self'; form-action 'self'; frame-ancestors 'none'"}},
                     kLoginPage});
              }});
  routes.add({.method = "POST",
              .path = "/v1/login",
              .id = "logIn",
              .summary = "Gives a cookie for a token (form field \"token\"), and leads to the page",
              .status = 303,
              .content_type = "text/plain",
              .problems = {401},
              .handle = [this](const RouteRequest& request, const std::shared_ptr<HttpReply>& reply) {
                log_in(request, reply);
              }});
  routes.add({.method = "POST",
              .path = "/v1/logout",
              .id = "logOut",
              .summary = "Takes the cookie back",
              .status = 303,
              .content_type = "text/plain",
              .handle = [this](const RouteRequest& request, const std::shared_ptr<HttpReply>& reply) {
                log_out(request, reply);
              }});
}

void AdminAccess::log_in(const RouteRequest& request, const std::shared_ptr<HttpReply>& reply) {
  std::string given;
  for (const auto& [name, value] : parse_query(request.http.body)) {
    if (name == "token") given = value;
  }
  const Token* token = with_digest(sqs::sha256_hex(given));
  if (token == nullptr) return reply->send(problem(401, "No token of this server is like that one."));
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(sessions_, [&](const auto& each) { return each.second.until < now; });
  if (sessions_.size() >= kSessionsMax)
    sessions_.erase(
        std::ranges::min_element(sessions_, {}, [](const auto& each) { return each.second.until; }));
  const std::string id = new_session_id();
  if (id.empty()) return reply->send(problem(503, "The operating system gave no random numbers."));
  sessions_[id] = {token->digest, now + kSessionTime};
  HttpResponse response = see_other("/");
  response.headers.emplace_back("Set-Cookie", cookie(id, kSessionTime));
  reply->send(std::move(response));
}

void AdminAccess::log_out(const RouteRequest& request, const std::shared_ptr<HttpReply>& reply) {
  if (const auto found = sessions_.find(session_cookie(request.http)); found != sessions_.end())
    sessions_.erase(found);
  HttpResponse response = see_other("/login");
  response.headers.emplace_back("Set-Cookie", cookie("", std::chrono::seconds(0)));
  reply->send(std::move(response));
}

std::string AdminAccess::cookie(std::string_view value, std::chrono::seconds age) const {
  std::string text = std::string(kCookieName) + "=" + std::string(value) +
                     "; Path=/; HttpOnly; SameSite=Strict; Max-Age=" + std::to_string(age.count());
  if (options_.secure_cookies) text += "; Secure";
  return text;
}

}  // namespace forewarm
