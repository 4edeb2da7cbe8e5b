#include "edge/cloud/credentials/jwt.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <boost/json.hpp>
#include <memory>

namespace forewarm {
namespace {

struct KeyCloser {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct BioCloser {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct DigestCloser {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Nobody is asked for a passphrase.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

constexpr std::size_t kTokenMaxBytes = 64U << 10;
constexpr std::int64_t kSecondsMax = 253'402'300'799;  // the year 9999

std::optional<std::string> decode_base64_url(std::string_view text) {
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    unsigned digit = 0;
    if (c >= 'A' && c <= 'Z')
      digit = static_cast<unsigned>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      digit = static_cast<unsigned>(c - 'a') + 26;
    else if (c >= '0' && c <= '9')
      digit = static_cast<unsigned>(c - '0') + 52;
    else if (c == '-' || c == '_')
      digit = c == '-' ? 62 : 63;
    else
      return std::nullopt;
    bits = (bits << 6 | digit) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  return bytes;
}

}  // namespace

std::string base64_url(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  unsigned bits = 0;
  int count = 0;
  for (const char byte : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(byte);
    for (count += 8; count >= 6; count -= 6) text += kDigits[(bits >> (count - 6)) & 63];
  }
  if (count > 0) text += kDigits[(bits << (6 - count)) & 63];
  return text;
}

Result<std::string> sign_jwt(std::string_view header_json, std::string_view claims_json,
                             const std::string& private_key_pem) {
  const std::unique_ptr<BIO, BioCloser> pem(
      BIO_new_mem_buf(private_key_pem.data(), static_cast<int>(private_key_pem.size())));
  const std::unique_ptr<EVP_PKEY, KeyCloser> key(
      PEM_read_bio_PrivateKey(pem.get(), nullptr, &no_passphrase, nullptr));
  if (!key || EVP_PKEY_base_id(key.get()) != EVP_PKEY_RSA)
    return error(ErrorCode::Invalid, "the private_key is no RSA key in PEM");
  std::string text = base64_url(header_json) + "." + base64_url(claims_json);
  const std::unique_ptr<EVP_MD_CTX, DigestCloser> context(EVP_MD_CTX_new());
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) != 1)
    return error(ErrorCode::Invalid, "the private_key cannot sign");
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes,
                     text.size()) != 1)
    return error(ErrorCode::Invalid, "the private_key cannot sign");
  signature.resize(size);
  return text + "." + base64_url(signature);
}

std::optional<TimePoint> jwt_expiry(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.size() > kTokenMaxBytes) return std::nullopt;
  const auto claims = decode_base64_url(token.substr(first + 1, second - first - 1));
  if (!claims) return std::nullopt;
  boost::system::error_code failed;
  const boost::json::value parsed = boost::json::parse(*claims, failed);
  if (failed || !parsed.is_object()) return std::nullopt;
  const boost::json::value* exp = parsed.get_object().if_contains("exp");
  if (exp == nullptr || !exp->is_number()) return std::nullopt;
  const double seconds = exp->to_number<double>();
  if (!(seconds >= 0 && seconds <= static_cast<double>(kSecondsMax))) return std::nullopt;
  return TimePoint(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

}  // namespace forewarm
