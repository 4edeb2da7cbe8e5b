#pragma once

#include <string>
#include <vector>

namespace forewarm {

/// One [[access_key]]: who may use the SQS endpoint, and for what.
struct AccessKeyConfig {
  std::string id;
  std::string secret_file;
  std::string session_token_file;
  std::vector<std::string> queues = {"*"};
  std::vector<std::string> actions = {"send", "receive", "manage"};

  friend bool operator==(const AccessKeyConfig&, const AccessKeyConfig&) = default;
};

/// One [[admin_token]]: who may use the admin port, and for what.
struct AdminTokenConfig {
  std::string name;
  std::string role = "read";
  std::string token_file;

  friend bool operator==(const AdminTokenConfig&, const AdminTokenConfig&) = default;
};

}  // namespace forewarm
