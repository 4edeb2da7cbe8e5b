#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "base/result.h"
#include "edge/observe/routes.h"

namespace forewarm {

/// What a route of the admin port takes. Each role may do what those before it may.
enum class AdminRole : std::uint8_t {
  Open,     ///< health, the login page and the page's own files: no token
  Read,     ///< looks
  Operate,  ///< changes
};
/// Of the route with this operationId, from the one table of all routes; Operate where it is not in the
/// table.
AdminRole admin_role(std::string_view route_id);
/// True if the table knows it; a test sees to it that it knows all.
bool has_admin_role(std::string_view route_id);

/// Who may use the admin port, by [[admin_token]]. Without any, everybody who reaches it.
///
/// A request says who it is by "Authorization: Bearer TOKEN", or by the cookie that a login gave it: a number
/// that means nothing but here, until the server ends.
class AdminAccess {
 public:
  struct Options {
    bool secure_cookies = false;  ///< the port speaks HTTPS
  };
  /// Reads the tokens' files; Invalid names what is wrong with which.
  static Result<AdminAccess> read(const std::vector<AdminTokenConfig>& tokens, Options options);

  /// Takes the tokens of `other`. Who logged in with one that is gone is logged out.
  void replace(AdminAccess other);
  bool needs_token() const { return !tokens_.empty(); }
  /// 401 without a token, 403 with one of a lesser role, a way to the login page for a browser; or nothing.
  std::optional<HttpResponse> refusal(const HttpRequest& request, const Route& route) const;
  /// The name of the request's token; "loopback" where none is needed, "anonymous" where it has none.
  std::string principal(const HttpRequest& request) const;
  /// The login page, logging in and out. This object must outlive the routes.
  void add_routes(Routes& routes);

 private:
  struct Token {
    std::string name;
    AdminRole role = AdminRole::Read;
    std::string digest;  ///< SHA-256: comparing digests tells nothing by its time
  };
  struct Session {
    std::string token;  ///< its digest
    std::chrono::steady_clock::time_point until;
  };

  explicit AdminAccess(Options options) : options_(options) {}
  const Token* with_digest(std::string_view digest) const;
  const Token* find(const HttpRequest& request) const;
  void log_in(const RouteRequest& request, const std::shared_ptr<HttpReply>& reply);
  void log_out(const RouteRequest& request, const std::shared_ptr<HttpReply>& reply);
  std::string cookie(std::string_view value, std::chrono::seconds age) const;

  Options options_;
  std::vector<Token> tokens_;
  std::map<std::string, Session, std::less<>> sessions_;
};

/// The one line of a file with a secret; Invalid or Io, with the path and `setting`, if it is shorter than
/// `bytes_min` or not there.
Result<std::string> read_secret_file(const std::string& setting, const std::string& path,
                                     std::size_t bytes_min);

}  // namespace forewarm
