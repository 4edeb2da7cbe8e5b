#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "edge/archive/object_store.h"

namespace forewarm {
namespace {

namespace fs = std::filesystem;

bool write_and_sync(const std::string& path, std::string_view bytes) {
  constexpr mode_t kReadableByAll = 0644;
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kReadableByAll);
  if (file < 0) return false;
  bool good = true;
  while (good && !bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    good = written > 0 || (written < 0 && errno == EINTR);
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  good = good && ::fsync(file) == 0;
  const int problem = errno;
  ::close(file);
  errno = problem;
  return good;
}

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
    std::ifstream file(folder_ / name, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (!file.is_open() || file.bad())
      return error(ErrorCode::Io,
                   place(name) + ": cannot be read: " + std::generic_category().message(errno));
    return bytes;
  }

  Result<void> put(const std::string& name, const std::string& bytes) override {
    const fs::path path = folder_ / name;
    std::error_code problem;
    fs::create_directories(path.parent_path(), problem);
    // Under another name until it is whole: a reader, or a full disk, never sees half of it.
    const std::string part = path.string() + ".part";
    if (!problem && !write_and_sync(part, bytes)) problem = {errno, std::generic_category()};
    if (!problem) fs::rename(part, path, problem);
    if (!problem) return {};
    std::error_code ignored;
    fs::remove(part, ignored);
    return error(ErrorCode::Io, place(name) + ": cannot be written: " + problem.message());
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
