#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/model/event.h"
#include "edge/history/history_database.h"

namespace forewarm {

/// Sees to it that what has been learnt of failures is in the history database, and gives it back: written
/// every ten minutes, the first time after one, and when the server ends.
class RetryKeeper {
 public:
  using Learnt = std::function<RetryMemory()>;
  static constexpr std::string_view kName = "failures";  ///< of what is saved, in the history database

  explicit RetryKeeper(Learnt learnt) : learnt_(std::move(learnt)) {}

  /// The event that gives back what was saved; none where there is nothing, or, which is said, nothing
  /// readable.
  std::optional<RetryRestored> restored(const std::optional<SavedMemory>& saved,
                                        const std::function<void(const std::string&)>& warn);
  /// What is due to be written; about once a second. `last`: the server ends.
  std::optional<RetryMemory> take(TimePoint now, bool last = false);
  /// As it is written; for the history's thread.
  static SavedMemory text_of(const RetryMemory& memory, TimePoint now);

 private:
  Learnt learnt_;
  std::optional<TimePoint> next_;
  std::uint64_t written_ = 0;  ///< attempts learnt of
};

}  // namespace forewarm
