#include "edge/archive/store_requests.h"

#include <chrono>

namespace forewarm {
namespace {

constexpr std::size_t kPagesMax = 100'000;
// A large object over a slow line.
constexpr std::chrono::minutes kTransferTimeout(15);
constexpr std::chrono::seconds kSilenceMax(30);

std::string said_text(const HttpResponse& answer, const StoreRefusal& said) {
  std::string text = "status " + std::to_string(answer.status);
  if (!said.code.empty()) text += " " + said.code;
  if (!said.message.empty()) text += ": " + said.message;
  return text;
}

/// Of what let a request in: S3 says so with status 400, Google and Azure with 401.
bool has_run_out(const HttpResponse& answer) {
  return answer.status == 401 ||
         (answer.status == 400 && parse_store_refusal(answer.body).code == "ExpiredToken");
}

std::unexpected<Error> refused(const HttpResponse& answer, const std::string& place,
                               const StoreWords& words) {
  const StoreRefusal said = parse_store_refusal(answer.body);
  const std::string detail = " (" + said_text(answer, said) + ")";
  const std::string region(find_header(answer.headers, "x-amz-bucket-region"));
  const bool moved = answer.status >= 300 && answer.status < 400;
  if (moved || said.code == "AuthorizationHeaderMalformed") {
    std::string remedy = words.region_remedy.empty() ? "Check the address" : words.region_remedy;
    if (!region.empty()) remedy += ", which is " + region;
    return error(ErrorCode::Invalid,
                 place + ": the " + words.container + " is elsewhere" + detail + ". " + remedy);
  }
  if (said.code == "RequestTimeTooSkewed")
    return error(ErrorCode::Invalid, place + ": this machine's clock is wrong" + detail + ". Set it");
  if (answer.status == 401 || answer.status == 403 || said.code == "ExpiredToken") {
    return error(ErrorCode::Invalid, place + ": access is refused" + detail + ". Check " + words.credentials +
                                         "; they must allow " + words.permissions);
  }
  const bool object_missing = said.code == "NoSuchKey" || said.code == "BlobNotFound";
  if (answer.status == 404 && object_missing)
    return error(ErrorCode::NotFound, place + ": it is not there any more" + detail + ". Try again");
  if (answer.status == 404) {
    return error(ErrorCode::NotFound, place + ": there is no such " + words.container + detail +
                                          ". Make it, or check its name and the address");
  }
  if (answer.status == 429 || answer.status >= 500) {
    return error(ErrorCode::Exhausted, place + ": the store could not answer " + std::to_string(kFetchTries) +
                                           " times" + detail + ". Try again later; what is done stays done");
  }
  return error(ErrorCode::Invalid, place + ": the store refuses the request" + detail);
}

}  // namespace

Result<HttpResponse> ask_store(const FetchRequest& request, const StoreAccess& access,
                               const std::string& place, const StoreWords& words) {
  const auto authorized = [&]() -> Result<FetchRequest> {
    FetchRequest made = request;
    if (const auto let_in = access.authorize(made); !let_in) return std::unexpected(let_in.error());
    return made;
  };
  const FetchOptions options{.timeout = kTransferTimeout,
                             .connect_timeout = kSilenceMax,
                             .silence_max = kSilenceMax,
                             .body_max_bytes = kObjectBytesMax};
  Result<HttpResponse> answer = fetch_patiently(authorized, options);
  if (answer && access.renew && has_run_out(*answer)) {
    access.renew();
    answer = fetch_patiently(authorized, options);
  }
  if (!answer) return error(answer.error().code, place + ": " + answer.error().message);
  if (answer->status < 200 || answer->status > 299) return refused(*answer, place, words);
  return answer;
}

Result<void> add_bearer_token(FetchRequest& request, const Result<std::string>& token) {
  if (!token) return std::unexpected(token.error());
  request.headers.emplace_back("Authorization", "Bearer " + *token);
  return {};
}

Result<std::vector<StoredObject>> list_all_pages(
    const std::function<Result<ObjectListing>(const std::string& next)>& page, const std::string& prefix,
    const std::string& place) {
  const std::string beginning = below_prefix(prefix, "");
  std::vector<StoredObject> found;
  std::string next;
  for (std::size_t pages = 0; pages < kPagesMax; ++pages) {
    Result<ObjectListing> listing = page(next);
    if (!listing) return std::unexpected(listing.error());
    for (StoredObject& object : listing->objects) {
      if (!object.name.starts_with(beginning) || object.name.ends_with('/')) continue;
      object.name.erase(0, beginning.size());
      found.push_back(std::move(object));
    }
    if (listing->next.empty()) return found;
    next = std::move(listing->next);
  }
  return error(ErrorCode::Invalid, place + ": the list of objects does not end. Choose a prefix of its own");
}

std::string below_prefix(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : prefix + "/" + name;
}

TimePoint signing_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return TimePoint(std::chrono::duration_cast<Duration>(now));
}

}  // namespace forewarm
