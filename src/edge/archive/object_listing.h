#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/archive/object_store.h"

namespace forewarm {

/// One page of a listing, with the objects' whole names.
struct ObjectListing {
  std::vector<StoredObject> objects;
  std::string next{};  ///< what the next page is asked for with; empty at the end
};

/// The answer of S3's ListObjectsV2 (API version 2006-03-01), which Google's XML API gives too. Invalid when
/// it is not such an answer.
Result<ObjectListing> parse_bucket_listing(std::string_view body);
/// The answer of Azure's List Blobs.
Result<ObjectListing> parse_blob_listing(std::string_view body);

/// What a store says when it refuses: the XML document Error with Code and Message of S3, Google and Azure.
struct StoreRefusal {
  std::string code{};
  std::string message{};
};
/// Empty for what is not such a document.
StoreRefusal parse_store_refusal(std::string_view body);

}  // namespace forewarm
