#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "edge/history/history_database.h"

namespace forewarm {

/// What was found at each target before the first directive. A directive that changes a target for the first
/// time is sent only after it is kept. For one thread; `done` is called there, at once or later.
class ControlState {
 public:
  using Done = std::function<void(Result<void>)>;

  virtual ~ControlState() = default;

  const std::map<std::string, KeptTarget>& all() const { return kept_; }
  /// Of a queue whose target is still the same; none otherwise.
  const KeptTarget* find(const std::string& queue, const std::string& target) const;

  /// Before the first change of a target. What is kept of it already stays.
  virtual void keep_found(const std::string& queue, KeptTarget found, Done done) = 0;
  /// After a change: what the target was told.
  virtual void keep_told(const std::string& queue, const std::string& target, std::uint32_t told,
                         Done done) = 0;
  virtual void forget(const std::string& queue, Done done) = 0;
  /// Others may have acted since: what was found is to be kept anew before the next change.
  virtual void doubt() {}

 protected:
  std::map<std::string, KeptTarget> kept_;
};

/// In the file control-state.json of the folder, which is written whole, aside and renamed, and synced.
/// Nothing is kept where there is no file; Corrupt, with the remedy, where it is something else.
Result<std::unique_ptr<ControlState>> open_state_file(const std::string& data);

/// In a shared history. What needs the database goes to the history's thread.
struct SharedStateRunner {
  /// False: it will not be done.
  std::function<bool(std::function<void(HistoryDatabase&)>)> in_history;
  /// Back on the thread of the state.
  std::function<void(std::function<void()>)> back;
};
/// Reads `database` at once. What a file of the folder keeps goes there too; the file is moved aside.
Result<std::unique_ptr<ControlState>> open_shared_state(const std::string& data, HistoryDatabase& database,
                                                        SharedStateRunner runner);

}  // namespace forewarm
