#include "edge/sqs/digest.h"

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>

#include "base/check.h"

namespace forewarm::sqs {
namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct FreeDigest {
  void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
};

/// Fetching a digest by name costs more than digesting a short message, so both are kept, one a thread.
class Digester {
 public:
  explicit Digester(const char* name)
      : digest_(EVP_MD_fetch(nullptr, name, nullptr)), context_(EVP_MD_CTX_new()) {
    check(digest_ && context_, "OpenSSL has the digest");
  }

  void begin() {
    check(EVP_DigestInit_ex(context_.get(), digest_.get(), nullptr) == 1, "a digest can begin");
  }
  void add(std::string_view bytes) {
    check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1, "a digest takes bytes");
  }
  std::string end_hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> value{};
    unsigned size = 0;
    check(EVP_DigestFinal_ex(context_.get(), value.data(), &size) == 1, "a digest can end");
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hex(std::size_t{2} * size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
      hex[2 * i] = kDigits[value[i] >> 4U];
      hex[2 * i + 1] = kDigits[value[i] & 15U];
    }
    return hex;
  }

 private:
  std::unique_ptr<EVP_MD, FreeDigest> digest_;
  std::unique_ptr<EVP_MD_CTX, FreeContext> context_;
};

Digester& md5() {
  thread_local Digester digester("MD5");
  digester.begin();
  return digester;
}

void add_with_length(Digester& digester, std::string_view bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  const std::array<char, 4> length = {static_cast<char>(size >> 24U), static_cast<char>(size >> 16U),
                                      static_cast<char>(size >> 8U), static_cast<char>(size)};
  digester.add({length.data(), length.size()});
  digester.add(bytes);
}

}  // namespace

std::string md5_hex(std::string_view bytes) {
  Digester& digester = md5();
  digester.add(bytes);
  return digester.end_hex();
}

std::string sha256_hex(std::string_view bytes) {
  thread_local Digester digester("SHA256");
  digester.begin();
  digester.add(bytes);
  return digester.end_hex();
}

std::string md5_of_attributes(const Attributes& attributes) {
  if (attributes.empty()) return {};
  Digester& digester = md5();
  for (const auto& [name, attribute] : attributes) {
    add_with_length(digester, name);
    add_with_length(digester, attribute.data_type);
    digester.add(is_binary(attribute) ? std::string_view("\2", 1) : std::string_view("\1", 1));
    add_with_length(digester, attribute.value);
  }
  return digester.end_hex();
}

}  // namespace forewarm::sqs
