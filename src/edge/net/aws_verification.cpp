#include "edge/net/aws_verification.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "edge/net/aws_signing.h"

namespace forewarm {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
constexpr Duration kLastsMax = 24h * 7;  ///< of a presigned request
constexpr std::size_t kSignedHeadersMax = 100;

std::unexpected<SignatureRefusal> refused(SignatureFault fault, std::string message) {
  return std::unexpected(SignatureRefusal{fault, std::move(message)});
}

std::unexpected<SignatureRefusal> incomplete(const std::string& what) {
  return refused(SignatureFault::IncompleteSignature, what);
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// A parameter of the query, decoded; nothing if it is not there.
std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  for (const std::string_view field : split(query, '&')) {
    const std::size_t equals = std::min(field.find('='), field.size());
    if (percent_decode(field.substr(0, equals), false) != name) continue;
    return percent_decode(field.substr(std::min(equals + 1, field.size())), false);
  }
  return std::nullopt;
}

/// "20260105T013000Z"
std::optional<TimePoint> read_basic_time(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t size) {
    int value = 0;
    const auto [end, failure] = std::from_chars(text.data() + at, text.data() + at + size, value);
    return failure == std::errc() && end == text.data() + at + size && value >= 0 ? value : -1;
  };
  const std::array<int, 6> parts = {number(0, 4), number(4, 2),  number(6, 2),
                                    number(9, 2), number(11, 2), number(13, 2)};
  if (std::ranges::any_of(parts, [](int part) { return part < 0; })) return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year(parts[0]),
                                        std::chrono::month(static_cast<unsigned>(parts[1])),
                                        std::chrono::day(static_cast<unsigned>(parts[2]))};
  if (!day.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 60) return std::nullopt;
  const auto days = std::chrono::sys_days(day).time_since_epoch();
  return TimePoint(std::chrono::duration_cast<Duration>(days) + std::chrono::hours(parts[3]) +
                   std::chrono::minutes(parts[4]) + std::chrono::seconds(parts[5]));
}

/// KEY/DATE/REGION/SERVICE/aws4_request
bool read_credential(std::string_view credential, SignatureClaim& claim) {
  const auto parts = split(credential, '/');
  if (parts.size() != 5 || parts[4] != "aws4_request") return false;
  if (std::ranges::any_of(parts, [](std::string_view part) { return part.empty(); })) return false;
  claim.access_key_id = parts[0];
  claim.date = parts[1];
  claim.region = parts[2];
  claim.service = parts[3];
  return true;
}

bool read_signed_headers(std::string_view list, SignatureClaim& claim) {
  const auto names = split(list, ';');
  if (names.size() > kSignedHeadersMax) return false;
  for (const std::string_view name : names) {
    if (name.empty()) return false;
    claim.signed_headers.push_back(lower_case(name));
  }
  return true;
}

SignatureResult<SignatureClaim> read_header_form(std::string_view authorization, const HttpRequest& request) {
  SignatureClaim claim;
  claim.session_token = find_header(request.headers, "X-Amz-Security-Token");
  std::string_view credential;
  std::string_view signed_headers;
  for (std::string_view part : split(authorization.substr(kAlgorithm.size()), ',')) {
    part = trimmed(part);
    const std::size_t equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? "" : part.substr(equals + 1);
    if (name == "Credential") credential = value;
    if (name == "SignedHeaders") signed_headers = value;
    if (name == "Signature") claim.signature = value;
  }
  std::string missing;
  if (credential.empty()) missing += " Authorization header requires 'Credential' parameter.";
  if (claim.signature.empty()) missing += " Authorization header requires 'Signature' parameter.";
  if (signed_headers.empty()) missing += " Authorization header requires 'SignedHeaders' parameter.";
  claim.time = find_header(request.headers, "X-Amz-Date");
  if (claim.time.empty()) {
    missing += " Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
  }
  if (!missing.empty()) return incomplete(missing.substr(1));
  if (!read_credential(credential, claim)) {
    return incomplete(
        "Credential must have exactly 5 slash-delimited elements, "
        "keyid/date/region/service/aws4_request.");
  }
  if (!read_signed_headers(signed_headers, claim)) return incomplete("SignedHeaders is malformed.");
  return claim;
}

