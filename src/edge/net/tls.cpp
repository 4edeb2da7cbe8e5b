#include "edge/net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace forewarm {
namespace {

std::string last_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return reason ? reason : "unknown reason";
}

/// As ALPN has them (RFC 7301): each with its length.
constexpr std::string_view kHttp11 = "\x08http/1.1", kHttp2 = "\x02h2";

/// `spoken`, one of these, is all that is spoken; a client that offers others alone is told so.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned int offered_size, void* spoken) {
  const std::string_view ours = *static_cast<const std::string_view*>(spoken);
  unsigned char* found = nullptr;
  const int result = SSL_select_next_proto(&found, size, reinterpret_cast<const unsigned char*>(ours.data()),
                                           static_cast<unsigned int>(ours.size()), offered, offered_size);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// Clients have to show a certificate of one of these.
bool ask_for_certificates(SSL_CTX* context, const std::string& authorities) {
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(authorities.c_str());
  if (names == nullptr || SSL_CTX_load_verify_locations(context, authorities.c_str(), nullptr) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return false;
  }
  SSL_CTX_set_client_CA_list(context, names);  // owns them
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // A session that is taken up again would not be asked.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  return true;
}

/// Where distributions keep whom they trust, since a program that is linked for none of them finds its own
/// default nowhere. Sources: Debian's and Alpine's ca-certificates, Fedora's, SUSE's.
constexpr std::array kSystemBundles{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                    "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

bool trust_system(SSL_CTX* context) {
  // SSL_CERT_FILE and SSL_CERT_DIR first, as everywhere.
  SSL_CTX_set_default_verify_paths(context);
  if (std::getenv("SSL_CERT_FILE") != nullptr || std::getenv("SSL_CERT_DIR") != nullptr) return true;
  for (const char* bundle : kSystemBundles) {
    if (SSL_CTX_load_verify_locations(context, bundle, nullptr) == 1) return true;
  }
  return false;
}

}  // namespace

Result<std::shared_ptr<TlsIdentity>> TlsIdentity::load(std::string certificate, std::string key, TlsUse use) {
  std::shared_ptr<TlsIdentity> identity(
      new TlsIdentity(std::move(certificate), std::move(key), std::move(use)));
  if (auto loaded = identity->reload(); !loaded) return std::unexpected(loaded.error());
  return identity;
}

Result<void> TlsIdentity::reload() {
  stamp_ = stamp();
  ERR_clear_error();
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return error(ErrorCode::Io, "OpenSSL cannot be started: " + last_reason());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  // Asking for a passphrase would wait at a terminal for ever.
  SSL_CTX_set_default_passwd_cb(context.get(), [](char*, int, int, void*) { return 0; });
  const std::string_view& spoken = use_.protocol == TlsUse::Protocol::Http2 ? kHttp2 : kHttp11;
  SSL_CTX_set_alpn_select_cb(context.get(), &choose_protocol, const_cast<std::string_view*>(&spoken));
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_.c_str()) != 1) {
    return error(ErrorCode::Invalid,
                 "tls_certificate: " + certificate_ + " is no readable PEM certificate: " + last_reason());
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_.c_str(), SSL_FILETYPE_PEM) != 1)
    return error(ErrorCode::Invalid, "tls_key: " + key_ + " is not the readable PEM key of " + certificate_ +
                                         ": " + last_reason());
  if (SSL_CTX_check_private_key(context.get()) != 1)
    return error(ErrorCode::Invalid, "tls_key: " + key_ + " is not the key of " + certificate_);
  if (!use_.client_ca.empty() && !ask_for_certificates(context.get(), use_.client_ca))
    return error(ErrorCode::Invalid, "client_ca_file: " + use_.client_ca +
                                         " is no readable PEM file of certificates: " + last_reason());
  context_ = context;
  return {};
}

bool TlsIdentity::files_changed() const {
  return stamp() != stamp_;
}

std::string TlsIdentity::stamp() const {
  std::string text;
  for (const std::string& path : {certificate_, key_, use_.client_ca}) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) continue;
    text += std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec) + "/" +
            std::to_string(status.st_size) + "/" + std::to_string(status.st_ino) + " ";
  }
  return text;
}

Result<std::shared_ptr<ssl_ctx_st>> client_tls(const std::string& ca_file) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!context) return error(ErrorCode::Io, "OpenSSL cannot be started: " + last_reason());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (!ca_file.empty()) {
    if (SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) != 1)
      return error(ErrorCode::Invalid,
                   ca_file + " is no readable PEM file of certificates: " + last_reason());
  } else if (!trust_system(context.get())) {
    return error(ErrorCode::Invalid,
                 "this machine has no certificates of who is to be trusted; install ca-certificates, or name "
                 "a PEM file");
  }
  ERR_clear_error();
  return context;
}

}  // namespace forewarm
