#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace forewarm {

enum class ObjectStoreKind { Folder, S3, Azure, Google };

/// What a TARGET names: s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, azblob://ACCOUNT/CONTAINER/PREFIX,
/// file:///FOLDER or a folder as it is.
struct ObjectUrl {
  ObjectStoreKind kind = ObjectStoreKind::Folder;
  std::string account{};  ///< of Azure
  std::string bucket{};   ///< or container; the folder of a folder
  std::string prefix{};   ///< without slashes around it; may be empty
};

/// Invalid with what was expected otherwise.
Result<ObjectUrl> parse_object_url(std::string_view text);

/// The segments of a key or a path, each percent-encoded.
std::string encode_path(std::string_view path);

}  // namespace forewarm