SignatureResult<SignatureClaim> read_presigned(const HttpRequest& request) {
  const auto value = [&](std::string_view name) { return query_value(request.query, name).value_or(""); };
  SignatureClaim claim;
  claim.presigned = true;
  claim.signature = value("X-Amz-Signature");
  claim.time = value("X-Amz-Date");
  claim.session_token = value("X-Amz-Security-Token");
  const std::string expires = value("X-Amz-Expires");
  const std::string credential = value("X-Amz-Credential");
  const std::string signed_headers = value("X-Amz-SignedHeaders");
  if (value("X-Amz-Algorithm") != kAlgorithm)
    return incomplete("AWS query-string parameters must include X-Amz-Algorithm=AWS4-HMAC-SHA256.");
  for (const std::string_view name :
       {"X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date", "X-Amz-Expires"}) {
    if (value(name).empty())
      return incomplete("AWS query-string parameters must include '" + std::string(name) +
                        "'. Re-examine the query-string parameters.");
  }
  std::int64_t seconds = 0;
  const auto [end, failure] = std::from_chars(expires.data(), expires.data() + expires.size(), seconds);
  const bool whole = failure == std::errc() && end == expires.data() + expires.size();
  if (!whole || seconds < 1 || seconds > std::chrono::duration_cast<std::chrono::seconds>(kLastsMax).count())
    return incomplete("X-Amz-Expires must be a whole number from 1 to 604800.");
  claim.lasts = std::chrono::seconds(seconds);
  if (!read_credential(credential, claim)) {
    return incomplete(
        "Credential must have exactly 5 slash-delimited elements, "
        "keyid/date/region/service/aws4_request.");
  }
  if (!read_signed_headers(signed_headers, claim)) return incomplete("X-Amz-SignedHeaders is malformed.");
  return claim;
}

bool is_signed(const SignatureClaim& claim, std::string_view name) {
  return std::ranges::find(claim.signed_headers, name) != claim.signed_headers.end();
}

/// All that steers the request must be signed; a header that anyone on the way may add must not count.
SignatureResult<void> check_headers(const SignatureClaim& claim, const HttpRequest& request) {
  if (!is_signed(claim, "host"))
    return refused(SignatureFault::SignatureDoesNotMatch, "'Host' must be a signed header.");
  for (const auto& [name, value] : request.headers) {
    const std::string lowered = lower_case(name);
    if (lowered.starts_with("x-amz-") && !is_signed(claim, lowered)) {
      return refused(SignatureFault::SignatureDoesNotMatch,
                     "'" + lowered + "' must be a signed header: it is in the request.");
    }
  }
  return {};
}

SignatureResult<void> check_time(const SignatureClaim& claim, const VerificationTerms& terms) {
  const std::optional<TimePoint> signed_at = read_basic_time(claim.time);
  if (!signed_at) {
    return incomplete("Date must be in ISO-8601 'basic format'. Got '" + claim.time.substr(0, 32) +
                      "'. See http://en.wikipedia.org/wiki/ISO_8601");
  }
  if (claim.date != std::string_view(claim.time).substr(0, 8)) {
    return refused(
        SignatureFault::SignatureDoesNotMatch,
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" +
            claim.date.substr(0, 32) + "' != '" + claim.time.substr(0, 8) + "'.");
  }
  if (*signed_at > saturating_add(terms.now, terms.skew_max)) {
    return refused(
        SignatureFault::RequestExpired,
        "Signature not yet current: " + claim.time + " is later than the server's time by more than " +
            std::to_string(std::chrono::duration_cast<std::chrono::minutes>(terms.skew_max).count()) +
            " min.");
  }
  const Duration lasts = claim.presigned ? claim.lasts : terms.skew_max;
  if (saturating_add(*signed_at, lasts) < terms.now) {
    return refused(
        SignatureFault::RequestExpired,
        "Signature expired: " + claim.time + " is now earlier than the server's time by more than " +
            std::to_string(std::chrono::duration_cast<std::chrono::seconds>(lasts).count()) + " s.");
  }
  return {};
}

