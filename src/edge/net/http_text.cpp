#include "edge/net/http_text.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

#include "edge/net/http.h"

namespace forewarm {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

Result<Endpoint> bad_endpoint(std::string_view text) {
  return error(ErrorCode::Invalid,
               "expected HOST:PORT, [IPV6]:PORT, :PORT or PORT with a port from 0 to 65535, got \"" +
                   std::string(text) + "\"");
}

bool is_host_character(char c) {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c == '.' || c == '-' || c == '_';
}

bool is_address_character(char c) {
  return hex_digit(c) >= 0 || c == ':' || c == '.' || c == '%' || (lower(c) >= 'a' && lower(c) <= 'z');
}

template <class Accepts>
bool consists_of(std::string_view text, Accepts accepts) {
  for (const char c : text) {
    if (!accepts(c)) return false;
  }
  return !text.empty();
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  Endpoint endpoint;
  std::string_view port = text;
  if (text.starts_with('[')) {
    const std::size_t end = text.find("]:");
    if (end == std::string_view::npos) return bad_endpoint(text);
    const std::string_view host = text.substr(1, end - 1);
    const bool address = consists_of(host, is_address_character) && host.find(':') != std::string_view::npos;
    if (!address) return bad_endpoint(text);
    endpoint.host = host;
    port = text.substr(end + 2);
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    const std::string_view host = text.substr(0, colon);
    if (!host.empty()) {
      if (!consists_of(host, is_host_character)) return bad_endpoint(text);
      endpoint.host = host;
    }
    port = text.substr(colon + 1);
  }
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (port.empty() || failed != std::errc() || end != port.data() + port.size()) return bad_endpoint(text);
  return endpoint;
}

std::string to_string(const Endpoint& endpoint) {
  const bool v6 = endpoint.host.find(':') != std::string::npos;
  return (v6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

bool is_loopback(const Endpoint& endpoint) {
  if (equal_ignoring_case(endpoint.host, "localhost") || endpoint.host == "::1") return true;
  // Only a whole IPv4 address counts: 127.example.com is a name like any other.
  const auto digit_or_dot = [](char c) { return (c >= '0' && c <= '9') || c == '.'; };
  return endpoint.host.starts_with("127.") && consists_of(endpoint.host, digit_or_dot);
}

std::string_view find_header(const HttpHeaders& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return {};
}

std::string percent_encode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::string percent_decode(std::string_view text, bool form) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      decoded += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      decoded += form && text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    pairs.emplace_back(percent_decode(pair.substr(0, equals), true), percent_decode(value, true));
  }
  return pairs;
}

bool names_this_machine(std::string_view host) {
  if (host.starts_with('[')) {
    host = host.substr(0, host.find(']') + 1);
  } else {
    host = host.substr(0, host.rfind(':'));
  }
  constexpr std::string_view kBelow = ".localhost";  // RFC 6761 section 6.3
  if (host.size() > kBelow.size() && equal_ignoring_case(host.substr(host.size() - kBelow.size()), kBelow))
    return true;
  return equal_ignoring_case(host, "localhost") || host == "127.0.0.1" || host == "[::1]";
}

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

void append_header(std::string& head, std::string_view name, std::string_view value) {
  const std::size_t start = head.size();
  head.append(name).append(": ").append(value);
  // A line break in a value that came from a user must not start a header or a body of the user's.
  for (char* at = head.data() + start; at != head.data() + head.size(); ++at) {
    if (static_cast<unsigned char>(*at) < 0x20 && *at != '\t') *at = ' ';
  }
  head.append("\r\n");
}

}  // namespace forewarm
