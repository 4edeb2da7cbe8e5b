#include "app/control_learnt.h"

#include <utility>

namespace forewarm {

ControlLearnt::ControlLearnt(Surroundings by)
    : by_(std::move(by)), keeper_(subjects(), [this](QueueId id) { return watched(id).memory(by_.now()); }) {
  for (const auto& each : *by_.queues) names_.emplace(each->config.queue, each->id);
  for (WatchRestored& each : recall_learnt(*by_.history, keeper_, by_.now(), by_.warn))
    recalled_.emplace(each.queue, std::move(each.memory));
}

LearntKeeper<WatchRestored>::Subjects ControlLearnt::subjects() const {
  return {.find = [this](std::string_view name) -> std::optional<QueueId> {
            const auto found = names_.find(name);
            return found != names_.end() ? std::optional(found->second) : std::nullopt;
          },
          .visit =
              [this](std::string_view after, const auto& take) {
                for (auto each = names_.upper_bound(after); each != names_.end(); ++each)
                  if (!take(each->first, each->second)) return;
              }};
}

void ControlLearnt::give_back(Controlled& controlled) {
  const auto kept = recalled_.extract(controlled.id);
  if (!kept.empty()) controlled.queue.watched().restore(by_.now(), kept.mapped());
}

void ControlLearnt::recall_again() {
  const auto read = [this](HistoryDatabase& database) -> Result<void> {
    auto saved = database.learnt(LearntOf<WatchRestored>::kKind);
    if (!saved) return std::unexpected(saved.error());
    by_.loop->post([this, saved = std::move(*saved)] {
      const TimePoint now = by_.now();
      for (const WatchRestored& each : keeper_.restored(saved, now, by_.warn))
        watched(each.queue).restore(now, each.memory);
    });
    return {};
  };
  by_.history->give_first(read);
}

}  // namespace forewarm
