#include "app/archive_target.h"

#include <cstdlib>

#include "edge/archive/object_url.h"
#include "edge/cloud/credentials/aws_credentials.h"

namespace forewarm {
namespace {

std::string environment_text(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

Result<std::unique_ptr<ObjectStore>> open_s3(const ArchiveTarget& target, const ObjectUrl& url) {
  std::string region = target.region.empty() ? environment_text("AWS_DEFAULT_REGION") : target.region;
  // What is not AWS's own has one region, which most call so.
  if (region.empty() && !target.endpoint.empty()) region = "us-east-1";
  if (region.empty())
    return error(ErrorCode::Invalid,
                 target.url + ": in which region is the bucket? Give --region, or set AWS_REGION");
  Result<AwsCredentials> credentials = find_aws_credentials();
  if (!credentials) return std::unexpected(credentials.error());
  return make_s3_store({.bucket = url.bucket,
                        .prefix = url.prefix,
                        .region = region,
                        .endpoint = target.endpoint,
                        .credentials = std::move(*credentials)});
}

Result<std::unique_ptr<ObjectStore>> open_google(const ArchiveTarget& target, const ObjectUrl& url) {
  GoogleStoreOptions options{
      .bucket = url.bucket,
      .prefix = url.prefix,
      .endpoint = target.endpoint,
      .hmac_key = {environment_text("GOOGLE_HMAC_ACCESS_KEY"), environment_text("GOOGLE_HMAC_SECRET")},
      .oauth_token = environment_text("GOOGLE_OAUTH_TOKEN")};
  const AwsCredentials& key = options.hmac_key;
  if (options.oauth_token.empty() && (key.access_key_id.empty() || key.secret_access_key.empty())) {
    return error(
        ErrorCode::NotFound,
        "there are no Google credentials: set GOOGLE_HMAC_ACCESS_KEY and GOOGLE_HMAC_SECRET (an HMAC "
        "key of a service account), or GOOGLE_OAUTH_TOKEN (gcloud auth print-access-token)");
  }
  return make_google_store(options);
}

Result<std::unique_ptr<ObjectStore>> open_azure(const ArchiveTarget& target, const ObjectUrl& url) {
  const AzureStoreOptions options{.account = url.account,
                                  .container = url.bucket,
                                  .prefix = url.prefix,
                                  .endpoint = target.endpoint,
                                  .key = environment_text("AZURE_STORAGE_KEY"),
                                  .sas_token = environment_text("AZURE_STORAGE_SAS_TOKEN")};
  if (options.key.empty() && options.sas_token.empty()) {
    return error(
        ErrorCode::NotFound,
        "there are no Azure credentials: set AZURE_STORAGE_KEY (an access key of the storage account " +
            url.account + ") or AZURE_STORAGE_SAS_TOKEN (a shared access signature)");
  }
  return make_azure_store(options);
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_object_store(const ArchiveTarget& target) {
  const Result<ObjectUrl> url = parse_object_url(target.url);
  if (!url) return std::unexpected(url.error());
  if (url->kind == ObjectStoreKind::S3) return open_s3(target, *url);
  if (url->kind == ObjectStoreKind::Google) return open_google(target, *url);
  if (url->kind == ObjectStoreKind::Azure) return open_azure(target, *url);
  if (!target.endpoint.empty())
    return error(ErrorCode::Invalid, target.url + ": a folder has no --endpoint-url");
  return make_folder_store(url->bucket);
}

}  // namespace forewarm
