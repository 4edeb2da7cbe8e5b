#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "edge/cloud/credentials/surroundings.h"

namespace forewarm {

/// Access tokens for one of Azure's services. Nothing of them is in any message.
class AzureTokenSource {
 public:
  virtual ~AzureTokenSource() = default;
  /// Any thread. Waits only when there is none yet or the one there was has run out. NotFound with where was
  /// looked; other errors with which place failed and how.
  virtual Result<std::string> get() = 0;
  /// The token is refused.
  virtual void renew() = 0;
};

/// The first of these that the surroundings have, in the order of Azure's own SDKs
/// ("DefaultAzureCredential"): a client secret (AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET), a
/// workload identity (AZURE_FEDERATED_TOKEN_FILE with tenant and client), the managed identity of App
/// Service, Functions and Container Apps (IDENTITY_ENDPOINT, IDENTITY_HEADER), that of a machine (IMDS, or
/// AZURE_POD_IDENTITY_AUTHORITY_HOST). AZURE_CLIENT_ID chooses among user-assigned identities;
/// AZURE_AUTHORITY_HOST is another cloud's Entra ID. `resource` is the service, such as
/// "https://servicebus.azure.net". Certificates and the tokens of the command line are left out.
std::shared_ptr<AzureTokenSource> make_azure_credentials(
    std::string resource, CredentialSurroundings surroundings = own_surroundings());

}  // namespace forewarm
