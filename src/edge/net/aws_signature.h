#pragma once

#include <string>

#include "base/time.h"
#include "edge/net/fetch.h"

namespace forewarm {

struct AwsCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token{};  ///< of temporary credentials; empty: none
};

struct AwsScope {
  std::string region;
  std::string service;
  TimePoint time;
};

/// Signs a request with Signature Version 4 (AWS General Reference, "Signing AWS API requests"): adds the
/// headers Host, X-Amz-Date, X-Amz-Security-Token and Authorization. All headers that the request has are
/// signed. The path and the query of its URL must be percent-encoded already, as percent_encode does it. For
/// S3
/// ("Authenticating Requests: Using the Authorization Header") also X-Amz-Content-Sha256.
void sign(FetchRequest& request, const AwsCredentials& credentials, const AwsScope& scope);

}  // namespace forewarm
