#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

/// RFC 4648 section 5, without padding.
std::string base64_url(std::string_view bytes);
/// header.claims.signature (RFC 7515) by RS256, with a private key in PEM. Invalid for what is no RSA key.
Result<std::string> sign_jwt(std::string_view header_json, std::string_view claims_json,
                             const std::string& private_key_pem);
/// The claim exp (RFC 7519 section 4.1.4) of a token, which is not verified: whoever takes it does that. None
/// if it is no token or has none.
std::optional<TimePoint> jwt_expiry(std::string_view token);

}  // namespace forewarm
