#pragma once

#include <cstdint>
#include <string>

namespace forewarm {

/// Disk space that is kept back for the store: a file that is given up when the disk is full.
///
/// A full queue can be emptied only by deletes, and those have to be written too. Leaving a share of the disk
/// unused instead would not do: other programs would fill it.
class SpaceReserve {
 public:
  /// `bytes` 0: there is none, and a full disk refuses everything.
  SpaceReserve(std::string path, std::uint64_t bytes);
  ~SpaceReserve();
  SpaceReserve(const SpaceReserve&) = delete;
  SpaceReserve& operator=(const SpaceReserve&) = delete;

  /// True if there is space for it, and it is held from now on. False leaves nothing of it.
  bool take();
  /// True if it was held: what failed for lack of space may succeed now.
  bool give_up();
  bool held() const { return held_; }

 private:
  std::string path_;
  std::uint64_t bytes_;
  int file_ = -1;
  bool held_ = false;
};

}  // namespace forewarm
