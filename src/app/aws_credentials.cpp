#include <cstdlib>
#include <fstream>

#include "app/history_remote.h"

namespace forewarm {
namespace {

std::string variable_text(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string without_blanks(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// One profile of an INI file.
AwsCredentials read_aws_profile(std::ifstream& file, const std::string& profile) {
  AwsCredentials credentials;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    line = without_blanks(line);
    if (line.starts_with('[')) inside = line == "[" + profile + "]";
    const std::size_t equals = line.find('=');
    if (!inside || equals == std::string::npos || line.starts_with('#') || line.starts_with(';')) continue;
    const std::string key = without_blanks(line.substr(0, equals));
    const std::string value = without_blanks(line.substr(equals + 1));
    if (key == "aws_access_key_id") credentials.access_key_id = value;
    if (key == "aws_secret_access_key") credentials.secret_access_key = value;
    if (key == "aws_session_token") credentials.session_token = value;
  }
  return credentials;
}

}  // namespace

Result<AwsCredentials> find_aws_credentials() {
  AwsCredentials credentials{variable_text("AWS_ACCESS_KEY_ID"), variable_text("AWS_SECRET_ACCESS_KEY"),
                             variable_text("AWS_SESSION_TOKEN")};
  if (!credentials.access_key_id.empty() && !credentials.secret_access_key.empty()) return credentials;
  std::string path = variable_text("AWS_SHARED_CREDENTIALS_FILE");
  if (path.empty()) path = variable_text("HOME") + "/.aws/credentials";
  std::string profile = variable_text("AWS_PROFILE");
  if (profile.empty()) profile = "default";
  std::ifstream file(path);
  credentials = read_aws_profile(file, profile);
  if (!credentials.access_key_id.empty() && !credentials.secret_access_key.empty()) return credentials;
  return error(ErrorCode::NotFound,
               "there are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
               "give the profile [" +
                   profile + "] of " + path + " an aws_access_key_id and an aws_secret_access_key");
}

}  // namespace forewarm
