#include "app/scaler_keeper.h"

#include <utility>
#include <variant>

#include "core/model/text.h"

namespace forewarm {
namespace {

constexpr std::size_t kLookedAtPerSecond = 64;
constexpr Duration kWriteEvery = 10min;

/// None where the text is no scaler's memory; `why` says so.
std::optional<ScalerMemory> read_memory(const SavedScaler& saved, std::string& why) {
  if (saved.version != kScalerMemoryVersion) {
    why = "it is of version " + std::to_string(saved.version) + ", and this is version " +
          std::to_string(kScalerMemoryVersion);
    return std::nullopt;
  }
  Result<TimedEvent> read = read_event(saved.memory);
  auto* event = read ? std::get_if<ScalerRestored>(&read->event) : nullptr;
  if (event == nullptr) {
    why = read ? "it is something else" : read.error().message;
    return std::nullopt;
  }
  return std::move(event->memory);
}

}  // namespace

std::vector<ScalerRestored> ScalerKeeper::restored(const std::vector<SavedScaler>& saved, TimePoint now,
                                                   const std::function<void(const std::string&)>& warn) {
  std::vector<ScalerRestored> events;
  for (const SavedScaler& each : saved) {
    const QueueEntry* queue = queues_.find(each.queue);
    if (queue == nullptr) continue;
    std::string why;
    std::optional<ScalerMemory> memory = read_memory(each, why);
    if (!memory) {
      warn("what the scaler of '" + each.queue + "' had learnt cannot be read: " + why + ". It begins anew.");
      continue;
    }
    written_[queue->id] = {now, memory->messages};
    events.push_back({queue->id, std::move(*memory)});
  }
  return events;
}

void ScalerKeeper::look(const QueueEntry& queue, TimePoint now, bool last, std::vector<Memory>& due) {
  std::optional<ScalerMemory> memory = learnt_(queue.id);
  if (!memory) return;
  const auto known = written_.find(queue.id);
  const Written before = known != written_.end() ? known->second : Written{};
  const bool changed = memory->messages != before.messages;
  const bool enough = last || memory->messages >= 2 * before.messages || now >= before.at + kWriteEvery;
  if (!changed || !enough) return;
  written_[queue.id] = {now, memory->messages};
  due.push_back({queue.name, std::move(*memory)});
}

std::vector<ScalerKeeper::Memory> ScalerKeeper::take(TimePoint now) {
  std::vector<Memory> due;
  std::size_t left = kLookedAtPerSecond;
  const std::string after = std::exchange(looked_at_, {});  // at the end it begins at the first again
  queues_.visit(after, [&](const QueueEntry& queue) {
    look(queue, now, false, due);
    if (--left == 0) looked_at_ = queue.name;
    return left > 0;
  });
  return due;
}

std::vector<ScalerKeeper::Memory> ScalerKeeper::take_all(TimePoint now) {
  std::vector<Memory> due;
  queues_.visit({}, [&](const QueueEntry& queue) {
    look(queue, now, true, due);
    return true;
  });
  return due;
}

std::vector<SavedScaler> ScalerKeeper::text_of(const std::vector<Memory>& memories, TimePoint now) {
  std::vector<SavedScaler> saved;
  for (const Memory& each : memories) {
    SavedScaler& text = saved.emplace_back();
    text.queue = each.queue;
    text.version = kScalerMemoryVersion;
    write_text({now, ScalerRestored{{}, each.memory}}, text.memory);
  }
  return saved;
}

}  // namespace forewarm
