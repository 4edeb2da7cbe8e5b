#include "edge/net/aws_signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <string_view>
#include <vector>

#include "edge/net/aws_signing.h"

namespace forewarm {
namespace {

using Digest = std::array<unsigned char, 32>;

std::string_view bytes_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string hex(const Digest& digest) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : digest) (text += kDigits[byte >> 4]) += kDigits[byte & 15];
  return text;
}

Digest sha256(std::string_view text) {
  Digest digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

Digest hmac(std::string_view key, std::string_view text) {
  Digest digest{};
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), nullptr);
  return digest;
}

std::string_view text_before(std::string_view& rest, char end) {
  const std::size_t at = std::min(rest.find(end), rest.size());
  const std::string_view text = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return text;
}

struct UrlParts {
  std::string host;
  std::string path = "/";
  std::string query;
};

UrlParts parts_of(const std::string& url) {
  UrlParts parts;
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t end = std::min(url.find_first_of("/?", begin), url.size());
  parts.host = url.substr(begin, end - begin);
  const std::size_t question = std::min(url.find('?', end), url.size());
  if (question > end) parts.path = url.substr(end, question - end);
  if (question < url.size()) parts.query = url.substr(question + 1);
  return parts;
}

/// "20260105T013000Z"
std::string basic_time(TimePoint time) {
  const std::chrono::sys_seconds seconds(std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()));
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(seconds - day);
  const auto two = [](auto number) {
    const std::string text = std::to_string(number);
    return text.size() < 2 ? "0" + text : text;
  };
  return std::to_string(static_cast<int>(date.year())) + two(static_cast<unsigned>(date.month())) +
         two(static_cast<unsigned>(date.day())) + "T" + two(clock.hours().count()) +
         two(clock.minutes().count()) + two(clock.seconds().count()) + "Z";
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

}  // namespace

namespace aws {

std::string sha256_hex(std::string_view text) {
  return hex(sha256(text));
}

std::string canonical_query(std::string_view query, std::string_view without) {
  std::vector<std::pair<std::string, std::string>> fields;
  while (!query.empty()) {
    std::string_view value = text_before(query, '&');
    if (value.empty()) continue;
    const std::string name = percent_decode(text_before(value, '='), false);
    if (without.empty() || name != without)
      fields.emplace_back(percent_encode(name), percent_encode(percent_decode(value, false)));
  }
  std::ranges::sort(fields);
  std::string out;
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out += '&';
    out += name + '=' + value;
  }
  return out;
}

std::string canonical_path(std::string_view path, std::string_view service) {
  if (service == "s3") return std::string(path);
  std::string out;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (at > 0) out += '/';
    out += percent_encode(path.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string credential_scope(const Scope& scope) {
  std::string text(scope.date);
  for (const std::string_view part : {scope.region, scope.service, std::string_view("aws4_request")})
    (text += '/') += part;
  return text;
}

std::string signature_of(const Request& request, const Scope& scope, std::string_view secret_access_key) {
  std::string canonical(request.method);
  for (const std::string_view part :
       {request.path, request.query, request.header_lines, request.header_names, request.payload_hash})
    (canonical += '\n') += part;
  const std::string to_sign = "AWS4-HMAC-SHA256\n" + std::string(scope.time) + "\n" +
                              credential_scope(scope) + "\n" + sha256_hex(canonical);
  Digest key = hmac("AWS4" + std::string(secret_access_key), scope.date);
  for (const std::string_view part : {scope.region, scope.service, std::string_view("aws4_request")})
    key = hmac(bytes_of(key), part);
  return hex(hmac(bytes_of(key), to_sign));
}

}  // namespace aws

void sign(FetchRequest& request, const AwsCredentials& credentials, const AwsScope& scope) {
  const UrlParts url = parts_of(request.url);
  const std::string time = basic_time(scope.time);
  request.headers.emplace_back("Host", url.host);
  request.headers.emplace_back("X-Amz-Date", time);
  const std::string payload_hash = aws::sha256_hex(request.body);
  if (scope.service == "s3") request.headers.emplace_back("X-Amz-Content-Sha256", payload_hash);
  if (!credentials.session_token.empty())
    request.headers.emplace_back("X-Amz-Security-Token", credentials.session_token);
  std::map<std::string, std::string> headers;
  for (const auto& [name, value] : request.headers) headers[lower(name)] = value;
  std::string lines;
  std::string names;
  for (const auto& [name, value] : headers) {
    lines += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string path = aws::canonical_path(url.path, scope.service);
  const std::string query = aws::canonical_query(url.query);
  const aws::Scope place{time, std::string_view(time).substr(0, 8), scope.region, scope.service};
  const std::string signature = aws::signature_of({request.method, path, query, lines, names, payload_hash},
                                                  place, credentials.secret_access_key);
  request.headers.emplace_back("Authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.access_key_id +
                                                    "/" + aws::credential_scope(place) +
                                                    ", SignedHeaders=" + names + ", Signature=" + signature);
}

}  // namespace forewarm
