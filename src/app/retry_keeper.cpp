#include "app/retry_keeper.h"

#include <utility>

#include "app/learnt_keeper.h"
#include "core/model/text.h"

namespace forewarm {
namespace {

constexpr Duration kRetriesFirstAfter = 1min;
constexpr Duration kRetriesEvery = 10min;

}  // namespace

std::optional<RetryRestored> RetryKeeper::restored(const std::optional<SavedMemory>& saved,
                                                   const std::function<void(const std::string&)>& warn) {
  if (!saved) return std::nullopt;
  Result<RetryRestored> read = read_learnt<RetryRestored>(*saved, kRetryMemoryVersion);
  if (!read) {
    warn("what was learnt of failures cannot be read: " + read.error().message + ". The odds begin anew.");
    return std::nullopt;
  }
  written_ = read->memory.learnt;
  return std::move(*read);
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
  SavedMemory saved{.name = {}, .version = kRetryMemoryVersion, .memory = {}};
  write_text({now, RetryRestored{memory}}, saved.memory);
  return saved;
}

}  // namespace forewarm
