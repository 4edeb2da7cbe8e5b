#include "edge/cloud/credentials/aws_profile.h"

#include <fstream>

namespace forewarm {
namespace {

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// "[profile  NAME]" becomes "profile NAME".
std::string section_name(const std::string& line) {
  std::string name = trimmed(line.substr(1, line.find(']') - 1));
  if (name.starts_with("profile ") || name.starts_with("profile\t"))
    name = "profile " + trimmed(name.substr(8));
  return name;
}

/// Settings that are there already stay. Lines that are indented belong to the setting above ("s3 =").
bool read_section(const std::string& path, const std::string& wanted, const std::string& or_wanted,
                  std::map<std::string, std::string>& settings) {
  std::ifstream file(path);
  bool inside = false;
  bool present = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(' ') || line.starts_with('\t')) continue;
    line = trimmed(line);
    if (line.empty() || line.starts_with('#') || line.starts_with(';')) continue;
    if (line.starts_with('[')) {
      const std::string name = section_name(line);
      inside = name == wanted || name == or_wanted;
      present = present || inside;
      continue;
    }
    const std::size_t equals = line.find('=');
    if (inside && equals != std::string::npos)
      settings.emplace(trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
  }
  return present;
}

}  // namespace

std::string AwsProfile::setting(const std::string& key) const {
  const auto found = settings.find(key);
  return found == settings.end() ? "" : found->second;
}

std::string aws_profile_name(const CredentialSurroundings& surroundings) {
  for (const char* name : {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}) {
    if (auto given = surroundings.variable(name); !given.empty()) return given;
  }
  return "default";
}

AwsProfile read_aws_profile(const CredentialSurroundings& surroundings, const std::string& name) {
  const std::string home = surroundings.variable("HOME") + "/.aws/";
  std::string credentials = surroundings.variable("AWS_SHARED_CREDENTIALS_FILE");
  if (credentials.empty()) credentials = home + "credentials";
  std::string config = surroundings.variable("AWS_CONFIG_FILE");
  if (config.empty()) config = home + "config";
  AwsProfile profile{.name = name, .files = credentials + " and " + config};
  profile.present = read_section(credentials, name, name, profile.settings);
  const bool also =
      read_section(config, "profile " + name, name == "default" ? name : "profile " + name, profile.settings);
  profile.present = profile.present || also;
  return profile;
}

}  // namespace forewarm
