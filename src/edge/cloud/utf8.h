#pragma once

#include <string_view>

namespace forewarm {

/// Well-formed UTF-8 (RFC 3629: no surrogates, nothing above U+10FFFF, no longer form than needed).
bool is_utf8(std::string_view bytes);

}  // namespace forewarm
