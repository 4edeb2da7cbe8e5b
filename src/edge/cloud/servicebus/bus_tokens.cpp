#include "edge/cloud/servicebus/bus_tokens.h"

#include <chrono>
#include <utility>

#include "edge/cloud/servicebus/shared_access.h"

namespace forewarm {
namespace {

constexpr std::chrono::hours kSignatureLife{1};

class KeyTokens final : public BusTokens {
 public:
  KeyTokens(std::string key_name, std::string key) : key_name_(std::move(key_name)), key_(std::move(key)) {}

  Result<BusToken> of(const std::string& resource) override {
    const auto now = std::chrono::system_clock::now();
    const std::lock_guard lock(mutex_);
    Signed& made = made_[resource];
    if (made.text.empty() || now < made.at || now >= made.at + kSignatureLife / 2) {
      const auto end =
          std::chrono::duration_cast<std::chrono::seconds>((now + kSignatureLife).time_since_epoch());
      made = {shared_access_signature(resource, key_name_, key_, end), now};
    }
    return BusToken{made.text, kBusSignature};
  }

  void renew() override {
    const std::lock_guard lock(mutex_);
    made_.clear();
  }

 private:
  struct Signed {
    std::string text{};
    std::chrono::system_clock::time_point at{};
  };
  const std::string key_name_;
  const std::string key_;
  std::mutex mutex_{};
  std::map<std::string, Signed> made_{};  ///< by resource, of which a source has two or three
};

class SignatureTokens final : public BusTokens {
 public:
  explicit SignatureTokens(std::string signature) : signature_(std::move(signature)) {}
  Result<BusToken> of(const std::string&) override { return BusToken{signature_, kBusSignature}; }
  void renew() override {}

 private:
  const std::string signature_;
};

class ReadTokens final : public BusTokens {
 public:
  ReadTokens(std::shared_ptr<BusTokens> first, std::function<Result<std::shared_ptr<BusTokens>>()> read)
      : read_(std::move(read)), now_(std::move(first)) {}
  Result<BusToken> of(const std::string& resource) override { return now()->of(resource); }
  void renew() override {
    auto read = read_();
    if (!read) return now()->renew();
    const std::lock_guard lock(mutex_);
    now_ = std::move(*read);
  }

 private:
  std::shared_ptr<BusTokens> now() {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  const std::function<Result<std::shared_ptr<BusTokens>>()> read_;
  std::mutex mutex_{};
  std::shared_ptr<BusTokens> now_;
};

class IdentityTokens final : public BusTokens {
 public:
  explicit IdentityTokens(std::shared_ptr<AzureTokenSource> credentials)
      : credentials_(std::move(credentials)) {}
  Result<BusToken> of(const std::string&) override {
    auto text = credentials_->get();
    if (!text) return std::unexpected(text.error());
    return BusToken{std::move(*text), kBusJwt};
  }
  void renew() override { credentials_->renew(); }

 private:
  const std::shared_ptr<AzureTokenSource> credentials_;
};

}  // namespace

std::shared_ptr<BusTokens> make_key_tokens(std::string key_name, std::string key) {
  return std::make_shared<KeyTokens>(std::move(key_name), std::move(key));
}

std::shared_ptr<BusTokens> make_signature_tokens(std::string signature) {
  return std::make_shared<SignatureTokens>(std::move(signature));
}

std::shared_ptr<BusTokens> make_read_tokens(std::shared_ptr<BusTokens> first,
                                            std::function<Result<std::shared_ptr<BusTokens>>()> read) {
  return std::make_shared<ReadTokens>(std::move(first), std::move(read));
}

std::shared_ptr<BusTokens> make_identity_tokens(std::shared_ptr<AzureTokenSource> credentials) {
  return std::make_shared<IdentityTokens>(std::move(credentials));
}

}  // namespace forewarm
