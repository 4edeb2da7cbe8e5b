#pragma once

#include <string>
#include <string_view>

namespace forewarm::aws {

// What signing and verifying share of Signature Version 4 (AWS General Reference, "Create a signed AWS API
// request").

/// Lower-case hexadecimal.
std::string sha256_hex(std::string_view text);
/// The parameters, encoded anew and sorted by name and value, each with its '='; without the one named.
std::string canonical_query(std::string_view query, std::string_view without = {});
/// Encoded once more, as every service but S3 wants it.
std::string canonical_path(std::string_view path, std::string_view service);

struct Request {
  std::string_view method;
  std::string_view path;   ///< canonical
  std::string_view query;  ///< canonical
  std::string_view header_lines;
  std::string_view header_names;
  std::string_view payload_hash;
};
struct Scope {
  std::string_view time;  ///< "20260105T013000Z"
  std::string_view date;  ///< "20260105"
  std::string_view region;
  std::string_view service;
};
/// "20260105/us-east-1/sqs/aws4_request"
std::string credential_scope(const Scope& scope);
/// 64 hexadecimal digits.
std::string signature_of(const Request& request, const Scope& scope, std::string_view secret_access_key);

}  // namespace forewarm::aws
