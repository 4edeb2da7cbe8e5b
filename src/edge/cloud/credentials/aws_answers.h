#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "edge/cloud/credentials/refreshed.h"
#include "edge/net/aws_signature.h"

namespace forewarm {

/// {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"} of containers and of the instance's metadata.
/// Corrupt, without anything of the text, if it is not as documented.
Result<Expiring<AwsCredentials>> parse_metadata_credentials(std::string_view text);
/// The Credentials of an answer of AssumeRole or AssumeRoleWithWebIdentity (AWS STS API Reference).
Result<Expiring<AwsCredentials>> parse_sts_credentials(std::string_view xml);
/// "Code: Message" of an error of STS; empty if it is none.
std::string parse_sts_failure(std::string_view xml);

}  // namespace forewarm
