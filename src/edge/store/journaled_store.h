#pragma once

#include "edge/store/settler.h"
#include "edge/store/store.h"

namespace forewarm {

/// What only tests change. Each default is what Store::open uses.
struct StoreTuning {
  const char* vfs = nullptr;            ///< SQLite's name of the file layer; null is the system's
  JournalDisk* disk = nullptr;          ///< where the journal lies; null is the system's
  std::size_t group_writes_max = 4096;  ///< bounds a commit to some 15 ms of work
  std::size_t group_bytes_max = std::size_t{8} << 20;
  SettleBounds settle = {};
};

/// Store::open with the bounds and the file layer chosen by the caller.
Result<std::unique_ptr<Store>> open_journaled_store(const Store::Options& options, const StoreTuning& given,
                                                    const Store::Recovery& recovery);

}  // namespace forewarm
