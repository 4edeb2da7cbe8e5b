#include "edge/store/space_reserve.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <utility>

namespace forewarm {

SpaceReserve::SpaceReserve(std::string path, std::uint64_t bytes) : path_(std::move(path)), bytes_(bytes) {
  if (bytes_ > 0) file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
}

SpaceReserve::~SpaceReserve() {
  if (file_ >= 0) ::close(file_);
}

bool SpaceReserve::take() {
  if (held_ || file_ < 0) return true;
  held_ = ::posix_fallocate(file_, 0, static_cast<off_t>(bytes_)) == 0;
  struct statvfs disk {};
  // With nothing beside it the next send would fail at once and give it up again.
  if (held_ && ::fstatvfs(file_, &disk) == 0) held_ = disk.f_bavail * disk.f_frsize >= bytes_ / 4;
  if (!held_) (void)!::ftruncate(file_, 0);
  return held_;
}

bool SpaceReserve::give_up() {
  if (!held_) return false;
  held_ = false;
  return ::ftruncate(file_, 0) == 0;
}

}  // namespace forewarm
