#include "app/source_url.h"

#include <algorithm>
#include <charconv>

#include "app/config_fields.h"
#include "edge/net/http.h"

namespace forewarm {
namespace {

template <class T>
std::optional<T> whole(std::string_view text) {
  T value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view cut(std::string_view& rest, std::string_view delimiter) {
  const auto at = rest.find(delimiter);
  const auto part = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + delimiter.size());
  return part;
}

Result<void> read_authority(std::string_view authority, SourceUrl& url) {
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    std::string_view user = authority.substr(0, at);
    url.user = percent_decode(cut(user, ":"), false);
    url.password = percent_decode(user, false);
    authority.remove_prefix(at + 1);
  }
  std::string_view port;
  if (authority.starts_with('[')) {
    authority.remove_prefix(1);
    url.host = cut(authority, "]");
    if (authority.starts_with(':')) port = authority.substr(1);
  } else {
    url.host = cut(authority, ":");
    port = authority;
  }
  if (url.host.empty())
    return error(ErrorCode::Invalid, "a source's URL has no host after " + url.scheme + "://");
  if (port.empty()) return {};
  url.port = whole<std::uint16_t>(port);
  if (!url.port) {
    // It may be a part of a password, so it is not shown.
    return error(ErrorCode::Invalid,
                 "a source's URL has no port up to 65535 after its host and ':' (a '/', '?' or '@' in the "
                 "password is written %2F, %3F, %40)");
  }
  return {};
}

}  // namespace

std::string SourceUrl::shown() const {
  std::string text = scheme + "://" + host;
  if (port) text += ":" + std::to_string(*port);
  for (const auto& segment : segments) text += "/" + percent_encode(segment);
  return text;
}

Result<SourceUrl> parse_source_url(std::string_view text) {
  SourceUrl url;
  if (!text.contains("://")) {
    return error(ErrorCode::Invalid,
                 "a source is given by its URL: SCHEME://HOST/...; there is no :// in what was given");
  }
  url.scheme = cut(text, "://");
  std::string_view query = text;
  std::string_view path = cut(query, "?");
  if (auto read = read_authority(cut(path, "/"), url); !read) return std::unexpected(read.error());
  while (!path.empty()) {
    if (const auto segment = cut(path, "/"); !segment.empty())
      url.segments.push_back(percent_decode(segment, false));
  }
  url.options = parse_query(query);
  return url;
}

std::optional<std::string> SourceUrlOptions::take(std::string_view name) {
  known_ += (known_.empty() ? "" : ", ") + std::string(name);
  const auto found = std::ranges::find(left_, name, &std::pair<std::string, std::string>::first);
  if (found == left_.end()) return std::nullopt;
  std::string value = std::move(found->second);
  left_.erase(found);
  return value;
}

void SourceUrlOptions::refuse(std::string_view name, const std::string& what) {
  if (!error_)
    error_ = Error{ErrorCode::Invalid, url_.shown() + ": option " + std::string(name) + " " + what};
}

void SourceUrlOptions::text(std::string_view name, std::string& value) {
  if (auto given = take(name)) value = std::move(*given);
}

void SourceUrlOptions::flag(std::string_view name, bool& value) {
  const auto given = take(name);
  if (!given) return;
  if (*given != "true" && *given != "false") refuse(name, "is '" + *given + "'; expected true or false");
  value = *given == "true";
}

void SourceUrlOptions::seconds(std::string_view name, std::chrono::seconds& value) {
  Duration exact = value;
  duration(name, exact);
  value = std::chrono::duration_cast<std::chrono::seconds>(exact);
  if (value.count() < 1) refuse(name, "is shorter than a second; expected 1s or more");
}

void SourceUrlOptions::duration(std::string_view name, Duration& value) {
  const auto given = take(name);
  if (!given) return;
  const auto parsed = parse_duration(*given);
  if (parsed) {
    value = *parsed;
  } else {
    refuse(name, "is not right: " + parsed.error().message);
  }
}

void SourceUrlOptions::number(std::string_view name, std::optional<std::uint32_t>& value) {
  const auto given = take(name);
  if (!given) return;
  value = whole<std::uint32_t>(*given);
  if (!value) refuse(name, "is '" + *given + "'; expected a whole number");
}

Result<void> SourceUrlOptions::finish() const {
  if (error_) return std::unexpected(*error_);
  if (left_.empty()) return {};
  return error(ErrorCode::Invalid,
               url_.shown() + ": there is no option '" + left_.front().first + "'; there are " + known_);
}

}  // namespace forewarm
