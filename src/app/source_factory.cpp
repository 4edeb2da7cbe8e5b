#include "app/source_factory.h"

#include <string_view>

namespace forewarm {

Result<std::unique_ptr<MessageSource>> make_source(const SourceConfig& config) {
  const std::string_view url = config.url;
  const std::string scheme(url.substr(0, url.find("://")));
  return error(ErrorCode::Invalid, "url: no engine has the scheme '" + scheme + "'");
}

}  // namespace forewarm
