#include "edge/store/directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "edge/files/whole_file.h"

namespace forewarm {

namespace {

constexpr std::uint64_t kMarkMagic = 0x31636e7973777766ULL;  // "fwwsync1"
using Mark = std::array<std::uint64_t, 3>;                   // magic, commits, checksum of both

Error system_error(const std::string& what) {
  return {ErrorCode::Io, what + ": " + std::generic_category().message(errno)};
}

std::uint64_t mark_checksum(const Mark& mark) {
  return XXH3_64bits(mark.data(), 2 * sizeof(std::uint64_t));
}

std::string read_text(int file) {
  std::array<char, 64> buffer{};
  const ssize_t size = ::pread(file, buffer.data(), buffer.size(), 0);
  std::string text(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace

Result<StoreDirectory> StoreDirectory::open(const std::string& path) {
  std::error_code failure;
  const bool created = std::filesystem::create_directories(path, failure);
  if (failure)
    return error(ErrorCode::Io, "cannot create the data directory " + path + ": " + failure.message());
  StoreDirectory directory(path);
  if (auto locked = directory.lock(); !locked) return std::unexpected(locked.error());
  if (created) {
    if (auto synced = sync_folder_of_file(path); !synced) return std::unexpected(synced.error());
  }
  return directory;
}

StoreDirectory::~StoreDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

StoreDirectory::StoreDirectory(StoreDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

Result<void> StoreDirectory::lock() {
  const std::string name = file("lock");
  lock_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0) return std::unexpected(system_error("cannot open " + name));
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return std::unexpected(system_error("cannot lock " + name));
    return error(ErrorCode::Conflict, "the data directory " + path_ + " is in use by the process " +
                                          read_text(lock_) +
                                          ". Stop that server, or give this one another directory.");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_, 0) != 0 || ::pwrite(lock_, pid.data(), pid.size(), 0) < 0) {
    return std::unexpected(system_error("cannot write " + name));
  }
  return {};
}

Result<SyncedMark> SyncedMark::open(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return std::unexpected(system_error("cannot open " + path));
  return SyncedMark(path, file);
}

SyncedMark::~SyncedMark() {
  if (file_ >= 0) ::close(file_);
}

SyncedMark::SyncedMark(SyncedMark&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}

Result<std::optional<std::uint64_t>> SyncedMark::read() const {
  Mark mark{};
  const ssize_t size = ::pread(file_, mark.data(), sizeof(mark), 0);
  if (size < 0) return std::unexpected(system_error("cannot read " + path_));
  // A power cut soon after the file was made leaves it empty or all zeros.
  if (size == 0 || mark == Mark{}) return std::optional<std::uint64_t>();
  if (size != sizeof(mark) || mark[0] != kMarkMagic || mark[2] != mark_checksum(mark)) {
    return error(ErrorCode::Corrupt,
                 path_ +
                     " is damaged. It only cross-checks messages.db; if that is known to be "
                     "complete, delete this file and start again.");
  }
  return mark[1];
}

void SyncedMark::write(std::uint64_t commits) {
  Mark mark{kMarkMagic, commits, 0};
  mark[2] = mark_checksum(mark);
  [[maybe_unused]] const ssize_t written = ::pwrite(file_, mark.data(), sizeof(mark), 0);
}

}  // namespace forewarm
