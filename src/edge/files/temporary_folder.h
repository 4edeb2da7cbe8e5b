#pragma once

#include <filesystem>
#include <string>

namespace forewarm {

/// A new folder with a name of its own, which is gone with all that is in it when this is.
class TemporaryFolder {
 public:
  /// Throws std::filesystem::filesystem_error where none can be made in `parent`.
  explicit TemporaryFolder(const std::filesystem::path& parent = std::filesystem::temp_directory_path());
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string path_of(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace forewarm
