#pragma once

#include <string>

#include "base/time.h"
#include "edge/net/fetch.h"

namespace forewarm {

/// What Azure's Shared Key signs (Azure Storage, "Authorize with Shared Key", version 2015-02-21 and later):
/// the request with all its headers, x-ms-date among them.
std::string shared_key_text(const FetchRequest& request, const std::string& account);

/// Adds x-ms-date and Authorization. `key`: the account's, its bytes.
void sign_shared_key(FetchRequest& request, const std::string& account, const std::string& key, TimePoint at);

/// "Fri, 26 Jun 2015 23:39:12 GMT", as RFC 9110 has it.
std::string http_date(TimePoint at);

}  // namespace forewarm
