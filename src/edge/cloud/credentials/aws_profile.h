#pragma once

#include <map>
#include <string>

#include "edge/cloud/credentials/surroundings.h"

namespace forewarm {

/// One profile of the shared credentials file (AWS_SHARED_CREDENTIALS_FILE, ~/.aws/credentials) and the
/// config file (AWS_CONFIG_FILE, ~/.aws/config), where it is called [profile NAME]. The former wins.
struct AwsProfile {
  std::string name;
  std::string files;     ///< where was looked, for messages
  bool present = false;  ///< in either of them
  std::map<std::string, std::string> settings{};

  /// Empty if there is none.
  std::string setting(const std::string& key) const;
};
AwsProfile read_aws_profile(const CredentialSurroundings& surroundings, const std::string& name);
/// AWS_PROFILE, AWS_DEFAULT_PROFILE or "default".
std::string aws_profile_name(const CredentialSurroundings& surroundings);

}  // namespace forewarm
