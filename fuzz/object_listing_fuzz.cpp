#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/archive/object_listing.h"
#include "edge/archive/object_url.h"

using namespace forewarm;

namespace {

void check_listing(const Result<ObjectListing>& listing) {
  if (!listing) return;
  for (const StoredObject& object : listing->objects) {
    check(!object.name.empty(), "an object has a name");
    check(object.md5_hex.empty() || object.md5_hex.size() == 32, "a checksum is whole or not there");
  }
}

}  // namespace

/// What a store answers, and what a person types, gives something whole or an error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_listing(parse_bucket_listing(bytes));
  check_listing(parse_blob_listing(bytes));
  (void)parse_store_refusal(bytes);
  if (const auto url = parse_object_url(bytes)) check(!url->bucket.empty(), "a target names something");
  return 0;
}
