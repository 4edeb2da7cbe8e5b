#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "edge/cloud/credentials/surroundings.h"

namespace forewarm {

/// Access tokens for Google's APIs, or ID tokens for services. Nothing of them is in any message.
class GoogleTokenSource {
 public:
  virtual ~GoogleTokenSource() = default;
  /// Any thread. Waits only when there is none yet or the one there was has run out. NotFound with where was
  /// looked; other errors with which place failed and how.
  virtual Result<std::string> get() = 0;
  /// The token is refused.
  virtual void renew() = 0;
};

/// Application default credentials (Google Cloud, "How Application Default Credentials works"): the file
/// GOOGLE_APPLICATION_CREDENTIALS, then application_default_credentials.json in CLOUDSDK_CONFIG or
/// ~/.config/gcloud, then the metadata server (GCE_METADATA_HOST). Files are a service account's key, whose
/// JWT (RFC 7523) is exchanged at its token_uri, or an authorized user's refresh token. Federated identities
/// ("external_account") are left out.
std::shared_ptr<GoogleTokenSource> make_google_credentials(
    std::string scope = "https://www.googleapis.com/auth/cloud-platform",
    CredentialSurroundings surroundings = own_surroundings());

/// From the same places ID tokens (OpenID Connect Core) that say to `audience`, a Cloud Run service or a
/// function by its URL, who calls (Google Cloud, "Get an ID token"): a service account's key signs a JWT with
/// the claim target_audience, the metadata server has them at .../identity. An authorized user has none for
/// audiences: Invalid says so.
std::shared_ptr<GoogleTokenSource> make_google_id_tokens(
    std::string audience, CredentialSurroundings surroundings = own_surroundings());

}  // namespace forewarm
