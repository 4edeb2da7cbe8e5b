#include "app/learnt_keeper.h"

#include <utility>
#include <variant>

#include "core/model/text.h"

namespace forewarm {
namespace {

constexpr std::size_t kLookedAtPerSecond = 64;
constexpr Duration kWriteEvery = 10min;

}  // namespace

template <class Restored>
Result<Restored> read_learnt(const SavedMemory& saved, std::int64_t version) {
  if (saved.version != version) {
    return error(ErrorCode::Invalid, "it is of version " + std::to_string(saved.version) +
                                         ", and this is version " + std::to_string(version));
  }
  Result<TimedEvent> read = read_event(saved.memory);
  if (!read) return std::unexpected(read.error());
  auto* event = std::get_if<Restored>(&read->event);
  if (event == nullptr) return error(ErrorCode::Invalid, "it is something else");
  return std::move(*event);
}

template <class Restored>
std::vector<Restored> LearntKeeper<Restored>::restored(const std::vector<SavedMemory>& saved, TimePoint now,
                                                       const std::function<void(const std::string&)>& warn) {
  using Of = LearntOf<Restored>;
  std::vector<Restored> events;
  for (const SavedMemory& each : saved) {
    const std::optional<Subject> subject = subjects_.find(each.name);
    if (!subject) continue;
    Result<Restored> read = read_learnt<Restored>(each, Of::kVersion);
    if (!read) {
      warn(std::string(Of::kWords) + each.name + "' had learnt cannot be read: " + read.error().message +
           ". It begins anew.");
      continue;
    }
    written_[*subject] = {now, Of::seen(read->memory)};
    events.push_back({*subject, std::move(read->memory)});
  }
  return events;
}

template <class Restored>
void LearntKeeper<Restored>::look(const std::string& name, Subject subject, TimePoint now, bool last,
                                  std::vector<Due>& due) {
  std::optional<Memory> memory = learnt_(subject);
  if (!memory) return;
  const auto known = written_.find(subject);
  const Written before = known != written_.end() ? known->second : Written{};
  const double seen = LearntOf<Restored>::seen(*memory);
  const bool enough = last || seen >= 2 * before.seen || now >= before.at + kWriteEvery;
  if (seen == before.seen || !enough) return;
  written_[subject] = {now, seen};
  due.push_back({name, std::move(*memory)});
}

template <class Restored>
auto LearntKeeper<Restored>::take(TimePoint now) -> std::vector<Due> {
  std::vector<Due> due;
  std::size_t left = kLookedAtPerSecond;
  const std::string after = std::exchange(looked_at_, {});  // at the end it begins at the first again
  subjects_.visit(after, [&](const std::string& name, Subject subject) {
    look(name, subject, now, false, due);
    if (--left == 0) looked_at_ = name;
    return left > 0;
  });
  return due;
}

template <class Restored>
auto LearntKeeper<Restored>::take_all(TimePoint now) -> std::vector<Due> {
  std::vector<Due> due;
  subjects_.visit({}, [&](const std::string& name, Subject subject) {
    look(name, subject, now, true, due);
    return true;
  });
  return due;
}

template <class Restored>
std::vector<SavedMemory> LearntKeeper<Restored>::text_of(const std::vector<Due>& due, TimePoint now) {
  std::vector<SavedMemory> saved;
  for (const Due& each : due) {
    SavedMemory& text = saved.emplace_back();
    text.name = each.name;
    text.version = LearntOf<Restored>::kVersion;
    write_text({now, Restored{{}, each.memory}}, text.memory);
  }
  return saved;
}

LearntKeeper<ScalerRestored>::Subjects subjects_of(const QueueDirectory& queues) {
  return {.find = [&queues](std::string_view name) -> std::optional<QueueId> {
            const QueueEntry* queue = queues.find(name);
            return queue != nullptr ? std::optional(queue->id) : std::nullopt;
          },
          .visit =
              [&queues](std::string_view after, const auto& take) {
                queues.visit(after, [&](const QueueEntry& queue) { return take(queue.name, queue.id); });
              }};
}

LearntKeeper<FunctionRestored>::Subjects subjects_of(const FunctionDirectory& functions) {
  return {.find = [&functions](std::string_view name) -> std::optional<FunctionId> {
            const FunctionEntry* function = functions.find(name);
            return function != nullptr ? std::optional(function->id) : std::nullopt;
          },
          .visit =
              [&functions](std::string_view after, const auto& take) {
                const auto& all = functions.all();
                for (auto each = all.upper_bound(after); each != all.end(); ++each)
                  if (!take(each->first, each->second.id)) return;
              }};
}

template Result<RetryRestored> read_learnt(const SavedMemory&, std::int64_t);
template class LearntKeeper<ScalerRestored>;
template class LearntKeeper<FunctionRestored>;

}  // namespace forewarm
