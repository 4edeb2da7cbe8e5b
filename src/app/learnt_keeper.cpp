#include "app/learnt_keeper.h"

#include <concepts>
#include <utility>
#include <variant>

#include "core/model/text.h"

namespace forewarm {
namespace {

constexpr std::size_t kLookedAtPerSecond = 64;
constexpr Duration kWriteEvery = 10min;

/// What the line says; of the events none of another kind.
template <class Restored>
Result<Restored> read_as(std::string_view line) {
  Result<TimedEvent> read = read_event(line);
  if (!read) return std::unexpected(read.error());
  auto* event = std::get_if<Restored>(&read->event);
  if (event == nullptr) return error(ErrorCode::Invalid, "it is something else");
  return std::move(*event);
}

template <>
Result<WatchRestored> read_as(std::string_view line) {
  return read_watch(line);
}

template <class Restored>
void write_as(TimePoint now, const typename LearntOf<Restored>::Memory& memory, std::string& text) {
  if constexpr (std::same_as<Restored, WatchRestored>)
    write_text(now, WatchRestored{{}, memory}, text);
  else
    write_text({now, Restored{{}, memory}}, text);
}

}  // namespace

template <class Restored>
Result<Restored> read_learnt(const SavedMemory& saved, std::int64_t version) {
  if (saved.version != version) {
    return error(ErrorCode::Invalid, "it is of version " + std::to_string(saved.version) +
                                         ", and this is version " + std::to_string(version));
  }
  return read_as<Restored>(saved.memory);
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
    write_as<Restored>(now, each.memory, text.memory);
  }
  return saved;
}

template <class Restored>
std::vector<Restored> recall_learnt(HistoryKeeper& history, LearntKeeper<Restored>& keeper, TimePoint now,
                                    const std::function<void(const std::string&)>& warn) {
  std::vector<SavedMemory> saved;
  const auto read = [&](HistoryDatabase& database) -> Result<void> {
    Result<std::vector<SavedMemory>> all = database.learnt(LearntOf<Restored>::kKind);
    if (!all) return std::unexpected(all.error());
    saved = std::move(*all);
    return {};
  };
  if (const Result<void> done = history.now(read); !done)
    warn(done.error().message + " " + std::string(LearntOf<Restored>::kBeginAnew));
  return keeper.restored(saved, now, warn);
}

template <class Restored>
void keep_learnt(HistoryKeeper& history, LearntKeeper<Restored>& keeper, TimePoint now, bool last) {
  auto due = last ? keeper.take_all(now) : keeper.take(now);
  if (due.empty()) return;
  history.give([due = std::move(due), now](HistoryDatabase& database) {
    return database.keep_learnt(LearntOf<Restored>::kKind, LearntKeeper<Restored>::text_of(due, now), now);
  });
}

LearntKeeper<QueueRestored>::Subjects subjects_of(const QueueDirectory& queues) {
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
template class LearntKeeper<QueueRestored>;
template class LearntKeeper<FunctionRestored>;
template class LearntKeeper<WatchRestored>;
template std::vector<QueueRestored> recall_learnt(HistoryKeeper&, LearntKeeper<QueueRestored>&, TimePoint,
                                                  const std::function<void(const std::string&)>&);
template std::vector<FunctionRestored> recall_learnt(HistoryKeeper&, LearntKeeper<FunctionRestored>&,
                                                     TimePoint,
                                                     const std::function<void(const std::string&)>&);
template std::vector<WatchRestored> recall_learnt(HistoryKeeper&, LearntKeeper<WatchRestored>&, TimePoint,
                                                  const std::function<void(const std::string&)>&);
template void keep_learnt(HistoryKeeper&, LearntKeeper<QueueRestored>&, TimePoint, bool);
template void keep_learnt(HistoryKeeper&, LearntKeeper<FunctionRestored>&, TimePoint, bool);
template void keep_learnt(HistoryKeeper&, LearntKeeper<WatchRestored>&, TimePoint, bool);

}  // namespace forewarm
