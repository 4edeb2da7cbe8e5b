#include "edge/net/aws_signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <string_view>
#include <vector>

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

/// Fields sorted by their bytes, each with its '='.
std::string canonical_query(const std::string& query) {
  std::vector<std::string> fields;
  for (std::size_t at = 0; at < query.size();) {
    const std::size_t end = std::min(query.find('&', at), query.size());
    std::string field = query.substr(at, end - at);
    if (field.find('=') == std::string::npos) field += '=';
    fields.push_back(std::move(field));
    at = end + 1;
  }
  std::ranges::sort(fields);
  std::string out;
  for (const std::string& field : fields) out += (out.empty() ? "" : "&") + field;
  return out;
}

/// Encoded once more, as every service but S3 wants it.
std::string canonical_path(const std::string& path, const std::string& service) {
  if (service == "s3") return path;
  std::string out;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (at > 0) out += '/';
    out += percent_encode(std::string_view(path).substr(at, end - at));
    at = end + 1;
  }
  return out;
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

void sign(FetchRequest& request, const AwsCredentials& credentials, const AwsScope& scope) {
  const UrlParts url = parts_of(request.url);
  const std::string time = basic_time(scope.time);
  request.headers.emplace_back("Host", url.host);
  request.headers.emplace_back("X-Amz-Date", time);
  if (scope.service == "s3") request.headers.emplace_back("X-Amz-Content-Sha256", hex(sha256(request.body)));
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
  const std::string canonical = request.method + "\n" + canonical_path(url.path, scope.service) + "\n" +
                                canonical_query(url.query) + "\n" + lines + "\n" + names + "\n" +
                                hex(sha256(request.body));
  const std::string date = time.substr(0, 8);
  const std::string place = date + "/" + scope.region + "/" + scope.service + "/aws4_request";
  const std::string to_sign = "AWS4-HMAC-SHA256\n" + time + "\n" + place + "\n" + hex(sha256(canonical));
  Digest key = hmac("AWS4" + credentials.secret_access_key, date);
  for (const std::string_view part :
       {std::string_view(scope.region), std::string_view(scope.service), std::string_view("aws4_request")})
    key = hmac(bytes_of(key), part);
  request.headers.emplace_back("Authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.access_key_id +
                                                    "/" + place + ", SignedHeaders=" + names +
                                                    ", Signature=" + hex(hmac(bytes_of(key), to_sign)));
}

}  // namespace forewarm
