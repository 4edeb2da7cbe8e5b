#include "edge/cloud/credentials/aws_answers.h"

#include <boost/json.hpp>

#include "edge/cloud/credentials/surroundings.h"

namespace forewarm {
namespace {

/// STS answers with elements that have neither attributes nor escaped text.
std::string element_text(std::string_view xml, const std::string& name) {
  const std::string open = "<" + name + ">";
  const auto begin = xml.find(open);
  if (begin == std::string_view::npos) return "";
  const auto end = xml.find("</" + name + ">", begin);
  if (end == std::string_view::npos) return "";
  return std::string(xml.substr(begin + open.size(), end - begin - open.size()));
}

Result<Expiring<AwsCredentials>> checked(AwsCredentials credentials, const std::string& until) {
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty())
    return error(ErrorCode::Corrupt, "the answer has no AccessKeyId and SecretAccessKey");
  Expiring<AwsCredentials> made{std::move(credentials)};
  if (!until.empty()) {
    made.until = parse_utc_time(until);
    if (*made.until == TimePoint())
      return error(ErrorCode::Corrupt, "the answer's Expiration is no time like 2026-01-05T01:30:00Z");
  }
  return made;
}

}  // namespace

Result<Expiring<AwsCredentials>> parse_metadata_credentials(std::string_view text) {
  boost::system::error_code failure;
  const auto value = boost::json::parse({text.data(), text.size()}, failure);
  if (failure || !value.is_object()) return error(ErrorCode::Corrupt, "the answer is no JSON object");
  const auto member = [&value](const char* name) {
    const auto* found = value.get_object().if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
  };
  if (const auto code = member("Code"); !code.empty() && code != "Success")
    return error(ErrorCode::NotFound, "the answer is " + code + ": " + member("Message"));
  return checked({member("AccessKeyId"), member("SecretAccessKey"), member("Token")}, member("Expiration"));
}

Result<Expiring<AwsCredentials>> parse_sts_credentials(std::string_view xml) {
  return checked({element_text(xml, "AccessKeyId"), element_text(xml, "SecretAccessKey"),
                  element_text(xml, "SessionToken")},
                 element_text(xml, "Expiration"));
}

std::string parse_sts_failure(std::string_view xml) {
  const std::string code = element_text(xml, "Code");
  return code.empty() ? "" : code + ": " + element_text(xml, "Message");
}

}  // namespace forewarm
