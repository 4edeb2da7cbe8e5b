#include <cerrno>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "edge/archive/object_store.h"
#include "edge/files/whole_file.h"

namespace forewarm {
namespace {

namespace fs = std::filesystem;

class FolderStore final : public ObjectStore {
 public:
  explicit FolderStore(const std::string& folder) : folder_(folder) {}

  Result<std::vector<StoredObject>> list() override {
    std::vector<StoredObject> found;
    std::error_code problem;
    if (!fs::exists(folder_, problem) && !problem) return found;
    fs::recursive_directory_iterator at(folder_, problem);
    for (; !problem && at != fs::recursive_directory_iterator(); at.increment(problem)) {
      if (!at->is_regular_file(problem)) continue;
      StoredObject object{.name = at->path().lexically_relative(folder_).generic_string()};
      object.size_bytes = at->file_size(problem);
      if (!problem) found.push_back(std::move(object));
    }
    if (problem) return error(ErrorCode::Io, folder_.string() + ": cannot be read: " + problem.message());
    return found;
  }

  Result<std::string> get(const std::string& name) override {
    return read_whole_file((folder_ / name).string());
  }

  Result<void> put(const std::string& name, const std::string& bytes) override {
    const fs::path path = folder_ / name;
    std::error_code problem;
    fs::create_directories(path.parent_path(), problem);
    if (problem) return error(ErrorCode::Io, place(name) + ": cannot be written: " + problem.message());
    return replace_file(path.string(), bytes);
  }

  std::string place(const std::string& name) const override {
    return name.empty() ? folder_.string() : (folder_ / name).string();
  }

 private:
  fs::path folder_;
};

}  // namespace

std::unique_ptr<ObjectStore> make_folder_store(const std::string& folder) {
  return std::make_unique<FolderStore>(folder);
}

}  // namespace forewarm
