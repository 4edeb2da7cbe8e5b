#include "edge/journal/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "edge/files/whole_file.h"

namespace forewarm {
namespace {

std::unexpected<Error> failed(const char* what, const std::string& path) {
  const ErrorCode code = errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ErrorCode::Exhausted
                         : errno == ENOENT                                    ? ErrorCode::NotFound
                                                                              : ErrorCode::Io;
  return error(code,
               std::string("cannot ") + what + " " + path + ": " + std::generic_category().message(errno));
}

class SystemJournalFile final : public JournalFile {
 public:
  SystemJournalFile(std::string path, int file) : path_(std::move(path)), file_(file) {}
  ~SystemJournalFile() override { ::close(file_); }

  Result<std::size_t> read(std::uint64_t offset, std::span<char> into) const override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t count =
          ::pread(file_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return failed("read", path_);
      if (count == 0) break;
      done += static_cast<std::size_t>(count);
    }
    return done;
  }

  Result<void> write(std::uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t count = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return failed("write to", path_);
      bytes.remove_prefix(static_cast<std::size_t>(count));
      offset += static_cast<std::uint64_t>(count);
    }
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    if (::ftruncate(file_, static_cast<off_t>(size)) != 0) return failed("truncate", path_);
    return {};
  }

  Result<void> sync() override {
    if (::fdatasync(file_) != 0) return failed("sync", path_);
    return {};
  }

  Result<std::uint64_t> size() const override {
    struct stat status {};
    if (::fstat(file_, &status) != 0) return failed("look at", path_);
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  std::string path_;
  int file_;
};

class SystemJournalDisk final : public JournalDisk {
 public:
  Result<std::unique_ptr<JournalFile>> open(const std::string& path, bool create) override {
    int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    const bool missing = file < 0 && errno == ENOENT;
    if (missing && create) file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0 && errno == EACCES && !create) file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return failed("open", path);
    auto opened = std::make_unique<SystemJournalFile>(path, file);
    if (missing) {
      if (auto synced = sync_folder_of_file(path); !synced) {
        ::unlink(path.c_str());  // whoever tries again must find it missing, and sync its name
        return std::unexpected(synced.error());
      }
    }
    return opened;
  }

  std::uint64_t free_bytes(const std::string& path) override {
    struct statvfs disk {};
    if (::statvfs(path.c_str(), &disk) != 0) return 0;
    return std::uint64_t{disk.f_bavail} * disk.f_frsize;
  }
};

}  // namespace

JournalDisk& system_journal_disk() {
  static SystemJournalDisk disk;
  return disk;
}

}  // namespace forewarm
