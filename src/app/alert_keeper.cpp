#include "app/alert_keeper.h"

#include <utility>

#include "edge/observe/notify/alert_memory.h"

namespace forewarm {
namespace {

constexpr std::string_view kAlertMemory = "alerts";

}  // namespace

std::function<void(std::string)> keep_alerts_in(HistoryKeeper& keeper, std::function<TimePoint()> now) {
  return [&keeper, now = std::move(now)](std::string text) {
    const TimePoint at = now();
    const SavedMemory saved{.version = kAlertMemoryVersion, .memory = std::move(text)};
    keeper.give(
        [saved, at](HistoryDatabase& database) { return database.keep_memory(kAlertMemory, saved, at); });
  };
}

std::function<bool(AlertService::Server::Recalled)> recall_alerts_of(HistoryKeeper& keeper, Loop& loop,
                                                                     bool anew) {
  return [&keeper, &loop, anew, first = true](const AlertService::Server::Recalled& recalled) mutable {
    if (!std::exchange(first, false) && !anew) return false;
    return keeper.give_first([&loop, recalled](HistoryDatabase& database) -> Result<void> {
      Result<std::optional<SavedMemory>> kept = database.memory(kAlertMemory);
      loop.post([recalled, saved = kept.value_or(std::nullopt)] { recalled(saved); });
      if (!kept) return std::unexpected(kept.error());
      return {};
    });
  };
}

}  // namespace forewarm
