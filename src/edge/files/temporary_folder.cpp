#include "edge/files/temporary_folder.h"

#include <stdlib.h>

#include <cerrno>
#include <system_error>

namespace forewarm {

TemporaryFolder::TemporaryFolder(const std::filesystem::path& parent)
    : path_((parent / "forewarm-XXXXXX").string()) {
  if (::mkdtemp(path_.data()) == nullptr) {
    throw std::filesystem::filesystem_error("no temporary folder can be made", parent,
                                            std::error_code(errno, std::generic_category()));
  }
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace forewarm
