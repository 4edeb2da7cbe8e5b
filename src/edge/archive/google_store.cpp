#include "edge/archive/bucket_store.h"

namespace forewarm {

std::unique_ptr<ObjectStore> make_google_store(const GoogleStoreOptions& options) {
  // Google takes Signature Version 4 with an HMAC key, whatever its region is called.
  const auto authorize = [key = options.hmac_key,
                          token = options.token.get](FetchRequest& request) -> Result<void> {
    if (token) return add_bearer_token(request, token());
    sign(request, key, {.region = "auto", .service = "s3", .time = signing_time()});
    return {};
  };
  const std::string endpoint = options.endpoint.empty() ? "https://storage.googleapis.com" : options.endpoint;
  return make_bucket_store(
      {.url = without_slashes_behind(endpoint) + "/" + options.bucket,
       .prefix = options.prefix,
       .place = "gs://" + options.bucket,
       .access = {.authorize = authorize, .renew = options.token.renew},
       .words = {
           .container = "bucket",
           .credentials =
               options.token.get ? options.token_from : "GOOGLE_HMAC_ACCESS_KEY and GOOGLE_HMAC_SECRET",
           .permissions = "storage.objects.list, .get, .create and .delete (the role Storage Object User)"}});
}

}  // namespace forewarm
