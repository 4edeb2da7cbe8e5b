#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "app/leader_config.h"
#include "edge/net/loop.h"
#include "edge/observe/control_metrics.h"
#include "edge/observe/json_writer.h"
#include "edge/observe/log.h"

namespace forewarm {

/// Whether this copy of `forewarm control` may act. Without [leader] there is no other copy, and it always
/// may. The loop's thread's, but for leads().
class ControlLead {
 public:
  /// `began` is called at the beginning of each time of leading, before anything is told; `turned` after
  /// leading has begun or ended.
  ControlLead(Loop& loop, Log& log, std::function<void()> began, std::function<void()> turned)
      : loop_(loop), log_(log), began_(std::move(began)), turned_(std::move(turned)) {}
  /// Begins to ask, where there is a [leader].
  Result<void> start(const LeaderConfig& config);
  /// Gives the lead up: nothing is told any more.
  void end() {
    label_.reset();
    election_.reset();
  }

  /// Now; any thread. To be asked right before a target is told anything.
  bool leads() const { return election_ == nullptr || election_->leads(); }
  /// The same, but not before `began` was called.
  bool acts() const { return election_ == nullptr || (known_.leads && election_->leads()); }
  /// Stops when the time of leading that is now ends.
  std::stop_token term() const { return term_.get_token(); }
  /// Why this copy does not act, for people; empty: it does.
  std::string follows() const;

  std::optional<ElectionSample> sample() const;
  /// The member "leader", null without [leader].
  void write(JsonWriter& json) const;

 private:
  void heard(const Leadership& now);

  Loop& loop_;
  Log& log_;
  std::function<void()> began_;
  std::function<void()> turned_;
  std::string identity_;
  Leadership known_;
  std::stop_source term_;
  std::unique_ptr<PodLabelKeeper> label_;  ///< null: there is none to keep
  std::unique_ptr<LeaderElection> election_;
};

/// JSON Schema of the member that write() writes.
extern const char* const kControlLeaderSchema;

}  // namespace forewarm
