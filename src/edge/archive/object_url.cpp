#include "edge/archive/object_url.h"

#include <algorithm>

#include "edge/net/http.h"

namespace forewarm {
namespace {

std::unexpected<Error> not_a_target(std::string_view text, const std::string& why) {
  return error(ErrorCode::Invalid, "'" + std::string(text) + "': " + why +
                                       ". Expected s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, "
                                       "azblob://ACCOUNT/CONTAINER/PREFIX, file:///FOLDER or a folder");
}

/// Cuts the first segment off.
std::string take_segment(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('/'), rest.size());
  std::string segment(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return segment;
}

/// Names of buckets, containers and accounts: they become part of a host's name.
bool is_bucket_name(std::string_view name) {
  constexpr std::string_view kAlso = ".-_$";
  return !name.empty() && std::ranges::all_of(name, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || kAlso.find(c) != std::string_view::npos;
  });
}

/// Dots would be taken out of the path on the way, and the signature would be another one.
bool is_prefix(std::string_view prefix) {
  while (!prefix.empty()) {
    const std::string segment = take_segment(prefix);
    if (segment.empty() || segment == "." || segment == "..") return false;
  }
  return true;
}

Result<ObjectUrl> parse_file_url(std::string_view text, std::string_view path) {
  if (!path.starts_with('/')) return not_a_target(text, "a file URL has three slashes before its folder");
  return ObjectUrl{.kind = ObjectStoreKind::Folder, .bucket = percent_decode(path, false)};
}

}  // namespace

Result<ObjectUrl> parse_object_url(std::string_view text) {
  constexpr std::string_view kBetween = "://";
  if (text.empty()) return not_a_target(text, "a target is missing");
  const std::size_t colon = text.find(kBetween);
  if (colon == std::string_view::npos) return ObjectUrl{.bucket = std::string(text)};
  const std::string_view scheme = text.substr(0, colon);
  std::string_view rest = text.substr(colon + kBetween.size());
  if (scheme == "file") return parse_file_url(text, rest);
  ObjectUrl url;
  if (scheme == "s3")
    url.kind = ObjectStoreKind::S3;
  else if (scheme == "gs")
    url.kind = ObjectStoreKind::Google;
  else if (scheme == "azblob")
    url.kind = ObjectStoreKind::Azure;
  else
    return not_a_target(text, "'" + std::string(scheme) + "' is no kind of store");
  if (url.kind == ObjectStoreKind::Azure) {
    url.account = take_segment(rest);
    if (!is_bucket_name(url.account)) return not_a_target(text, "it names no storage account");
  }
  url.bucket = take_segment(rest);
  if (!is_bucket_name(url.bucket)) {
    const bool azure = url.kind == ObjectStoreKind::Azure;
    return not_a_target(text, std::string("it names no ") + (azure ? "container" : "bucket") +
                                  " (lower-case letters, digits, '-', '_', '.')");
  }
  while (rest.ends_with('/')) rest.remove_suffix(1);
  if (!is_prefix(rest)) return not_a_target(text, "its prefix has an empty part, '.' or '..'");
  url.prefix = rest;
  return url;
}

std::string encode_path(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const bool more = path.find('/') != std::string_view::npos;
    out += percent_encode(take_segment(path));
    if (more) out += '/';
  }
  return out;
}

}  // namespace forewarm
