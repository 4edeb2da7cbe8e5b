#include "app/keda_config.h"

#include "edge/net/http.h"

namespace forewarm {

void describe(FieldVisitor& v, KedaConfig& c) {
  v.text({"listen", "host:port where KEDA's external-push trigger asks by gRPC; empty: nowhere"}, c.listen);
  v.text({"tls_certificate", "PEM file of the port's certificate; read again when it changes"},
         c.tls_certificate);
  v.text({"tls_key", "PEM file of its key"}, c.tls_key);
  v.text({"client_ca_file", "PEM file: only who shows a certificate that these have signed may ask"},
         c.client_ca_file);
  v.flag({"anyone", "true: on another address than loopback whoever reaches the port may ask"}, c.anyone);
}

Result<void> check_keda(const KedaConfig& config) {
  const auto wrong = [](std::string text) { return error(ErrorCode::Invalid, std::move(text)); };
  if (config.listen.empty()) return {};
  const Result<Endpoint> listen = parse_endpoint(config.listen);
  if (!listen) return wrong("listen: " + listen.error().message);
  if (config.tls_certificate.empty() != config.tls_key.empty())
    return wrong("needs tls_certificate and tls_key, or neither");
  if (!config.client_ca_file.empty() && config.tls_key.empty())
    return wrong("client_ca_file: needs tls_certificate and tls_key too");
  if (!is_loopback(*listen) && config.client_ca_file.empty() && !config.anyone)
    return wrong("listen: " + config.listen +
                 " is not a loopback address, and nothing says who may ask. KEDA shows certificates and no "
                 "tokens: give client_ca_file, or anyone = true where whoever reaches the port may know how "
                 "many instances are wanted");
  return {};
}

}  // namespace forewarm
