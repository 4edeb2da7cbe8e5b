#include "edge/archive/object_listing.h"

#include <expat.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <memory>

#include "edge/archive/content_digest.h"

namespace forewarm {
namespace {

constexpr std::size_t kPathDepthMax = 16;
constexpr std::size_t kMd5Digits = 32;

/// Walks through a document and tells the path and the text of each element as it ends.
class ElementWalk {
 public:
  using OnElement = std::function<void(std::string_view path, const std::string& text)>;

  explicit ElementWalk(OnElement on_element) : on_element_(std::move(on_element)) {}

  /// What is wrong with the document; empty if nothing is.
  std::string read(std::string_view body) {
    const std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> parser(XML_ParserCreate(nullptr),
                                                                         &XML_ParserFree);
    XML_SetUserData(parser.get(), this);
    XML_SetElementHandler(
        parser.get(),
        [](void* self, const XML_Char* name, const XML_Char**) {
          static_cast<ElementWalk*>(self)->open(name);
        },
        [](void* self, const XML_Char*) { static_cast<ElementWalk*>(self)->close(); });
    XML_SetCharacterDataHandler(parser.get(), [](void* self, const XML_Char* text, int size) {
      static_cast<ElementWalk*>(self)->text_.append(text, static_cast<std::size_t>(size));
    });
    if (body.size() > INT32_MAX) return "it is too large";
    if (XML_Parse(parser.get(), body.data(), static_cast<int>(body.size()), 1) == XML_STATUS_OK) return "";
    return "line " + std::to_string(XML_GetCurrentLineNumber(parser.get())) + ": " +
           XML_ErrorString(XML_GetErrorCode(parser.get()));
  }

 private:
  void open(std::string_view name) {
    text_.clear();
    lengths_.push_back(path_.size());
    // What is deeper than any answer is not looked at, and cannot grow the path.
    if (lengths_.size() <= kPathDepthMax) path_ += "/" + std::string(name);
  }
  void close() {
    if (lengths_.size() <= kPathDepthMax) on_element_(path_, text_);
    path_.resize(lengths_.back());
    lengths_.pop_back();
    text_.clear();
  }

  OnElement on_element_;
  std::string path_;
  std::vector<std::size_t> lengths_;
  std::string text_;
};

bool take_size(const std::string& text, std::uint64_t& size) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), size);
  return code == std::errc() && end == text.data() + text.size();
}

/// An ETag is the content's MD5 for what was put in one piece, something else otherwise.
std::string md5_of_etag(std::string_view etag) {
  if (etag.starts_with('"')) etag.remove_prefix(1);
  if (etag.ends_with('"')) etag.remove_suffix(1);
  const bool digits =
      std::ranges::all_of(etag, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  return etag.size() == kMd5Digits && digits ? std::string(etag) : "";
}

std::string md5_of_base64(const std::string& text) {
  const auto bytes = base64_bytes(text);
  return bytes && bytes->size() * 2 == kMd5Digits ? hex_digits(*bytes) : "";
}

std::unexpected<Error> not_a_listing(const std::string& of, const std::string& why) {
  return error(ErrorCode::Invalid, "the answer is not that of " + of + ": " + why);
}

}  // namespace

Result<ObjectListing> parse_bucket_listing(std::string_view body) {
  const std::string name = "ListObjectsV2";
  ObjectListing listing;
  StoredObject object;
  bool seen = false, truncated = false, size_read = false;
  std::string problem;
  ElementWalk walk([&](std::string_view path, const std::string& text) {
    constexpr std::string_view kRoot = "/ListBucketResult";
    if (!path.starts_with(kRoot)) return;
    path.remove_prefix(kRoot.size());
    if (path.empty()) seen = true;
    if (path == "/IsTruncated") truncated = text == "true";
    if (path == "/NextContinuationToken") listing.next = text;
    if (path == "/Contents/Key") object.name = text;
    if (path == "/Contents/ETag") object.md5_hex = md5_of_etag(text);
    if (path == "/Contents/Size") size_read = take_size(text, object.size_bytes);
    if (path != "/Contents") return;
    if (object.name.empty() || !size_read) problem = "an object has no Key or no Size";
    listing.objects.push_back(std::move(object));
    object = {};
    size_read = false;
  });
  if (const std::string broken = walk.read(body); !broken.empty()) return not_a_listing(name, broken);
  if (!seen) return not_a_listing(name, "it has no ListBucketResult");
  if (!problem.empty()) return not_a_listing(name, problem);
  if (truncated && listing.next.empty()) return not_a_listing(name, "there is more, but no token for it");
  if (!truncated) listing.next.clear();
  return listing;
}

Result<ObjectListing> parse_blob_listing(std::string_view body) {
  const std::string name = "List Blobs";
  ObjectListing listing;
  StoredObject object;
  bool seen = false, size_read = false;
  std::string problem;
  ElementWalk walk([&](std::string_view path, const std::string& text) {
    constexpr std::string_view kRoot = "/EnumerationResults";
    if (!path.starts_with(kRoot)) return;
    path.remove_prefix(kRoot.size());
    if (path.empty()) seen = true;
    if (path == "/NextMarker") listing.next = text;
    if (path == "/Blobs/Blob/Name") object.name = text;
    if (path == "/Blobs/Blob/Properties/Content-MD5") object.md5_hex = md5_of_base64(text);
    if (path == "/Blobs/Blob/Properties/Content-Length") size_read = take_size(text, object.size_bytes);
    if (path != "/Blobs/Blob") return;
    if (object.name.empty() || !size_read) problem = "a blob has no Name or no Content-Length";
    listing.objects.push_back(std::move(object));
    object = {};
    size_read = false;
  });
  if (const std::string broken = walk.read(body); !broken.empty()) return not_a_listing(name, broken);
  if (!seen) return not_a_listing(name, "it has no EnumerationResults");
  if (!problem.empty()) return not_a_listing(name, problem);
  return listing;
}

StoreRefusal parse_store_refusal(std::string_view body) {
  StoreRefusal refusal;
  ElementWalk walk([&](std::string_view path, const std::string& text) {
    if (path == "/Error/Code") refusal.code = text;
    if (path == "/Error/Message") refusal.message = text.substr(0, text.find('\n'));
  });
  // Azure's document begins with a byte order mark, which expat knows.
  return walk.read(body).empty() ? refusal : StoreRefusal{};
}

}  // namespace forewarm
