#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/model/message.h"
#include "edge/store/store.h"

namespace forewarm {

/// The record in which a server writes its clock down.
inline constexpr std::string_view kClockRecord = "clock";

/// An opened store and what it held, in the order in which the core must learn it.
struct Recovered {
  std::unique_ptr<Store> store;
  std::vector<Message> messages;
  std::vector<std::pair<std::string, std::string>> records;
  TimePoint clock;  ///< that the server before this one had reached
};

/// `reserve_bytes` as in Store::Options.
Result<Recovered> recover_store(const std::string& directory, std::uint64_t reserve_bytes);

}  // namespace forewarm
