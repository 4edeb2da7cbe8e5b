#include "edge/archive/bucket_store.h"

#include "edge/archive/content_digest.h"
#include "edge/archive/object_url.h"

namespace forewarm {
namespace {

class BucketStore final : public ObjectStore {
 public:
  explicit BucketStore(BucketStoreOptions options) : options_(std::move(options)) {}

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
                         .headers = {{"Content-Type", "application/gzip"}},
                         .body = bytes};
    if (const std::string md5 = md5_bytes(bytes); !md5.empty())
      request.headers.emplace_back("Content-MD5", base64_text(md5));
    const Result<HttpResponse> answer = ask(request, place(name));
    if (!answer) return std::unexpected(answer.error());
    return {};
  }

  std::string place(const std::string& name) const override {
    const std::string key = name.empty() ? options_.prefix : below_prefix(options_.prefix, name);
    return options_.place + (key.empty() ? "" : "/" + key);
  }

 private:
  std::string url_of(const std::string& name) const {
    return options_.url + "/" + encode_path(below_prefix(options_.prefix, name));
  }

  Result<HttpResponse> ask(const FetchRequest& plain, const std::string& about) const {
    return ask_store(plain, options_.access, about, options_.words);
  }

  Result<ObjectListing> list_page(const std::string& next) const {
    std::string url =
        options_.url + "?list-type=2&prefix=" + percent_encode(below_prefix(options_.prefix, ""));
    if (!next.empty()) url += "&continuation-token=" + percent_encode(next);
    const Result<HttpResponse> answer = ask({.url = url}, place(""));
    if (!answer) return std::unexpected(answer.error());
    Result<ObjectListing> listing = parse_bucket_listing(answer->body);
    if (!listing) return error(ErrorCode::Invalid, place("") + ": " + listing.error().message);
    return listing;
  }

  BucketStoreOptions options_;
};

}  // namespace

std::unique_ptr<ObjectStore> make_bucket_store(BucketStoreOptions options) {
  return std::make_unique<BucketStore>(std::move(options));
}

std::string without_slashes_behind(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace forewarm
