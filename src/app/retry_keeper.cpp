#include "app/retry_keeper.h"

#include <utility>
#include <variant>

#include "core/model/text.h"

namespace forewarm {
namespace {

constexpr Duration kRetriesFirstAfter = 1min;
constexpr Duration kRetriesEvery = 10min;

}  // namespace

std::optional<RetryRestored> RetryKeeper::restored(const std::optional<SavedMemory>& saved,
                                                   const std::function<void(const std::string&)>& warn) {
  if (!saved) return std::nullopt;
  const auto unreadable = [&](const std::string& why) {
    warn("what was learnt of failures cannot be read: " + why + ". The odds begin anew.");
    return std::nullopt;
  };
  if (saved->version != kRetryMemoryVersion) {
    return unreadable("it is of version " + std::to_string(saved->version) + ", and this is version " +
                      std::to_string(kRetryMemoryVersion));
  }
  Result<TimedEvent> read = read_event(saved->memory);
  if (!read) return unreadable(read.error().message);
  auto* event = std::get_if<RetryRestored>(&read->event);
  if (event == nullptr) return unreadable("it is something else");
  written_ = event->memory.learnt;
  return std::move(*event);
}

std::optional<RetryMemory> RetryKeeper::take(TimePoint now, bool last) {
  if (!next_) next_ = now + kRetriesFirstAfter;
  if (!last && now < *next_) return std::nullopt;
  next_ = now + kRetriesEvery;
  RetryMemory memory = learnt_();
  if (memory.learnt == written_) return std::nullopt;
  written_ = memory.learnt;
  return memory;
}

SavedMemory RetryKeeper::text_of(const RetryMemory& memory, TimePoint now) {
  SavedMemory saved{.version = kRetryMemoryVersion, .memory = {}};
  write_text({now, RetryRestored{memory}}, saved.memory);
  return saved;
}

}  // namespace forewarm
