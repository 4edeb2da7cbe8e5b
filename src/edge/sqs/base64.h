#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace forewarm::sqs {

/// RFC 4648 section 4, padded.
std::string base64_encode(std::string_view bytes);
/// Nothing if `text` is not exactly what base64_encode would give for some bytes.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace forewarm::sqs
