#include "edge/archive/bucket_store.h"

namespace forewarm {
namespace {

/// The bucket is part of the host's name, unless a certificate for *.s3.REGION would not fit it.
std::string s3_bucket_url(const S3StoreOptions& options) {
  if (!options.endpoint.empty()) return without_slashes_behind(options.endpoint) + "/" + options.bucket;
  const std::string host =
      "s3." + options.region + (options.region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
  if (options.bucket.find('.') != std::string::npos) return "https://" + host + "/" + options.bucket;
  return "https://" + options.bucket + "." + host;
}

}  // namespace

std::unique_ptr<ObjectStore> make_s3_store(const S3StoreOptions& options) {
  const auto authorize = [get = options.credentials.get,
                          region = options.region](FetchRequest& request) -> Result<void> {
    const Result<AwsCredentials> credentials = get();
    if (!credentials) return std::unexpected(credentials.error());
    sign(request, *credentials, {.region = region, .service = "s3", .time = signing_time()});
    return {};
  };
  return make_bucket_store(
      {.url = s3_bucket_url(options),
       .prefix = options.prefix,
       .place = "s3://" + options.bucket,
       .access = {.authorize = authorize, .renew = options.credentials.renew},
       .words = {.container = "bucket",
                 .credentials =
                     "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile AWS_PROFILE, or the role "
                     "of this machine or container",
                 .permissions = "s3:ListBucket, s3:GetObject and s3:PutObject",
                 .region_remedy = "Give the bucket's own --region"}});
}

}  // namespace forewarm
