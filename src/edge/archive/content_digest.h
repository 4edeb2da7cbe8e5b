#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace forewarm {

std::string base64_text(std::string_view bytes);
/// None for what is not Base64 (RFC 4648 section 4) with its padding.
std::optional<std::string> base64_bytes(std::string_view text);
std::string hex_digits(std::string_view bytes);
/// 16 bytes, as the stores have it in Content-MD5: against damage on the way, not against malice. Empty where
/// the system's OpenSSL has no MD5 (FIPS).
std::string md5_bytes(std::string_view content);
std::string hmac_sha256_bytes(std::string_view key, std::string_view text);

}  // namespace forewarm
