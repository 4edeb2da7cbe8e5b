#include "edge/sqs/identity.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>

#include "base/check.h"
#include "edge/sqs/base64.h"

namespace forewarm::sqs {
namespace {

constexpr std::size_t kBlockBytes = 16;
using Block = std::array<unsigned char, kBlockBytes>;

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

/// AES-128 on single blocks under one key, in one direction.
class BlockCipher {
 public:
  BlockCipher(std::string_view key, bool encrypt) : context_(EVP_CIPHER_CTX_new()) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(key.data());
    check(context_ &&
              EVP_CipherInit_ex(context_.get(), EVP_aes_128_ecb(), nullptr, bytes, nullptr, encrypt) == 1,
          "OpenSSL has AES-128");
    EVP_CIPHER_CTX_set_padding(context_.get(), 0);
  }
  Block operator()(const Block& in) const {
    Block out{};
    int size = 0;
    check(EVP_CipherUpdate(context_.get(), out.data(), &size, in.data(), kBlockBytes) == 1 &&
              size == kBlockBytes,
          "a block is ciphered whole");
    return out;
  }

 private:
  std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> context_;
};

void put(Block& block, std::size_t at, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) block[at + i] = static_cast<unsigned char>(value >> (8 * i));
}

std::uint64_t get(const Block& block, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value |= static_cast<std::uint64_t>(block[at + i]) << (8 * i);
  return value;
}

}  // namespace

struct Identity::Ciphers {
  BlockCipher seal;
  BlockCipher unseal;
  BlockCipher tag;
  BlockCipher name;
  BlockCipher unname;
};

Identity::Identity(std::string_view secret) {
  check(secret.size() == kSecretBytes, "the secret has 48 bytes");
  ciphers_.reset(new Ciphers{.seal = BlockCipher(secret.substr(0, 16), true),
                             .unseal = BlockCipher(secret.substr(0, 16), false),
                             .tag = BlockCipher(secret.substr(16, 16), true),
                             .name = BlockCipher(secret.substr(32, 16), true),
                             .unname = BlockCipher(secret.substr(32, 16), false)});
}

Identity::~Identity() = default;
Identity::Identity(Identity&&) noexcept = default;
Identity& Identity::operator=(Identity&&) noexcept = default;

std::string Identity::message_id(MessageId message) const {
  Block number{};
  put(number, 0, message.value(), 8);
  Block id = ciphers_->name(number);
  id[6] = static_cast<unsigned char>((id[6] & 0x0FU) | 0x40U);  // RFC 9562 section 5.4: version 4
  id[8] = static_cast<unsigned char>((id[8] & 0x3FU) | 0x80U);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(36, '-');
  std::size_t at = 0;
  for (std::size_t i = 0; i < kBlockBytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) ++at;
    text[at++] = kDigits[id[i] >> 4U];
    text[at++] = kDigits[id[i] & 15U];
  }
  return text;
}

std::optional<MessageId> Identity::open_message_id(std::string_view id) const {
  Block block{};
  std::size_t digits = 0;
  if (id.size() != 36) return std::nullopt;
  for (const char c : id) {
    if (c == '-') continue;
    const bool decimal = c >= '0' && c <= '9';
    if ((!decimal && (c < 'a' || c > 'f')) || digits == 2 * kBlockBytes) return std::nullopt;
    const auto value = static_cast<unsigned char>(decimal ? c - '0' : c - 'a' + 10);
    block[digits / 2] = static_cast<unsigned char>(block[digits / 2] << 4U | value);
    ++digits;
  }
  // Six of its bits are the UUID's version and variant: the 64 blocks that they may have been are tried.
  for (unsigned guess = 0; guess < 64; ++guess) {
    Block sealed = block;
    sealed[6] = static_cast<unsigned char>((block[6] & 0x0FU) | (guess & 15U) << 4U);
    sealed[8] = static_cast<unsigned char>((block[8] & 0x3FU) | (guess >> 4U) << 6U);
    const Block number = ciphers_->unname(sealed);
    if (get(number, 8, 8) != 0) continue;
    const MessageId message(get(number, 0, 8));
    if (message_id(message) == id) return message;
  }
  return std::nullopt;
}

std::string Identity::receipt_handle(const Receipt& receipt) const {
  Block plain{};
  put(plain, 0, receipt.message.value(), 8);
  put(plain, 8, receipt.queue.value(), 4);
  put(plain, 12, receipt.receive_count, 2);
  const Block sealed = ciphers_->seal(plain);
  const Block tag = ciphers_->tag(sealed);
  std::string bytes(sealed.begin(), sealed.end());
  bytes.append(tag.begin(), tag.end());
  return base64_encode(bytes);
}

std::optional<Receipt> Identity::open(std::string_view receipt_handle) const {
  constexpr std::size_t kHandleCharacters = 44;
  if (receipt_handle.size() != kHandleCharacters) return std::nullopt;
  const std::optional<std::string> bytes = base64_decode(receipt_handle);
  if (!bytes || bytes->size() != 2 * kBlockBytes) return std::nullopt;
  Block sealed{};
  std::copy_n(bytes->begin(), kBlockBytes, sealed.begin());
  const Block tag = ciphers_->tag(sealed);
  if (CRYPTO_memcmp(tag.data(), bytes->data() + kBlockBytes, kBlockBytes) != 0) return std::nullopt;
  const Block plain = ciphers_->unseal(sealed);
  return Receipt{.message = MessageId(get(plain, 0, 8)),
                 .queue = QueueId(static_cast<std::uint32_t>(get(plain, 8, 4))),
                 .receive_count = static_cast<std::uint16_t>(get(plain, 12, 2))};
}

std::string sequence_number(MessageId message) {
  // Twenty digits for every id there can be in practice: 10^19 fits into 64 bits with 8 * 10^18 to spare.
  return std::to_string(10'000'000'000'000'000'000ULL + message.value());
}

}  // namespace forewarm::sqs
