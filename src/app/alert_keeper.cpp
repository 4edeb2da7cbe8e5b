#include "app/alert_keeper.h"

#include <utility>

#include "app/alert_service.h"
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

void fetch_kept_alerts(HistoryKeeper& keeper, Loop& loop, const std::unique_ptr<AlertService>& alerts) {
  if (alerts == nullptr) return;
  alerts->await_memory();
  const auto remember = [&alerts](const std::optional<SavedMemory>& saved) {
    if (alerts != nullptr) alerts->remember(saved);
  };
  const bool taken = keeper.give_first([&loop, remember](HistoryDatabase& database) -> Result<void> {
    Result<std::optional<SavedMemory>> kept = database.memory(kAlertMemory);
    loop.post([remember, saved = kept.value_or(std::nullopt)] { remember(saved); });
    if (!kept) return std::unexpected(kept.error());
    return {};
  });
  if (!taken) remember(std::nullopt);
}

}  // namespace forewarm
