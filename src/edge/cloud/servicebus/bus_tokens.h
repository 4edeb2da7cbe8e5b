#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "edge/cloud/credentials/azure_credentials.h"

namespace forewarm {

/// The types of a token in put-token (Azure, "AMQP 1.0 protocol guide", claims-based authorization).
inline constexpr std::string_view kBusJwt = "jwt";
inline constexpr std::string_view kBusSignature = "servicebus.windows.net:sastoken";

struct BusToken {
  std::string text;
  std::string_view type;

  friend bool operator==(const BusToken&, const BusToken&) = default;
};

/// What a namespace lets us in with. Any thread.
class BusTokens {
 public:
  virtual ~BusTokens() = default;
  /// For a resource such as sb://HOST/QUEUE. The same one again until it is time for another, so whoever asks
  /// now and then sees when to send a new one.
  virtual Result<BusToken> of(const std::string& resource) = 0;
  /// The one that was given last is refused.
  virtual void renew() = 0;
};

/// Signs with the key of a shared access policy: each signature holds an hour and is replaced after half of
/// it.
std::shared_ptr<BusTokens> make_key_tokens(std::string key_name, std::string key);
/// A signature that somebody else has made, for as long as it holds.
std::shared_ptr<BusTokens> make_signature_tokens(std::string signature);
/// Those of a file that somebody may write anew: it is read again when one of `first` is refused. What cannot
/// be read changes nothing.
std::shared_ptr<BusTokens> make_read_tokens(std::shared_ptr<BusTokens> first,
                                            std::function<Result<std::shared_ptr<BusTokens>>()> read);
std::shared_ptr<BusTokens> make_identity_tokens(std::shared_ptr<AzureTokenSource> credentials);

}  // namespace forewarm
