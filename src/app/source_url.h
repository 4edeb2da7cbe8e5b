#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

/// SCHEME://[USER[:PASSWORD]@]HOST[:PORT]/SEGMENT/...[?NAME=VALUE&...], all parts percent-decoded.
struct SourceUrl {
  std::string scheme;
  std::string user;
  std::string password;
  std::string host;
  std::optional<std::uint16_t> port;
  std::vector<std::string> segments;
  std::vector<std::pair<std::string, std::string>> options;

  /// SCHEME://HOST[:PORT]/SEGMENT/...: what messages may show.
  std::string shown() const;
};

/// Invalid with what was expected, and without the user, the password or the options.
Result<SourceUrl> parse_source_url(std::string_view text);

/// Reads a source's options one by one; what was not asked for at the end is an error that names what there
/// is.
class SourceUrlOptions {
 public:
  explicit SourceUrlOptions(const SourceUrl& url) : url_(url), left_(url.options) {}

  void text(std::string_view name, std::string& value);
  void flag(std::string_view name, bool& value);
  void seconds(std::string_view name, std::chrono::seconds& value);
  void duration(std::string_view name, Duration& value);
  void number(std::string_view name, std::optional<std::uint32_t>& value);

  /// The first error there was.
  Result<void> finish() const;

 private:
  std::optional<std::string> take(std::string_view name);
  void refuse(std::string_view name, const std::string& what);

  const SourceUrl& url_;
  std::vector<std::pair<std::string, std::string>> left_;
  std::string known_;
  std::optional<Error> error_;
};

}  // namespace forewarm
