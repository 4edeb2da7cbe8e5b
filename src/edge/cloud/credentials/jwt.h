#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace forewarm {

/// RFC 4648 section 5, without padding.
std::string base64_url(std::string_view bytes);
/// header.claims.signature (RFC 7515) by RS256, with a private key in PEM. Invalid for what is no RSA key.
Result<std::string> sign_jwt(std::string_view header_json, std::string_view claims_json,
                             const std::string& private_key_pem);

}  // namespace forewarm
