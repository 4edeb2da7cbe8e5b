#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "base/time.h"
#include "edge/net/http.h"

namespace forewarm {

/// Why a signed request is not taken; named as AWS's common errors are.
enum class SignatureFault : std::uint8_t {
  MissingAuthenticationToken,
  IncompleteSignature,
  InvalidClientTokenId,
  RequestExpired,
  SignatureDoesNotMatch,
};
struct SignatureRefusal {
  SignatureFault fault = SignatureFault::MissingAuthenticationToken;
  std::string message;
};
template <class T>
using SignatureResult = std::expected<T, SignatureRefusal>;

/// What a request says of its Signature Version 4, in the header Authorization or in its query (presigned).
struct SignatureClaim {
  std::string access_key_id;
  std::string date;  ///< of the credential scope
  std::string region;
  std::string service;
  std::string time;                         ///< "20260105T013000Z"
  std::vector<std::string> signed_headers;  ///< lower case, as listed
  std::string signature;
  std::string session_token;  ///< empty: none
  bool presigned = false;
  Duration lasts = Duration(0);  ///< presigned: from `time` on
};

/// Pure. Says MissingAuthenticationToken or IncompleteSignature; nothing of keys, times or digests.
SignatureResult<SignatureClaim> read_signature(const HttpRequest& request);

struct VerificationTerms {
  std::string_view secret_access_key;
  std::string_view session_token;  ///< that goes with the key; empty: none
  std::string_view service;
  TimePoint now;
  Duration skew_max = 15min;
};
/// Recomputes the signature and compares it in constant time. Source: AWS General Reference, "Signing AWS API
/// requests"; "Authenticating Requests: Using Query Parameters" for presigned ones.
SignatureResult<void> verify_signature(const SignatureClaim& claim, const HttpRequest& request,
                                       const VerificationTerms& terms);

}  // namespace forewarm
