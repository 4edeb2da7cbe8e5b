#pragma once

#include <memory>
#include <string>

#include "edge/archive/object_store.h"
#include "edge/archive/store_requests.h"

namespace forewarm {

/// A store that speaks S3's REST API (ListObjectsV2, GetObject, PutObject); what differs between those that
/// do is where it is and how requests are signed.
struct BucketStoreOptions {
  std::string url;     ///< of the bucket, without a slash at its end
  std::string prefix;  ///< of keys
  std::string place;   ///< "s3://bucket"
  StoreAccess access;
  StoreWords words;
};
std::unique_ptr<ObjectStore> make_bucket_store(BucketStoreOptions options);

std::string without_slashes_behind(std::string url);

}  // namespace forewarm
