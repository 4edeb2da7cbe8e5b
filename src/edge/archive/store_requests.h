#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "edge/archive/object_listing.h"
#include "edge/archive/object_store.h"
#include "edge/net/fetch.h"

namespace forewarm {

/// What a store's users call things, for messages with a remedy.
struct StoreWords {
  std::string container;    ///< "bucket"
  std::string credentials;  ///< "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
  std::string permissions;  ///< what they must allow
  std::string region_remedy{};
};

/// How requests get in.
struct StoreAccess {
  std::function<Result<void>(FetchRequest&)> authorize;
  std::function<void()> renew{};  ///< what let them in has run out; none: nothing else is to be had
};

/// An answer of status 200 to 299, authorized anew for each try; anything else is an error about `place`,
/// with what the store said and what to do.
Result<HttpResponse> ask_store(const FetchRequest& request, const StoreAccess& access,
                               const std::string& place, const StoreWords& words);

/// "Authorization: Bearer", or why there is no token.
Result<void> add_bearer_token(FetchRequest& request, const Result<std::string>& token);

/// All pages of a listing, names cut behind "prefix/"; what is not below it, and what stands for a folder, is
/// left out.
Result<std::vector<StoredObject>> list_all_pages(
    const std::function<Result<ObjectListing>(const std::string& next)>& page, const std::string& prefix,
    const std::string& place);

/// "prefix/name", or the name alone.
std::string below_prefix(const std::string& prefix, const std::string& name);

/// The time to sign with.
TimePoint signing_time();

}  // namespace forewarm
