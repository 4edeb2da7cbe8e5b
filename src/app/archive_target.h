#pragma once

#include <memory>
#include <string>

#include "edge/archive/object_store.h"

namespace forewarm {

struct ArchiveTarget {
  std::string url;         ///< as parse_object_url reads it
  std::string endpoint{};  ///< of the store, if not the provider's own
  std::string region{};    ///< of AWS; empty: AWS_DEFAULT_REGION
};

/// The store that is named, with the credentials of the environment. NotFound, with their names, when there
/// are none; nothing is asked of the store yet.
Result<std::unique_ptr<ObjectStore>> open_object_store(const ArchiveTarget& target);

}  // namespace forewarm
