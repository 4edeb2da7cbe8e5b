#include "app/recovered.h"

#include <cstdlib>
#include <functional>

#include "app/short_slices.h"

namespace forewarm {
namespace {

constexpr std::string_view kClockRecord = "clock";

}  // namespace

Result<Recovered> recover_store(const std::string& directory, Loop& loop, std::uint64_t reserve_bytes,
                                std::function<void(const std::string&)> warn) {
  Recovered recovered;
  Store::Recovery recovery;
  recovery.message = [&](const Message& message) { recovered.messages.push_back(message); };
  recovery.record = [&](std::string_view key, std::string_view value) {
    recovered.records.emplace_back(key, value);
  };
  Store::Options options;
  options.directory = directory;
  options.reserve_bytes = reserve_bytes;
  options.writer_begins = ask_for_short_slices;
  options.wake_soon = std::bind_front(&Loop::call_when_idle, &loop);
  options.warn = std::move(warn);
  Result<std::unique_ptr<Store>> store = Store::open(options, recovery);
  if (!store) return std::unexpected(store.error());
  recovered.store = std::move(*store);
  for (const auto& [key, value] : recovered.records) {
    if (key == kClockRecord) recovered.clock = time_point_us(std::atoll(value.c_str()));
  }
  return recovered;
}

void note_clock(Store& store, TimePoint now) {
  (void)store.submit({PutRecord{std::string(kClockRecord), std::to_string(count_us(now))}},
                     Durability::Written, [](const Result<void>&) {});
}

}  // namespace forewarm
