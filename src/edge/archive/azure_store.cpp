#include "edge/archive/azure_signature.h"
#include "edge/archive/content_digest.h"
#include "edge/archive/object_url.h"
#include "edge/archive/store_requests.h"

namespace forewarm {
namespace {

constexpr const char* kAzureVersion = "2020-10-02";

/// Emulators and gateways have the account as the first part of the path; an endpoint with a path says it
/// itself.
std::string azure_container_url(const AzureStoreOptions& options) {
  std::string url = options.endpoint;
  if (url.empty()) url = "https://" + options.account + ".blob.core.windows.net";
  while (url.ends_with('/')) url.pop_back();
  const std::size_t scheme = url.find("://");
  const bool has_path = scheme != std::string::npos && url.find('/', scheme + 3) != std::string::npos;
  if (!options.endpoint.empty() && !has_path) url += "/" + options.account;
  return url + "/" + options.container;
}

class AzureStore final : public ObjectStore {
 public:
  AzureStore(const AzureStoreOptions& options, std::string key)
      : options_(options),
        key_(std::move(key)),
        url_(azure_container_url(options)),
        words_{.container = "container",
               .credentials = !options.sas_token.empty() ? "AZURE_STORAGE_SAS_TOKEN and when it ends"
                              : options.token.get        ? "AZURE_CLIENT_ID and the roles of this identity"
                                                         : "AZURE_STORAGE_KEY and the account's name",
               .permissions = "to list, read, create and write blobs"} {}

  Result<std::vector<StoredObject>> list() override {
    return list_all_pages([this](const std::string& next) { return list_page(next); }, options_.prefix,
                          place(""));
  }

  Result<std::string> get(const std::string& name) override {
    Result<HttpResponse> answer = ask({.url = url_of(name)}, place(name));
    if (!answer) return std::unexpected(answer.error());
    return std::move(answer->body);
  }

  Result<void> put(const std::string& name, const std::string& bytes) override {
    FetchRequest request{.method = "PUT",
                         .url = url_of(name),
                         .headers = {{"Content-Type", "application/gzip"}, {"x-ms-blob-type", "BlockBlob"}},
                         .body = bytes};
    if (const std::string md5 = md5_bytes(bytes); !md5.empty())
      request.headers.emplace_back("Content-MD5", base64_text(md5));
    const Result<HttpResponse> answer = ask(request, place(name));
    if (!answer) return std::unexpected(answer.error());
    return {};
  }

  std::string place(const std::string& name) const override {
    const std::string key = name.empty() ? options_.prefix : below_prefix(options_.prefix, name);
    return "azblob://" + options_.account + "/" + options_.container + (key.empty() ? "" : "/" + key);
  }

 private:
  std::string url_of(const std::string& name) const {
    return url_ + "/" + encode_path(below_prefix(options_.prefix, name));
  }

  Result<HttpResponse> ask(const FetchRequest& plain, const std::string& about) const {
    const auto authorize = [this](FetchRequest& request) { return let_in(request); };
    return ask_store(plain, {.authorize = authorize, .renew = options_.token.renew}, about, words_);
  }

  Result<void> let_in(FetchRequest& request) const {
    request.headers.emplace_back("x-ms-version", kAzureVersion);
    if (!options_.sas_token.empty()) {
      request.url += (request.url.find('?') == std::string::npos ? "?" : "&") + options_.sas_token;
      return {};
    }
    if (options_.token.get) {
      request.headers.emplace_back("x-ms-date", http_date(signing_time()));
      return add_bearer_token(request, options_.token.get());
    }
    sign_shared_key(request, options_.account, key_, signing_time());
    return {};
  }

  Result<ObjectListing> list_page(const std::string& next) const {
    std::string url =
        url_ + "?restype=container&comp=list&prefix=" + percent_encode(below_prefix(options_.prefix, ""));
    if (!next.empty()) url += "&marker=" + percent_encode(next);
    const Result<HttpResponse> answer = ask({.url = url}, place(""));
    if (!answer) return std::unexpected(answer.error());
    Result<ObjectListing> listing = parse_blob_listing(answer->body);
    if (!listing) return error(ErrorCode::Invalid, place("") + ": " + listing.error().message);
    return listing;
  }

  AzureStoreOptions options_;
  std::string key_;
  std::string url_;
  StoreWords words_;
};

}  // namespace

Result<std::unique_ptr<ObjectStore>> make_azure_store(const AzureStoreOptions& options) {
  AzureStoreOptions settled = options;
  if (settled.sas_token.starts_with('?')) settled.sas_token.erase(0, 1);
  std::optional<std::string> key = base64_bytes(settled.key);
  if (settled.sas_token.empty() && !settled.token.get && (!key || key->empty())) {
    return error(ErrorCode::Invalid,
                 "AZURE_STORAGE_KEY is not Base64; copy the whole access key of the storage account, its '=' "
                 "signs included");
  }
  return std::make_unique<AzureStore>(settled, key.value_or(""));
}

}  // namespace forewarm
