#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

/// What is kept of a target across restarts, so that it can be put back as it was.
struct KeptTarget {
  std::string target;                  ///< what it is, in words that change when another is meant
  std::optional<std::uint32_t> found;  ///< set there before the first change; none: nothing was set
  std::optional<std::uint32_t> told;   ///< last
  bool changed = false;                ///< it was told anything: `found` counts
  TimePoint since;                     ///< of the first change

  friend bool operator==(const KeptTarget&, const KeptTarget&) = default;
};

/// The file control-state.json in the data folder: what was found at each target before the first directive.
/// Written whole, aside and renamed, and synced: a directive that changes a target is sent only after it.
class ControlState {
 public:
  /// An empty one where there is no file; Corrupt, with the remedy, where it is something else.
  static Result<ControlState> load(const std::string& data);

  const std::map<std::string, KeptTarget>& all() const { return kept_; }
  /// Of a queue whose target is still the same; none otherwise.
  const KeptTarget* find(const std::string& queue, const std::string& target) const;
  /// Io where it cannot be written: then nothing has changed.
  Result<void> keep(const std::string& queue, KeptTarget kept);
  Result<void> forget(const std::string& queue);

 private:
  explicit ControlState(std::string path) : path_(std::move(path)) {}
  Result<void> save(const std::map<std::string, KeptTarget>& kept) const;

  std::string path_;
  std::map<std::string, KeptTarget> kept_;
};

}  // namespace forewarm
