#include "edge/archive/bucket_store.h"

namespace forewarm {

std::unique_ptr<ObjectStore> make_google_store(const GoogleStoreOptions& options) {
  // Google takes Signature Version 4 with an HMAC key, whatever its region is called.
  const auto authorize = [key = options.hmac_key, token = options.oauth_token](FetchRequest& request) {
    if (token.empty())
      sign(request, key, {.region = "auto", .service = "s3", .time = signing_time()});
    else
      request.headers.emplace_back("Authorization", "Bearer " + token);
  };
  const std::string endpoint = options.endpoint.empty() ? "https://storage.googleapis.com" : options.endpoint;
  return make_bucket_store(
      {.url = without_slashes_behind(endpoint) + "/" + options.bucket,
       .prefix = options.prefix,
       .place = "gs://" + options.bucket,
       .authorize = authorize,
       .words = {
           .container = "bucket",
           .credentials = options.oauth_token.empty() ? "GOOGLE_HMAC_ACCESS_KEY and GOOGLE_HMAC_SECRET"
                                                      : "GOOGLE_OAUTH_TOKEN, which lasts an hour",
           .permissions = "storage.objects.list, .get, .create and .delete (the role Storage Object User)"}});
}

}  // namespace forewarm