/// The values of all headers of that name, spaces folded.
std::string canonical_value(const HttpRequest& request, std::string_view lowered) {
  std::string out;
  bool first = true;
  for (const auto& [name, value] : request.headers) {
    if (lower_case(name) != lowered) continue;
    if (!first) out += ',';
    first = false;
    bool space = false;
    for (const char c : trimmed(value)) {
      if (c == ' ' && space) continue;
      space = c == ' ';
      out += c;
    }
  }
  return out;
}

std::string expected_signature(const SignatureClaim& claim, const HttpRequest& request,
                               std::string_view payload_hash, std::string_view secret) {
  std::string lines;
  std::string names;
  for (const std::string& name : claim.signed_headers) {
    lines += name + ":" + canonical_value(request, name) + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string path = aws::canonical_path(request.path.empty() ? "/" : request.path, claim.service);
  const std::string query = aws::canonical_query(request.query, claim.presigned ? "X-Amz-Signature" : "");
  return aws::signature_of({request.method, path, query, lines, names, payload_hash},
                           {claim.time, claim.date, claim.region, claim.service}, secret);
}

bool equal_in_constant_time(std::string_view left, std::string_view right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace

SignatureResult<SignatureClaim> read_signature(const HttpRequest& request) {
  const std::string_view authorization = trimmed(find_header(request.headers, "Authorization"));
  if (authorization.starts_with(kAlgorithm)) return read_header_form(authorization, request);
  if (!authorization.empty()) {
    return incomplete("Authorization header must begin with AWS4-HMAC-SHA256.");
  }
  if (query_value(request.query, "X-Amz-Algorithm") || query_value(request.query, "X-Amz-Signature") ||
      query_value(request.query, "X-Amz-Credential"))
    return read_presigned(request);
  return refused(SignatureFault::MissingAuthenticationToken, "Request is missing Authentication Token");
}

SignatureResult<void> verify_signature(const SignatureClaim& claim, const HttpRequest& request,
                                       const VerificationTerms& terms) {
  if (!equal_in_constant_time(claim.session_token, terms.session_token)) {
    return refused(SignatureFault::InvalidClientTokenId,
                   "The security token included in the request is invalid.");
  }
  if (claim.service != terms.service) {
    return refused(SignatureFault::SignatureDoesNotMatch,
                   "Credential should be scoped to correct service: '" + std::string(terms.service) + "'.");
  }
  if (auto headers = check_headers(claim, request); !headers) return headers;
  if (auto time = check_time(claim, terms); !time) return time;
  const std::string body_hash = aws::sha256_hex(request.body);
  std::string payload_hash(find_header(request.headers, "X-Amz-Content-Sha256"));
  if (payload_hash.empty())
    payload_hash = query_value(request.query, "X-Amz-Content-Sha256").value_or(body_hash);
  if (payload_hash != body_hash && payload_hash != kUnsignedPayload) {
    return refused(SignatureFault::SignatureDoesNotMatch,
                   "The provided 'x-amz-content-sha256' header does not match what was computed.");
  }
  if (equal_in_constant_time(expected_signature(claim, request, payload_hash, terms.secret_access_key),
                             claim.signature)) {
    return {};
  }
  return refused(
      SignatureFault::SignatureDoesNotMatch,
      "The request signature we calculated does not match the signature you provided. Check your AWS "
      "Secret Access Key and signing method. Consult the service documentation for details.");
}

}  // namespace forewarm
