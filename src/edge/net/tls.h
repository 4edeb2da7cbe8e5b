#pragma once

#include <memory>
#include <string>

#include "base/result.h"

struct ssl_ctx_st;

namespace forewarm {

/// What a server's TLS is for.
struct TlsUse {
  enum class Protocol { Http11, Http2 };  ///< what a client that names protocols (ALPN) has to name
  Protocol protocol = Protocol::Http11;
  std::string
      client_ca{};  ///< PEM file: clients show a certificate that these have signed; empty: they need none
};

/// A certificate with its key, for servers that speak HTTPS: TLS 1.2 and 1.3. It is read again when asked to
/// or when its files change; connections that are open keep what they began with.
///
/// Used on the loop's thread.
class TlsIdentity {
 public:
  /// PEM files; `certificate` holds the chain, the server's own first. Invalid or Io with the file and what
  /// is wrong with it.
  static Result<std::shared_ptr<TlsIdentity>> load(std::string certificate, std::string key, TlsUse use = {});

  /// What is wrong leaves the one in force.
  Result<void> reload();
  /// True if the files are not those that were read last, by their times and sizes.
  bool files_changed() const;
  /// A new reference to the context in force, for one connection.
  std::shared_ptr<ssl_ctx_st> context() const { return context_; }

 private:
  TlsIdentity(std::string certificate, std::string key, TlsUse use)
      : certificate_(std::move(certificate)), key_(std::move(key)), use_(std::move(use)) {}
  std::string stamp() const;

  std::string certificate_;
  std::string key_;
  TlsUse use_;
  std::string stamp_;  ///< of the files when they were read last, whatever came of it
  std::shared_ptr<ssl_ctx_st> context_;
};

/// For clients that speak HTTPS, TLS 1.2 and 1.3: who is trusted to be the server, by a PEM file or, where
/// `ca_file` is empty, by the system's. Invalid with the file and what is wrong with it, or what to give
/// where the system has nobody.
Result<std::shared_ptr<ssl_ctx_st>> client_tls(const std::string& ca_file);

}  // namespace forewarm
