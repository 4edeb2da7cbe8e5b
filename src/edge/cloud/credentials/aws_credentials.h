#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "edge/cloud/credentials/surroundings.h"
#include "edge/net/aws_signature.h"

namespace forewarm {

/// AWS credentials that hold at the time. Nothing of them is in any message.
class AwsCredentialSource {
 public:
  virtual ~AwsCredentialSource() = default;
  /// Any thread. Waits only when there are none yet or those there were have run out: temporary ones are
  /// fetched anew before that. NotFound with where was looked; other errors with which place failed and how.
  virtual Result<AwsCredentials> get() = 0;
  /// AWS does not take them any more.
  virtual void renew() = 0;
};

/// The first of these that is set up, in the order of the AWS SDKs ("Standardized credential providers", AWS
/// SDKs and Tools Reference Guide):
///
/// 1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
/// 2. a web identity: AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME
/// 3. the profile AWS_PROFILE ("default") of the shared credentials and config files: its keys, its
///    web_identity_token_file and role_arn, or its role_arn assumed with the keys of its source_profile
/// 4. a container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI, AWS_CONTAINER_AUTHORIZATION_TOKEN or
///    _TOKEN_FILE
/// 5. the instance's metadata, version 2, unless AWS_EC2_METADATA_DISABLED is true
///
/// STS is at AWS_ENDPOINT_URL_STS, the metadata at AWS_EC2_METADATA_SERVICE_ENDPOINT, if these are set.
/// Single sign-on and credential_process are left out.
std::shared_ptr<AwsCredentialSource> make_aws_credentials(
    CredentialSurroundings surroundings = own_surroundings());
/// Of the same, once.
Result<AwsCredentials> find_aws_credentials();

/// AWS_REGION, AWS_DEFAULT_REGION or the profile's; empty: none is set.
std::string find_aws_region(const CredentialSurroundings& surroundings = own_surroundings());

}  // namespace forewarm
