#include "edge/cloud/servicebus/shared_access.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "edge/net/http.h"

namespace forewarm {
namespace {

constexpr std::string_view kEndpointKey = "Endpoint=";

std::string hmac_base64(const std::string& key, const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  std::string encoded(4 * ((size + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()), digest, static_cast<int>(size));
  encoded.resize(static_cast<std::size_t>(length));
  return encoded;
}

/// NAMESPACE of sb://NAMESPACE/.
std::string host_of_endpoint(std::string_view endpoint) {
  const auto scheme = endpoint.find("://");
  if (scheme == std::string_view::npos) return "";
  endpoint.remove_prefix(scheme + 3);
  return std::string(endpoint.substr(0, endpoint.find_first_of("/:?#")));
}

}  // namespace

bool is_bus_connection_string(std::string_view text) {
  return text.starts_with(kEndpointKey) || text.find(";Endpoint=") != std::string_view::npos;
}

Result<BusConnectionString> parse_bus_connection_string(std::string_view text) {
  BusConnectionString parsed;
  while (!text.empty()) {
    const auto end = text.find(';');
    const auto part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    // Only at the first: keys are base64 and end in them.
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = part.substr(0, equals);
    const auto value = part.substr(equals + 1);
    if (name == "Endpoint") parsed.host = host_of_endpoint(value);
    if (name == "SharedAccessKeyName") parsed.key_name = value;
    if (name == "SharedAccessKey") parsed.key = value;
    if (name == "SharedAccessSignature") parsed.signature = value;
    if (name == "EntityPath") parsed.entity_path = value;
  }
  if (parsed.host.empty())
    return error(ErrorCode::Invalid,
                 "the connection string has no Endpoint=sb://NAMESPACE/; copy it from the portal");
  if (parsed.signature.empty() && (parsed.key_name.empty() || parsed.key.empty()))
    return error(ErrorCode::Invalid,
                 "the connection string has neither SharedAccessKeyName and SharedAccessKey nor a "
                 "SharedAccessSignature; copy it from the portal");
  return parsed;
}

std::string shared_access_signature(const std::string& resource, const std::string& key_name,
                                    const std::string& key, std::chrono::seconds end) {
  const std::string encoded = percent_encode(resource);
  const std::string until = std::to_string(end.count());
  return "SharedAccessSignature sr=" + encoded +
         "&sig=" + percent_encode(hmac_base64(key, encoded + "\n" + until)) + "&se=" + until +
         "&skn=" + percent_encode(key_name);
}

}  // namespace forewarm
