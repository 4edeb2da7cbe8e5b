#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "edge/cloud/credentials/refreshed.h"

namespace forewarm {

/// {"access_token", "expires_in" or "expires_on"}: Entra ID writes numbers, the managed identities' servers
/// texts of digits. Corrupt, without the answer's text, for anything else, one that has run out included.
Result<Expiring<std::string>> parse_azure_token(std::string_view json, TimePoint now);

/// ", CODE: first line of the description" (RFC 6749 section 5.2); nothing of any other text.
std::string azure_token_failure(std::string_view json);

}  // namespace forewarm
