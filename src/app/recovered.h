#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/model/message.h"
#include "edge/net/loop.h"
#include "edge/store/store.h"

namespace forewarm {

/// An opened store and what it held, in the order in which the core must learn it.
struct Recovered {
  std::unique_ptr<Store> store;
  std::vector<Message> messages;
  std::vector<std::pair<std::string, std::string>> records;
  TimePoint clock;  ///< that the server before this one had reached
};

/// Opens the store of a server that runs on `loop`; `reserve_bytes` and `warn` as in Store::Options.
Result<Recovered> recover_store(const std::string& directory, Loop& loop, std::uint64_t reserve_bytes,
                                std::function<void(const std::string&)> warn);
/// Writes the server's clock down: one that starts with a wall clock behind it goes on from there, so that no
/// lease is shortened or stretched.
void note_clock(Store& store, TimePoint now);

}  // namespace forewarm
