#include "app/recovered.h"

#include <cstdlib>

namespace forewarm {

Result<Recovered> recover_store(const std::string& directory, std::uint64_t reserve_bytes) {
  Recovered recovered;
  Store::Recovery recovery;
  recovery.message = [&](const Message& message) { recovered.messages.push_back(message); };
  recovery.record = [&](std::string_view key, std::string_view value) {
    recovered.records.emplace_back(key, value);
  };
  Store::Options options;
  options.directory = directory;
  options.reserve_bytes = reserve_bytes;
  Result<std::unique_ptr<Store>> store = Store::open(options, recovery);
  if (!store) return std::unexpected(store.error());
  recovered.store = std::move(*store);
  for (const auto& [key, value] : recovered.records) {
    if (key == kClockRecord) recovered.clock = time_point_us(std::atoll(value.c_str()));
  }
  return recovered;
}

}  // namespace forewarm
