#include "app/archive_target.h"

#include <cstdlib>

#include "edge/archive/object_url.h"
#include "edge/cloud/credentials/aws_credentials.h"
#include "edge/cloud/credentials/azure_credentials.h"
#include "edge/cloud/credentials/google_credentials.h"

namespace forewarm {
namespace {

std::string environment_text(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// Of a source that is kept as long as they are asked for.
template <class Source>
auto held(const std::shared_ptr<Source>& source) {
  using Credentials = typename decltype(source->get())::value_type;
  return StoreCredentials<Credentials>{.get = [source] { return source->get(); },
                                       .renew = [source] { source->renew(); }};
}

Result<std::unique_ptr<ObjectStore>> open_s3(const ArchiveTarget& target, const ObjectUrl& url) {
  std::string region = target.region.empty() ? find_aws_region() : target.region;
  // What is not AWS's own has one region, which most call so.
  if (region.empty() && !target.endpoint.empty()) region = "us-east-1";
  if (region.empty())
    return error(ErrorCode::Invalid,
                 target.url + ": in which region is the bucket? Give --region, or set AWS_REGION");
  auto credentials = held(make_aws_credentials());
  if (const auto first = credentials.get(); !first) return std::unexpected(first.error());
  return make_s3_store({.bucket = url.bucket,
                        .prefix = url.prefix,
                        .region = region,
                        .endpoint = target.endpoint,
                        .credentials = std::move(credentials)});
}

Result<std::unique_ptr<ObjectStore>> open_google(const ArchiveTarget& target, const ObjectUrl& url) {
  GoogleStoreOptions options{
      .bucket = url.bucket,
      .prefix = url.prefix,
      .endpoint = target.endpoint,
      .hmac_key = {environment_text("GOOGLE_HMAC_ACCESS_KEY"), environment_text("GOOGLE_HMAC_SECRET")}};
  if (const std::string given = environment_text("GOOGLE_OAUTH_TOKEN"); !given.empty()) {
    options.token.get = [given]() -> Result<std::string> { return given; };
    options.token_from = "GOOGLE_OAUTH_TOKEN, which lasts an hour";
  } else if (options.hmac_key.access_key_id.empty() || options.hmac_key.secret_access_key.empty()) {
    options.token = held(make_google_credentials("https://www.googleapis.com/auth/devstorage.read_write"));
    options.token_from =
        "the application default credentials (GOOGLE_APPLICATION_CREDENTIALS, gcloud's, or this machine's)";
    if (const auto first = options.token.get(); !first) {
      return error(first.error().code, first.error().message +
                                           "; or set GOOGLE_HMAC_ACCESS_KEY and GOOGLE_HMAC_SECRET (an HMAC "
                                           "key of a service account), or GOOGLE_OAUTH_TOKEN");
    }
  }
  return make_google_store(options);
}

Result<std::unique_ptr<ObjectStore>> open_azure(const ArchiveTarget& target, const ObjectUrl& url) {
  AzureStoreOptions options{.account = url.account,
                            .container = url.bucket,
                            .prefix = url.prefix,
                            .endpoint = target.endpoint,
                            .key = environment_text("AZURE_STORAGE_KEY"),
                            .sas_token = environment_text("AZURE_STORAGE_SAS_TOKEN")};
  if (options.key.empty() && options.sas_token.empty()) {
    options.token = held(make_azure_credentials("https://storage.azure.com"));
    if (const auto first = options.token.get(); !first) {
      return error(first.error().code,
                   first.error().message +
                       "; or set AZURE_STORAGE_KEY (an access key of the storage account " + url.account +
                       ") or AZURE_STORAGE_SAS_TOKEN (a shared access signature)");
    }
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
