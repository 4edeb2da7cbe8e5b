#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "base/result.h"
#include "edge/net/http.h"
#include "edge/sqs/request.h"
#include "edge/sqs/sqs_error.h"

namespace forewarm {

/// A key whose secret has been read.
struct AccessKey {
  std::string id;
  std::string secret;
  std::string session_token;        ///< that must come with it; empty: none
  std::vector<std::string> queues;  ///< globs of the names that it is good for
  bool send = false;
  bool receive = false;
  bool manage = false;

  bool good_for(std::string_view queue) const;
};

/// Who may ask what of the SQS endpoint: the [[access_key]] tables of the configuration. Without any, nobody
/// is asked who they are.
class AccessKeys {
 public:
  AccessKeys() = default;
  /// NotFound or Invalid with the key's id and the file.
  static Result<AccessKeys> load(const std::vector<AccessKeyConfig>& configured);

  bool empty() const { return keys_.empty(); }
  /// Whose request it is, by its Signature Version 4; or the refusal.
  sqs::SqsResult<const AccessKey*> authenticate(const HttpRequest& request, TimePoint wall_clock) const;
  /// AccessDenied unless the key may do this to the queue that the request names. ListQueues is always
  /// allowed: what it answers is to be cut down to what the key is good for.
  static sqs::SqsResult<void> authorize(const AccessKey& key, const sqs::Request& request);

 private:
  std::vector<AccessKey> keys_;
};

/// `*` is any number of characters, `?` is one.
bool matches_glob(std::string_view pattern, std::string_view text);

}  // namespace forewarm
