#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/admin_access.h"
#include "app/queue_context.h"
#include "edge/net/tls.h"
#include "edge/observe/audit_log.h"
#include "edge/observe/log.h"

namespace forewarm {

/// Who may use a server's ports and who did what: tokens, certificate and audit log. On the loop's thread.
class ServerGuard {
 public:
  /// Reads the tokens and the certificate that the configuration names; the first error with its file.
  static Result<std::unique_ptr<ServerGuard>> open(const ServerConfig& config, Log& log);
  ServerGuard(const ServerGuard&) = delete;
  ServerGuard& operator=(const ServerGuard&) = delete;

  /// For the admin port's routes, which this must outlive.
  Routes::Options route_options(const Endpoint& admin);
  void add_routes(Routes& routes);

  const std::shared_ptr<TlsIdentity>& tls() const { return tls_; }
  std::string url(const Endpoint& endpoint) const {
    return (tls_ ? "https://" : "http://") + to_string(endpoint);
  }
  void note(const QueueChange& change);
  /// Tokens and certificate anew; what is wrong is logged and leaves those in force.
  void reload(const ServerConfig& config);
  /// About once a second: reads the certificate again if its files have changed, and says when the disk is
  /// full and when it is not any more.
  void tick(bool disk_full);

 private:
  ServerGuard(const std::string& data, Log& log, AdminAccess access);
  void note(const HttpRequest& request, const Route& route, unsigned status);
  void append(const AuditEntry& entry);
  void reload_certificate();

  std::string audit_directory_;
  Log& log_;
  AdminAccess access_;
  AuditLog audit_;
  bool audit_failed_ = false;
  bool disk_full_ = false;
  std::shared_ptr<TlsIdentity> tls_;
};

}  // namespace forewarm
